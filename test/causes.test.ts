import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ExplainOptions, explainText } from '../src/logs/explain.js';
import { programFor } from '../src/logs/programs.js';
import { SourceText } from '../src/text/source.js';
import { loadDomainConfig } from '../src/toolstack/domain-config.js';
import { parseRelease } from '../src/toolstack/release.js';
import { FIXTURES } from './any-log.js';

/** Causes of the faults of a log, by event, the likeliest first. */
const causes = (log: string | Uint8Array, options: ExplainOptions = {}): string[][] =>
  explainText(log, 'log', options)
    .events.filter(({ kind }) => kind === 'dma-fault')
    .map((event) => event.causes.map(({ id }) => id));

/** What whoever knows the report says is behind each fault, the likeliest first, as far as it matters. */
const REPORTS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  // QubesOS #1491: a device of dom0 writes below 1 MiB; firmware or an option ROM told it to.
  '01-vtd-dom0-write-low-memory': [['reserved-region-missing', 'xen-own-memory']],
  // lf-edge/eve #146: mended by iommu=no-igfx.
  '03-vtd-igd-eve-no-igfx': [['graphics-under-iommu']],
  // i915ovmfPkg #16: the host's graphics goes on showing its picture while it is handed to a guest.
  '04-dmar-context-entry-clear-reason02': [
    ['graphics-under-iommu', 'between-owners'],
    ['graphics-under-iommu'],
  ],
  // Dasharo #641: translation begins while firmware's picture is on the screen.
  '06-dmar-root-entry-clear-reason01': [
    ['graphics-under-iommu', 'dma-left-running'],
    ['graphics-under-iommu', 'dma-left-running'],
  ],
  // linux-kernel, February 2013.
  '08-dmar-nonzero-reserved-reason12': [['unusable-entry', 'graphics-under-iommu']],
  // spdk #2514: commands without a metadata pointer.
  '10-dmar-optane-addr0': [['null-address']],
  // Avnu/igb_avb #11: DMA_FROM_DEVICE where the device reads, too.
  '11-dmar-wrong-dma-direction': [['wrong-direction']],
  // OpenNetworkLinux #897, where the IOMMU was switched off instead.
  '12-dmar-ONL-addr0-flood': [['null-address']],
  // Dasharo #1134: the card writes to a buffer that is mapped for reading.
  '15-amdvi-io-page-fault-apu2': [['wrong-direction']],
  // The founding mail.
  '21-smmuv2-xen-gnttab-seed': [['grant-not-mapped']],
  // DeepComputing #49: the words of the record are missing, so that no more can be said.
  '24-smmuv3-llm-misexplained': [['never-mapped', 'unmapped-too-early']],
};

/** Lines of Xen 4.17.7 with edu, a device of QEMU, given to a PV guest, as the lab recorded them. */
const LAB = `(XEN) Xen version 4.17.7 (Debian 4.17.7+13-g2445b30a44-0+deb12u1) (pkg-xen-devel@lists.alioth.debian.org) (x86_64-linux-gnu-gcc (Debian 12.2.0-14+deb12u1) 12.2.0) debug=n Wed Nov  4 16:52:28 UTC 2026
(XEN) Command line: console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all dom0_mem=1024M iommu=verbose,debug spec-ctrl=no
(XEN) Xen-e820 RAM map:
(XEN)  [0000000000000000, 000000000009fbff] (usable)
(XEN)  [000000000009fc00, 000000000009ffff] (reserved)
(XEN)  [0000000000100000, 000000007ffd6fff] (usable)
(XEN)  [0000000100000000, 000000013fffffff] (usable)
(XEN) I/O virtualisation enabled
(XEN)  - Dom0 mode: Relaxed
(XEN) [VT-D]d0:PCI: map 0000:00:04.0
(XEN) [VT-D]d1:PCI: map 0000:00:04.0
`;
/** The guest had pinned the page as an L1 table. */
const PINNED = `(XEN) [VT-D]DMAR:[DMA Write] Request device [0000:00:04.0] fault addr 13414f000
(XEN) [VT-D]DMAR: reason 05 - PTE Write access is not set
(XEN) print_vtd_entries: iommu #0 dev 0000:00:04.0 gmfn 13414f
(XEN)     root_entry[00] = 1341d2001
(XEN)     context[20] = 101_134154001
(XEN)     l3[004] = 134153003 rw
(XEN)     l2[1a0] = 134152003 rw
(XEN)     l1[14f] = 0 --
`;
/** The device had been taken from the guest. */
const DEASSIGNED = `(XEN) [VT-D]d1:PCI: unmap 0000:00:04.0
(XEN) [VT-D]DMAR:[DMA Write] Request device [0000:00:04.0] fault addr 134151000
(XEN) [VT-D]DMAR: reason 02 - Present bit in context entry is clear
`;
/** The device was told 0x1000, which is no machine address of the guest's. */
const LOW = `(XEN) [VT-D]DMAR:[DMA Write] Request device [0000:00:04.0] fault addr 1000
(XEN) [VT-D]DMAR: reason 05 - PTE Write access is not set
(XEN) print_vtd_entries: iommu #0 dev 0000:00:04.0 gmfn 00001
(XEN)     root_entry[00] = 1341d2001
(XEN)     context[20] = 101_134154001
(XEN)     l3[000] = 20000000000000 --
`;

/** The memory map of QubesOS #1710, whose owner also reported #1491, and the fault of that. */
const QUBES = `(XEN) Xen version 4.6.0 (user@) (gcc (GCC) 4.8.3 20140911 (Red Hat 4.8.3-7)) debug=n Thu Jan  7 06:33:20 UTC 2016
(XEN) Command line: placeholder console=none dom0_mem=min:1024M
(XEN) Xen-e820 RAM map:
(XEN)  0000000000000000 - 000000000009c800 (usable)
(XEN)  000000000009c800 - 00000000000a0000 (reserved)
(XEN)  00000000000e0000 - 0000000000100000 (reserved)
(XEN)  0000000000100000 - 00000000b97fc000 (usable)
(XEN) [VT-D]DMAR:[DMA Write] Request device [0000:01:00.0] fault addr 8c000, iommu reg = ffff82c000203000
(XEN) [VT-D]DMAR: reason 05 - PTE Write access is not set
`;

const config = (text: string) =>
  loadDomainConfig(new SourceText('guest.cfg', text), parseRelease('4.17')!).config;
const PV = config('name="g"\ntype="pv"\nmemory=512\npci=["00:04.0"]\n');
const HVM = config('name="g"\ntype="hvm"\nmemory=512\npci=["00:04.0"]\n');

describe('the causes of faults', () => {
  it.each(Object.entries(REPORTS))('of the report %s are those that who knows it gives', (name, expected) => {
    const found = causes(readFileSync(new URL(`${name}.txt`, FIXTURES)));
    expect(found.map((ids, i) => ids.slice(0, expected[i]?.length))).toEqual(expected);
  });

  it('of a page that a PV guest has pinned are its type, where the config says that it is PV, and not where it is HVM', () => {
    expect(causes(LAB + PINNED, { config: PV })[0]![0]).toBe('special-page');
    const told = causes(LAB + PINNED)[0]!;
    expect(told.slice(0, 2).sort()).toEqual(['special-page', 'unmapped-too-early']);
    expect(causes(LAB + PINNED, { config: HVM })[0]).not.toContain('special-page');
  });

  it('of a device that was taken from its guest are quarantine, and a release without quarantine has none', () => {
    expect(causes(LAB + DEASSIGNED)[0]![0]).toBe('quarantined');
    const old = (LAB + DEASSIGNED).replace(/4\.17\.7/g, '4.12.1');
    expect(causes(old)[0]).not.toContain('quarantined');
  });

  it('of an address of the guest’s own are that nothing near it was ever mapped', () => {
    expect(causes(LAB + LOW, { config: PV })[0]![0]).toBe('never-mapped');
  });

  it('of a write to where the memory map puts Xen’s trampoline are Xen’s own memory', () => {
    const { events } = explainText(QUBES, 'log');
    const [first] = events.find(({ kind }) => kind === 'dma-fault')!.causes;
    expect(first!.id).toBe('xen-own-memory');
    expect(first!.for[0]).toMatch(/0x9c800 .*trampoline is at 0x8c000/);
  });

  it('of interrupts that AMD-Vi refuses are the entry, and the IO-APIC that the IVRS does not name', () => {
    const { events } = explainText(
      '(XEN) AMD-Vi: IO_PAGE_FAULT: 0000:00:14.0 d0 addr 000000fdf8020000 flags 0x8 I\n',
      'log',
    );
    expect(events[0]!.causes.map(({ id }) => id).slice(0, 2)).toEqual(['stale-interrupt', 'firmware-tables']);
  });

  it('of AMD’s chipset are the IVRS where that names another number for the IO-APIC (xen-devel, 2023-03-20)', () => {
    const { events } = explainText(readFileSync(new URL('77-amdvi-xen-ioapic.txt', FIXTURES)), 'log');
    const [first] = events.find(({ kind }) => kind === 'interrupt-fault')!.causes;
    expect(first).toMatchObject({ id: 'firmware-tables', check: expect.stringContaining('IVRS') });
    expect(first!.for[0]).toContain('0000:00:00.1 (line 8)');
  });

  it('of the doorbell of an ITS say so, and since when Xen maps it', () => {
    const log = readFileSync(new URL('69-smmuv3-xen-its-doorbell.txt', FIXTURES), 'utf8');
    expect(causes(log)[0]![0]).toBe('msi-doorbell-not-mapped');
    const { events } = explainText(`(XEN) Xen version 4.21.0\n${log}`, 'log');
    const [first] = events.find(({ kind }) => kind === 'dma-fault')!.causes;
    expect(first!.id).toBe('msi-doorbell-not-mapped');
    expect(first!.for.join()).not.toContain('f9f6b22abf');
  });

  it('advise for the unit that speaks, and no option of another', () => {
    const { events } = explainText(readFileSync(new URL('66-amdvi-illegal-dte-amdgpu.txt', FIXTURES)), 'log');
    expect(events[0]!.causes[0]).toMatchObject({ id: 'unusable-entry' });
    expect(events[0]!.causes[0]!.check).not.toMatch(/intel_iommu|no-sharept/);
  });

  it('of a function that no device has are a phantom one', () => {
    const line =
      'DMAR: [DMA Write] Request device [03:00.1] fault addr fff00000 [fault reason 02] Present bit in context entry is clear\n';
    expect(causes(line)[0]![0]).toBe('phantom-function');
    const known = '[    1.2] nouveau 0000:03:00.1: enabling device (0000 -> 0002)\n';
    expect(causes(known + line)[0]![0]).not.toBe('phantom-function');
  });

  it('come with a program that ends in lines like those of the log', async () => {
    const { events, world } = explainText(LAB + PINNED, 'log', { config: PV });
    const { shown } = await programFor(events.find(({ kind }) => kind === 'dma-fault')!, world);
    expect(shown?.cause).toBe('special-page');
    expect(shown?.lines).toEqual([
      '[VT-D]DMAR:[DMA Write] Request device [0000:00:04.0] fault addr 13414f000',
      '[VT-D]DMAR: reason 05 - PTE Write access is not set',
    ]);
  });
});
