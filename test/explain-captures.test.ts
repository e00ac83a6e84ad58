import { describe, expect, it } from 'vitest';
import { explainText } from '../src/logs/explain.js';
import { told } from './told-events.js';

/** Messages as they are printed, without what loggers put before them. */
const MESSAGES: Readonly<Record<string, readonly string[]>> = {
  'VT-d, Xen': [
    '[VT-D]DMAR:[DMA Write] Request device [0000:01:00.0] fault addr 8c000, iommu reg = ffff82c000203000',
    '[VT-D]DMAR: reason 05 - PTE Write access is not set',
  ],
  'VT-d, Linux': [
    'DMAR: [DMA Read NO_PASID] Request device [00:02.0] fault addr 0x7cd80000 [fault reason 0x06] PTE Read access is not set',
  ],
  'AMD-Vi, Xen': ['AMD-Vi: IO_PAGE_FAULT: 0000:02:00.0 d1 addr 00000000fee00000 flags 0x20 RW'],
  'AMD-Vi, Linux': [
    'ath10k_pci 0000:01:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x000d address=0xcfd51ad0 flags=0x0070]',
  ],
  'SMMUv2, Xen': [
    'smmu: /smmu@fd800000: Unhandled context fault: fsr=0x402, iova=0x8424cb148, fsynr=0xb0001, cb=0',
  ],
  'SMMUv3, Linux': [
    'arm-smmu-v3 70c00000.iommu: event 0x10 received:',
    'arm-smmu-v3 70c00000.iommu: \t0x0000000100000010',
    'arm-smmu-v3 70c00000.iommu: \t0x0000020000000000',
    'arm-smmu-v3 70c00000.iommu: \t0x0000000000001000',
    'arm-smmu-v3 70c00000.iommu: \t0x0000000000000000',
  ],
};

/** Breaks a line at blanks so that none is longer than mails have them. */
function wrapped(line: string, width: number): string[] {
  const lines = [''];
  for (const word of line.split(' ')) {
    const last = lines.at(-1)!;
    if (last !== '' && last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines;
}

const each =
  (change: (line: string) => string, end = '\n') =>
  (lines: readonly string[]) =>
    Buffer.from(lines.map((line) => change(line) + end).join(''));

/** The ways in which messages come to us. */
const CAPTURES: Readonly<Record<string, (lines: readonly string[]) => Buffer>> = {
  'xl dmesg': each((line) => `(XEN) ${line}`),
  'xl dmesg with dates': each((line) => `(XEN) [2024-11-21 19:22:55.123] ${line}`),
  'xl dmesg with seconds': each((line) => `(XEN) [   12.345678] ${line}`),
  dmesg: each((line) => `[   12.345678] ${line}`),
  'dmesg -T': each((line) => `[Thu Nov 21 19:22:55 2024] ${line}`),
  'dmesg -x': each((line) => `kern  :err   : [   12.345678] ${line}`),
  'dmesg with colours': each(
    (line) =>
      `\u001b[32m[   12.345678] \u001b[0m\u001b[33m${line.slice(0, 6)}\u001b[0m${line.slice(6)}\u001b[K`,
  ),
  'a journal': each((line) => `Nov 21 19:22:55 host kernel: ${line}`),
  'a journal in ISO times': each((line) => `2024-11-21T19:22:55+0100 host kernel: ${line}`),
  syslog: each((line) => `Nov  1 19:22:55 host kernel: [   12.345678] ${line}`),
  'a serial console': each((line) => `(XEN) ${line}`, '\r\n'),
  'a serial console with CR CR LF': each((line) => `(XEN) ${line}`, '\r\r\n'),
  'a serial console with times': each((line) => `[    0.28] (XEN) [   12.345678] ${line}`, '\r\n'),
  'lines that end with CR': each((line) => line, '\r'),
  'lines with blanks behind them': each((line) => `${line}  `),
  'levels of printk': each((line) => `<3>[   12.345678] ${line}`),
  'a capture of Windows': (lines) => Buffer.from(`\ufeff${lines.join('\r\n')}\r\n`, 'utf16le'),
  'a capture with NULs': each((line) => `\0\0${line.slice(0, 4)}\0${line.slice(4)}`),
  'a mail': each((line) => `> > (XEN) ${line}`),
  'a mail that wraps at 72': (lines) => Buffer.from(lines.flatMap((line) => wrapped(line, 72)).join('\n')),
  'a reply to a mail that wraps at 72': (lines) =>
    Buffer.from(lines.flatMap((line) => wrapped(line, 72).map((part) => `> ${part}\n`)).join('')),
  'a terminal of 80 columns': (lines) =>
    Buffer.from(lines.map((line) => line.replace(/.{80}/g, '$&\n')).join('\n')),
  'a paste that lost its line breaks': (lines) => Buffer.from(lines.join(' ')),
  'a paste indented with tabs': each((line) => `\t\t${line.replaceAll(' ', '\t')}`),
  'a paste in Latin-1': (lines) => Buffer.from(`é ü ß\n${lines.join('\n')}`, 'latin1'),
};

/** What must be the same: everything but the place. */
const said = (bytes: Buffer) =>
  explainText(bytes, 'a.log').events.map((event) => ({
    ...told(event),
    line: null,
    details: event.details,
    level: event.level,
  }));

describe.each(Object.entries(CAPTURES))('the same messages in %s', (_, capture) => {
  it.each(Object.entries(MESSAGES))('tell the same: %s', (_, lines) => {
    const plain = said(Buffer.from(`${lines.join('\n')}\n`));
    expect(plain).toHaveLength(1);
    expect(said(capture(lines))).toEqual(plain);
  });
});
