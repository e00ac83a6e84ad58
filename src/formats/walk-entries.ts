import type { Rights } from './address.js';
import { type BitField, type EntryLayout, readField, writeField } from './layout.js';
import { ALL_RIGHTS, inputLimit, type RadixFormat, type RootShape, Walker, WalkStatus } from './radix.js';
import type { WordSource } from './words.js';

/** Tables as hardware walks them: where they begin, in which memory, and how they are read. */
export interface Tree {
  readonly format: RadixFormat;
  readonly source: WordSource;
  /** Frame of the root, the first where it is several. */
  readonly root: number;
  readonly shape: RootShape;
}

/** An entry that a walk has read. */
export interface EntryRead {
  readonly level: number;
  /** Frame of the table in which it stands, and its number in there. */
  readonly table: number;
  readonly index: number;
  /** Its physical byte address. */
  readonly address: number;
  /** Bits of the byte address walked for that chose it, from the lowest to the highest. */
  readonly chosenBy: { readonly low: number; readonly high: number };
  readonly lo: number;
  readonly hi: number;
  readonly layout: EntryLayout;
  readonly present: boolean;
  /** Whether it maps a page; only told of a present entry. */
  readonly leaf: boolean;
  readonly reserved: boolean;
  /** The table or the page to which it leads; -1 where it is not present. */
  readonly frame: number;
  /** What the entries down to this one let through. */
  readonly rights: Rights;
}

/** A walk with all that it met. */
export interface WalkReport {
  /** How it ended, a {@link WalkStatus}. */
  readonly status: number;
  readonly entries: readonly EntryRead[];
  /** As of {@link Walker}. */
  readonly frame: number;
  readonly rights: Rights;
  readonly span: number;
}

/** How an entry of a table of `level` reads. What is not present reads as a page that is not. */
export function layoutOfEntry(format: RadixFormat, lo: number, hi: number, level: number): EntryLayout {
  return format.layoutAt(level, !format.present(lo, hi, level) || format.leaf(lo, hi, level));
}

/**
 * Walks a tree for an input frame and tells of each entry on the way. The walk is the {@link Walker}'s own, which is watched
 * as it reads, so that this is what the hardware did and not another opinion of it.
 */
export function walkEntries({ format, source, root, shape }: Tree, input: number): WalkReport {
  const read: number[] = [];
  const watched: WordSource = {
    read32(pa) {
      if (pa % 8 === 0) read.push(pa);
      return source.read32(pa);
    },
  };
  const walker = new Walker(format, watched);
  const status = walker.walk(root, shape, input);
  const { frame, rights, span } = walker;
  return { status, entries: entriesAt(read, format, source, shape), frame, rights, span };
}

function entriesAt(
  addresses: readonly number[],
  format: RadixFormat,
  source: WordSource,
  shape: RootShape,
): EntryRead[] {
  let level = shape.topLevel;
  let rights = ALL_RIGHTS;
  return addresses.map((address, step) => {
    const lo = source.read32(address);
    const hi = source.read32(address + 4);
    const present = format.present(lo, hi, level);
    if (present) rights &= format.rights(lo, hi, level);
    const low = 12 + 9 * (level - 1);
    const entry: EntryRead = {
      level,
      table: Math.floor(address / 4096),
      index: (address % 4096) / 8,
      address,
      // The root, or the roots, may take more bits than a table, or fewer.
      chosenBy: { low, high: step === 0 ? Math.log2(inputLimit(shape)) + 11 : low + 8 },
      lo,
      hi,
      layout: layoutOfEntry(format, lo, hi, level),
      present,
      leaf: present && format.leaf(lo, hi, level),
      reserved: present && format.reserved(lo, hi, level),
      frame: present ? format.frame(lo, hi) : -1,
      rights,
    };
    level = format.nextLevel?.(lo, level) ?? level - 1;
    return entry;
  });
}

/**
 * The entry of a walk at which hardware that checks permissions on its way down refuses an access that needs `need`: the
 * first that does not let it through, or else the last where the walk did not come to a page. Undefined where nothing
 * refuses it, and where the root does not cover the input.
 */
export function refusingEntry({ status, entries }: WalkReport, need: Rights): EntryRead | undefined {
  const denying = entries.find(({ present, rights }) => present && (rights & need) === 0);
  return denying ?? (status === WalkStatus.OK ? undefined : entries.at(-1));
}

/**
 * The fields of an entry because of which a walk that needs `need` does not go past it: that would have to be otherwise.
 * Found by trying on the format itself, so that it holds for every format.
 */
export function decidingFields(format: RadixFormat, entry: EntryRead, need: Rights): BitField[] {
  const { layout, lo, hi, level } = entry;
  const { fields } = layout;
  const words = Int32Array.of(lo, hi);
  const all = (field: BitField): number => 2 ** (field.hi - field.lo + 1) - 1;
  const having = (field: BitField, value: number): Int32Array => {
    const changed = words.slice();
    writeField(field, changed, value);
    return changed;
  };
  const present = ([l, h]: Int32Array): boolean => format.present(l!, h!, level);
  const reserved = ([l, h]: Int32Array): boolean => format.reserved(l!, h!, level);
  if (!entry.present) return fields.filter((field) => present(having(field, all(field))));
  if ((format.rights(lo, hi, level) & need) === 0) {
    return fields.filter((field) => {
      const [l, h] = having(field, all(field)) as unknown as [number, number];
      return format.leaf(l, h, level) === entry.leaf && (format.rights(l, h, level) & need) !== 0;
    });
  }
  if (!entry.reserved) {
    // Nothing of the entry's own refuses: it skips levels whose bits the input has set.
    return fields.filter(({ name }) => name === 'nextLevel');
  }
  const setting = fields.filter((field) => field.lo === field.hi && !reserved(having(field, 1)));
  if (setting.length > 0) return setting;
  return needless(words, fields, present, (changed) => !reserved(changed));
}

/** A smallest set of fields with which at zero a present entry is `right`; empty where there is none. */
function needless(
  words: Int32Array,
  fields: readonly BitField[],
  present: (words: Int32Array) => boolean,
  right: (changed: Int32Array) => boolean,
): BitField[] {
  // What makes an entry present stays as it is.
  let zeroed = fields.filter((field) => {
    const alone = new Int32Array(words.length);
    writeField(field, alone, readField(field, words));
    return readField(field, words) !== 0 && !present(alone);
  });
  const without = (gone: readonly BitField[]): Int32Array => {
    const changed = words.slice();
    for (const field of gone) writeField(field, changed, 0);
    return changed;
  };
  if (!right(without(zeroed))) return [];
  for (const field of [...zeroed]) {
    const fewer = zeroed.filter((other) => other !== field);
    if (right(without(fewer))) zeroed = fewer;
  }
  return zeroed;
}
