import { R, rightsText, W, X } from '../../formats/address.js';
import { ENTRY_SPAN } from '../../formats/radix.js';
import { PGT_NAMES, PGT_PARTIAL, PGT_PINNED, PGT_VALIDATED } from '../../formats/x86-page-info.js';
import { hex } from '../../text/hex.js';
import type { TreeKind } from '../../xen/iommu-tables.js';
import { p2mTree, typeInEntry } from '../../xen/p2m.js';
import { p2mTypeText } from '../../xen/p2m-types.js';
import { typeCount, typeOf } from '../../xen/page-info.js';
import type { Here } from '../here.js';
import { wordOf } from '../here.js';
import type { Value } from '../value.js';
import { deviceTree, type Standing } from './standing.js';

/** Entries of tables in a few words, over the words of RAM that hold them. */

const SIZES: readonly string[] = ['', '', ' (2 MiB)', ' (1 GiB)'];

/**
 * What devices have by the entry that decides: `rw → 0x1610`. Who has said the frame already, `known`, is told of others
 * only.
 */
export function iommuValue(
  here: Here,
  slot: number,
  { iommuEntry, iommuLevel }: Standing,
  known?: number,
): Value {
  if (iommuEntry < 0) return { text: 'no tables' };
  const tree = deviceTree(here.xen, slot);
  return here.ram(iommuEntry, 2, (words) => leafText(tree, iommuLevel, words, rightsText, known));
}

/** What the p2m has: `ram_rw rwx → 0x1610`. */
export function p2mValue(here: Here, slot: number, { cpuEntry, cpuLevel }: Standing, known?: number): Value {
  if (cpuEntry < 0) return { text: 'no p2m' };
  const tree = p2mTree(here.xen, slot);
  return here.ram(cpuEntry, 2, (words) => {
    if (words[0] === 0 && words[1] === 0) return 'nothing';
    const type = p2mTypeText(typeInEntry(here.xen, slot, words[1]!));
    const text = leafText(tree, cpuLevel, words, cpuRightsText, known);
    return text === 'a table' ? text : `${type} ${text}`;
  });
}

function leafText(
  { format }: TreeKind,
  level: number,
  words: Int32Array,
  rights: (rights: number) => string,
  known: number | undefined,
): string {
  const [lo = 0, hi = 0] = words;
  if (lo === 0 && hi === 0) return 'nothing';
  if (!format.present(lo, hi, level)) return 'not present';
  if (!format.leaf(lo, hi, level)) return 'a table';
  const span = ENTRY_SPAN[level]!;
  const frame = format.frame(lo, hi);
  const first = frame - (frame % span);
  const right = rights(format.rights(lo, hi, level));
  const size = SIZES[level] ?? '';
  return known !== undefined && known >= first && known < first + span
    ? `${right}${size}`
    : `${right} → ${hex(first)}${size}`;
}

const cpuRightsText = (rights: number): string =>
  `${rights & R ? 'r' : '-'}${rights & W ? 'w' : '-'}${rights & X ? 'x' : '-'}`;

/** What a frame serves as, which decides what a PV domain's CPUs and devices may do with it: `writable ×1`. */
export function typeValue(here: Here, pdx: number): Value {
  return here.word(wordOf(here.table('frame'), pdx, 'typeInfo'), typeText);
}

/** A page’s type, how many references hold it to that, and whether it is pinned or half validated. */
export function typeText(info: number): string {
  const flags = [
    (info & PGT_PINNED) !== 0 ? 'pinned' : '',
    (info & PGT_VALIDATED) !== 0 ? 'validated' : '',
    (info & PGT_PARTIAL) !== 0 ? 'partial' : '',
  ].filter((flag) => flag !== '');
  const name = PGT_NAMES[typeOf(info)];
  if (name === 'none' && typeCount(info) === 0 && flags.length === 0) return 'none';
  return [`${name} ×${typeCount(info)}`, ...flags].join(' ');
}
