import { R, type Rights, W, X } from './address.js';
import type { EntryWords, RadixFormat } from './radix.js';
import { X86_64 } from './x86-pte.js';

const PRESENT = 1;
const RW = 2;
/** User, accessed, dirty: Xen sets them in every entry of a p2m. */
const BASE = 4 | 0x20 | 0x40;
const PAGE_SIZE = 0x80;
const NX = 1 << 31;

/**
 * A p2m in the format of x86 page tables: AMD's nested paging, and shadow-mode guests, whose hardware never sees it. An
 * entry without rights is absent to the hardware, whatever type Xen keeps in it. (AMD64 APM volume 2 §15.25; Xen
 * arch/x86/mm/p2m-pt.c)
 */
export const NPT: RadixFormat = {
  ...X86_64,
  name: 'npt',
  rights: (lo, hi) => R | (lo & RW) | (hi < 0 ? 0 : X),
  tableEntry(frame: number, _level: number, out: EntryWords) {
    out.lo = (frame << 12) | PRESENT | RW | BASE;
    out.hi = (frame / 0x10_0000) & 0xf_ffff;
  },
  leafEntry(frame: number, rights: Rights, level: number, out: EntryWords) {
    const present = rights === 0 ? 0 : PRESENT | BASE;
    out.lo = (frame << 12) | present | (rights & W) | (level > 1 ? PAGE_SIZE : 0);
    out.hi = ((frame / 0x10_0000) & 0xf_ffff) | (rights & X ? 0 : NX);
  },
};
