import type { BitField, EntryLayout } from './layout.js';

/**
 * The two words that Xen on x86 keeps for each frame: `type_info`, what the frame serves as, and `count_info`, who
 * refers to it. Both are 64-bit words whose flags stand at the top and whose count takes the rest; the flags moved
 * over the releases. (Dossier §3.1; Xen asm/mm.h at each release tag.)
 */

/** Page types, the top three bits of type_info. */
export const PGT = {
  none: 0,
  l1: 1,
  l2: 2,
  l3: 3,
  l4: 4,
  segDesc: 5,
  shared: 6,
  writable: 7,
} as const;

/** Names of the page types by number. */
export const PGT_NAMES: Readonly<Record<number, string>> = {
  0: 'none',
  1: 'l1',
  2: 'l2',
  3: 'l3',
  4: 'l4',
  5: 'seg_desc',
  6: 'shared',
  7: 'writable',
};

// Where type_info's flags stand in its high word; the same in every release.
export const PGT_TYPE_SHIFT = 29;
export const PGT_TYPE_MASK = 7 << 29;
export const PGT_LOCKED = 1 << 28;
export const PGT_PINNED = 1 << 27;
export const PGT_VALIDATED = 1 << 26;
export const PGT_PAE_XEN_L2 = 1 << 25;
export const PGT_PARTIAL = 1 << 24;
/** Only in releases whose layout has the flag; elsewhere the count's highest bit. */
export const PGT_NON_COHERENT = 1 << 23;

// Flags of count_info's high word that stand where they stood in every release.
export const PGC_ALLOCATED = 1 << 31;
export const PGC_XEN_HEAP = 1 << 30;

const TYPE_FLAGS: readonly BitField[] = [
  { name: 'partial', lo: 56, hi: 56, doc: 'PGT_partial: validation stopped half-way' },
  {
    name: 'paeXenL2',
    lo: 57,
    hi: 57,
    doc: 'PGT_pae_xen_l2: the L2 of a 32-bit guest with Xen’s own entries',
  },
  { name: 'validated', lo: 58, hi: 58, doc: 'PGT_validated: checked for its type' },
  { name: 'pinned', lo: 59, hi: 59, doc: 'PGT_pinned: the guest holds a type reference' },
  { name: 'locked', lo: 60, hi: 60, doc: 'PGT_locked' },
  { name: 'type', lo: 61, hi: 63, doc: 'PGT_type_mask', kind: 'enum', values: PGT_NAMES },
];

function typeInfo(since: string, low: readonly BitField[]): EntryLayout {
  return {
    name: `type_info (${since})`,
    manual: 'Xen asm/mm.h, PGT_*',
    words: 2,
    fields: [...low, ...TYPE_FLAGS],
  };
}

const count = (hi: number): BitField => ({ name: 'count', lo: 0, hi, doc: 'references', kind: 'number' });

const flag = (name: string, bit: number, doc: string): BitField => ({ name, lo: bit, hi: bit, doc });

/** Offlining state of a page, two bits. */
const state = (lo: number): BitField => ({
  name: 'state',
  lo,
  hi: lo + 1,
  doc: 'PGC_state',
  kind: 'enum',
  values: { 0: 'inuse', 1: 'offlining', 2: 'offlined', 3: 'free' },
});

const ALLOCATED = flag('allocated', 63, 'PGC_allocated: holds a reference until the guest frees the page');
const XEN_HEAP = flag('xenHeap', 62, 'PGC_xen_heap');
const PAGE_TABLE = flag('pageTable', 61, 'PGC_page_table: shadowed as a page table');
const EXTRA = 'PGC_extra: not counted in the domain’s pages';

function countInfo(since: string, fields: readonly BitField[]): EntryLayout {
  return {
    name: `count_info (${since})`,
    manual: 'Xen asm/mm.h, PGC_*',
    words: 2,
    fields: [...fields, XEN_HEAP, ALLOCATED],
  };
}

const TYPE_PLAIN = typeInfo('before XSA-402', [count(55)]);
const TYPE_NON_COHERENT = typeInfo('since XSA-402', [
  count(54),
  flag(
    'nonCoherent',
    55,
    'PGT_non_coherent: mapped writable and uncached; needs a cache flush on its next use',
  ),
]);

const CACHE_ATTRIBUTES: readonly BitField[] = [
  state(55),
  flag('broken', 57, 'PGC_broken'),
  {
    name: 'cacheAttributes',
    lo: 58,
    hi: 60,
    doc: 'PGC_cacheattr: PAT index of the guest’s mappings',
    kind: 'number',
  },
  PAGE_TABLE,
];
const WITHOUT_CACHE_ATTRIBUTES: readonly BitField[] = [
  state(58),
  flag('broken', 60, 'PGC_broken'),
  PAGE_TABLE,
];

const COUNT_OLD = countInfo('4.11', [count(54), ...CACHE_ATTRIBUTES]);
const COUNT_EXTRA = countInfo('4.14', [count(53), flag('extra', 54, EXTRA), ...CACHE_ATTRIBUTES]);
const COUNT_OLD_402 = countInfo('4.13.5', [count(57), ...WITHOUT_CACHE_ATTRIBUTES]);
const COUNT_EXTRA_402 = countInfo('4.17', [count(56), flag('extra', 57, EXTRA), ...WITHOUT_CACHE_ATTRIBUTES]);
const UPPER_SINCE_4_18: readonly BitField[] = [
  state(58),
  flag('broken', 60, 'PGC_broken'),
  flag('extra', 61, EXTRA),
];
const SHADOWED =
  'PGC_shadowed_pt: shadowed as a page table; part of the count in builds without shadow paging';
const COUNT_4_18 = countInfo('4.18', [count(56), flag('shadowedPt', 57, SHADOWED), ...UPPER_SINCE_4_18]);
const COUNT_4_22 = countInfo('4.22', [
  count(55),
  flag('shadowedPt', 56, SHADOWED),
  flag('needScrub', 57, 'PGC_need_scrub: free and dirty; before 4.22 the allocated bit of a free page'),
  ...UPPER_SINCE_4_18,
]);

/** Layouts of one run of releases. */
export interface PageInfoLayouts {
  /** First release that has them. */
  readonly from: string;
  readonly typeInfo: EntryLayout;
  readonly countInfo: EntryLayout;
}

/**
 * The layouts by stable tree, oldest first, each with the point release that brought them. The fix of XSA-402 (June
 * 2022) changed both words within the stable trees.
 */
export const PAGE_INFO_LAYOUTS: readonly PageInfoLayouts[] = [
  { from: '4.11.0', typeInfo: TYPE_PLAIN, countInfo: COUNT_OLD },
  { from: '4.13.5', typeInfo: TYPE_NON_COHERENT, countInfo: COUNT_OLD_402 },
  { from: '4.14.0', typeInfo: TYPE_PLAIN, countInfo: COUNT_EXTRA },
  { from: '4.14.6', typeInfo: TYPE_NON_COHERENT, countInfo: COUNT_EXTRA_402 },
  { from: '4.15.0', typeInfo: TYPE_PLAIN, countInfo: COUNT_EXTRA },
  { from: '4.15.3', typeInfo: TYPE_NON_COHERENT, countInfo: COUNT_EXTRA_402 },
  { from: '4.16.0', typeInfo: TYPE_PLAIN, countInfo: COUNT_EXTRA },
  { from: '4.16.2', typeInfo: TYPE_NON_COHERENT, countInfo: COUNT_EXTRA_402 },
  { from: '4.18.0', typeInfo: TYPE_NON_COHERENT, countInfo: COUNT_4_18 },
  { from: '4.22.0', typeInfo: TYPE_NON_COHERENT, countInfo: COUNT_4_22 },
];

/** Names of the page types by number before 4.10, when a type had four bits. */
const PGT_NAMES_BEFORE_4_10: Readonly<Record<number, string>> = {
  0: 'none',
  1: 'l1',
  2: 'l2',
  3: 'l3',
  4: 'l4',
  5: 'seg_desc',
  7: 'writable',
  8: 'shared',
};

/**
 * The layouts of 4.6 to 4.9, for logs of these releases: the type had four bits, and PGT_locked stood below PGT_partial.
 * (asm-x86/mm.h at their tags.) The model's own words are never in them.
 */
export const PAGE_INFO_BEFORE_4_10: PageInfoLayouts = {
  from: '4.6.0',
  typeInfo: {
    name: 'type_info (4.6 to 4.9)',
    manual: 'Xen asm/mm.h, PGT_*',
    words: 2,
    fields: [
      count(54),
      { name: 'locked', lo: 55, hi: 55, doc: 'PGT_locked' },
      ...TYPE_FLAGS.filter(({ name }) => name !== 'locked' && name !== 'type'),
      { name: 'type', lo: 60, hi: 63, doc: 'PGT_type_mask', kind: 'enum', values: PGT_NAMES_BEFORE_4_10 },
    ],
  },
  countInfo: COUNT_OLD,
};

function parts(release: string): [number, number, number] {
  const match = /^(\d+)\.(\d+)(?:\.(\d+))?$/.exec(release);
  if (match === null) throw new RangeError(`"${release}" is no release; expected for example 4.17 or 4.13.2`);
  return [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
}

/** The layouts of a release such as "4.17" or "4.13.2". @throws RangeError before 4.11. */
export function pageInfoLayouts(release: string): PageInfoLayouts {
  const [major, minor, point] = parts(release);
  const found = PAGE_INFO_LAYOUTS.findLast(({ from }) => {
    const [fromMajor, fromMinor, fromPoint] = parts(from);
    if (major !== fromMajor) return major > fromMajor;
    return minor !== fromMinor ? minor > fromMinor : point >= fromPoint;
  });
  if (found === undefined)
    throw new RangeError(`page_info of Xen ${release} is not described; the oldest is 4.11`);
  return found;
}

/** The type in a type_info's high word. */
export const pageType = (typeInfoHi: number): number => typeInfoHi >>> PGT_TYPE_SHIFT;
