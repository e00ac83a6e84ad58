import { readSync } from 'node:fs';
import { sourceError } from './source-error.js';

interface OtherDump {
  readonly magic: readonly number[];
  readonly what: string;
  readonly hint: string;
}

const ascii = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));

/**
 * Files of memory that are compressed or laid out as others do it, by their first bytes (makedumpfile and AVML document
 * theirs). Taken for raw memory they would give nonsense.
 */
const OTHERS: readonly OtherDump[] = [
  {
    magic: ascii('KDUMP   '),
    what: 'a kdump-compressed dump',
    hint: 'write it anew as ELF: `makedumpfile -E VMCORE OUT`, or `dump-guest-memory FILE` without -z, -l, -s',
  },
  {
    magic: ascii('DISKDUMP'),
    what: 'a diskdump',
    hint: 'write it anew as ELF: `makedumpfile -E VMCORE OUT`',
  },
  {
    magic: ascii('makedumpfile'),
    what: 'a flattened dump of makedumpfile',
    hint: 'put it together first: `makedumpfile -R OUT < FILE`, then write it as ELF with -E',
  },
  {
    magic: ascii('AVML'),
    what: 'an AVML image',
    hint: 'turn it into a raw one: `avml-convert --format raw IMAGE OUT`',
  },
  {
    magic: ascii('PAGEDUMP'),
    what: 'a Windows crash dump',
    hint: 'a raw image or an ELF core is needed',
  },
  {
    magic: ascii('PAGEDU64'),
    what: 'a Windows crash dump',
    hint: 'a raw image or an ELF core is needed; QEMU writes one without -w',
  },
  { magic: [0x1f, 0x8b], what: 'compressed with gzip', hint: 'uncompress it first: `gzip -dk`' },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], what: 'compressed with zstd', hint: 'uncompress it first: `zstd -d`' },
  {
    magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a],
    what: 'compressed with xz',
    hint: 'uncompress it first: `xz -dk`',
  },
  { magic: [0x51, 0x46, 0x49, 0xfb], what: 'a qcow2 disk image', hint: 'a raw image of memory is needed' },
];

const LONGEST = 16;

/** @throws InputError for a dump in a format that is not read, which says what to do. */
export function refuseOtherDumps(fd: number, path: string): void {
  const start = new Uint8Array(LONGEST);
  const length = readSync(fd, start, 0, LONGEST, 0);
  for (const { magic, what, hint } of OTHERS) {
    if (length < magic.length || !magic.every((byte, i) => start[i] === byte)) continue;
    throw sourceError(path, 'memory-format', `it is ${what}, which is not read`, hint);
  }
}
