import { PGT, PGT_NAMES, PGT_TYPE_SHIFT } from '../formats/x86-page-info.js';
import { bitParts, decimal, enumeration, flag } from '../store/table.js';

/**
 * The model's words for Xen's `count_info` and `type_info` (dossier §3.1). Flags stand where the high half of the
 * 64-bit word has them (bit 31 here is bit 63 there); the count, which in a model never outgrows them, takes the low
 * 24 bits. `formats/x86-page-info.ts` has the flags and the
 * real 64-bit layouts of each release.
 */

export const COUNT_MASK = 0x00ff_ffff;

/** Bits 24 to 28 of count_info: the order of the extent that begins with the page (extents.ts), 0 for a page alone. */
export const EXTENT_SHIFT = 24;
export const extentOrder = (countInfo: number): number => (countInfo >>> EXTENT_SHIFT) & 0x1f;

/** Bit 29 of count_info: the page was stolen from its owner, and is not free yet (memory_exchange). */
export const PGC_STOLEN = 1 << 29;

/** The type field of a type_info word. */
export function typeOf(typeInfo: number): number {
  return typeInfo >>> PGT_TYPE_SHIFT;
}

/** The type count of a type_info word. */
export function typeCount(typeInfo: number): number {
  return typeInfo & COUNT_MASK;
}

/** A type_info word of `type` with count 0 and no flags. */
export function ofType(type: number): number {
  return type << PGT_TYPE_SHIFT;
}

export function isPageTable(type: number): boolean {
  return type >= PGT.l1 && type <= PGT.l4;
}

const part = (name: string, low: number, width: number, show: (value: number) => string) => ({
  name,
  low,
  width,
  show,
});

export const COUNT_INFO = bitParts([
  part('allocated', 31, 1, flag.show),
  part('xen_heap', 30, 1, flag.show),
  part('stolen', 29, 1, flag.show),
  part('order', EXTENT_SHIFT, 5, decimal.show),
  part('references', 0, 24, decimal.show),
]);

export const TYPE_INFO = bitParts([
  part('type', 29, 3, enumeration(Object.values(PGT_NAMES)).show),
  part('pinned', 27, 1, flag.show),
  part('validated', 26, 1, flag.show),
  part('partial', 24, 1, flag.show),
  part('type count', 0, 24, decimal.show),
]);
