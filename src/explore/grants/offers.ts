import {
  GRANT_PINS,
  GRANT_V1_ENTRY,
  GrantType,
  GTF_PAT,
  GTF_PCD,
  GTF_PWT,
  GTF_READONLY,
  GTF_SUB_PAGE,
  GTF_TYPE_MASK,
} from '../../formats/grant-v1.js';
import { GRANT_V2_TRANSITIVE } from '../../formats/grant-v2.js';
import { fieldOf, getField, nameInWords } from '../../formats/layout.js';
import { hex } from '../../text/hex.js';
import { ownerOf } from '../../xen/frames.js';
import {
  entryAddress,
  grantEntryCount,
  isVersion2,
  sharedFrame,
  statusAddress,
} from '../../xen/grant-frames.js';
import type { Xen } from '../../xen/state.js';
import { bitsValue } from '../bits.js';
import { type Here, type Words, wordOf } from '../here.js';
import type { Value } from '../value.js';

/** What a domain has written into its grant table, for one reference. */
export interface SharedEntry {
  /** `permit_access, readonly`. */
  readonly offer: Value;
  /** Caching flags, and that only a part of the page is offered; undefined where none of these is set. */
  readonly more: Value | undefined;
  readonly to: Value;
  /** The page by the number that the domain calls it, or the grant that is passed on: `0x40010`, `d2 grant 5`. */
  readonly of: Value;
  /** GTF_reading and GTF_writing, which Xen sets while the entry is in use: `reading`, `reading, writing`, `no`. */
  readonly use: Value;
}

/** Xen's own record of an offer in use. */
export interface ActiveEntry {
  /** How often it is mapped, in four counters. */
  readonly pins: readonly { readonly name: string; readonly value: Value }[];
  readonly grantee: Value;
  readonly frame: Value;
  /** The frame's number; undefined where the entry names none. */
  readonly mfn: number | undefined;
  /** Whose the frame is, where it is not the granter's: one that a grant passes on, or that has changed hands. */
  readonly owner: Value | undefined;
  /** Only of copies: the domain and the grant there that it leads to. */
  readonly source: { readonly domain: Value; readonly ref: Value } | undefined;
  /** The domain has written over its entry since. */
  readonly spoilt: boolean;
}

/** A grant reference in use. */
export interface Offer {
  readonly ref: number;
  /** Undefined where the table has no place for the reference (any more). */
  readonly entry: SharedEntry | undefined;
  readonly active: ActiveEntry | undefined;
  /** Who has mapped it. */
  readonly handles: readonly { readonly domain: string; readonly handle: number }[];
}

/** References of a domain whose entry says something, or that Xen keeps pinned. */
export function refsInUse(here: Here, slot: number): number[] {
  const { xen } = here;
  const { grants } = xen.spec.limits;
  const table = here.table('grant');
  const pins = wordOf(table, slot * grants, 'pin');
  const width = table.fieldNames.length;
  const count = grantEntryCount(xen, slot);
  const stride = isVersion2(xen, slot) ? 4 : 2;
  const perFrame = 1024 / stride;
  const { words } = xen.store;
  const refs: number[] = [];
  for (let first = 0; first < grants; first += perFrame) {
    const base = first < count ? xen.ram.wordsOf(sharedFrame(xen, slot, first / perFrame)) : -1;
    for (let ref = first; ref < Math.min(first + perFrame, grants); ref++) {
      const written = base >= 0 && ref < count && words[base + (ref - first) * stride] !== 0;
      if (written || words[pins + ref * width] !== 0) refs.push(ref);
    }
  }
  return refs;
}

/** One of them with all that is known of it. */
export function offerOf(here: Here, slot: number, ref: number, handles: Offer['handles']): Offer {
  const { xen } = here;
  const row = slot * xen.spec.limits.grants + ref;
  return {
    ref,
    entry: ref < grantEntryCount(xen, slot) ? sharedEntry(here, slot, ref) : undefined,
    active: isRecorded(here, row) ? activeEntry(here, slot, row) : undefined,
    handles,
  };
}

/** Whether Xen has a record of it, or had one before the step. */
function isRecorded(here: Here, row: number): boolean {
  const pin = here.field('grant', row, 'pin');
  return pin.was !== undefined || here.xen.grant.pin.get(row) !== 0;
}

const FIRST = 0;
const bitsOf = (name: string): readonly [number, number] => {
  const { lo, hi } = fieldOf(GRANT_V1_ENTRY, name);
  return [lo, hi - lo + 1];
};
const TYPES = fieldOf(GRANT_V1_ENTRY, 'type').values!;

function sharedEntry(here: Here, slot: number, ref: number): SharedEntry {
  const { xen } = here;
  const two = isVersion2(xen, slot);
  const words = here.ramWords(entryAddress(xen, slot, ref), two ? 4 : 2);
  const [use, at] = two
    ? [here.ramWords(statusAddress(xen, slot, ref), 1), (ref & 1) * 16 + bitsOf('reading')[0]]
    : [words, bitsOf('reading')[0]];
  const type = words.now[FIRST]! & GTF_TYPE_MASK;
  const more = bitsValue(words, bitsOf('pwt')[0], 4, (value) => moreText(value << bitsOf('pwt')[0]));
  return {
    offer: bitsValue(words, 0, 3, offerText),
    more: more.text === '' && more.was === undefined ? undefined : more,
    to: bitsValue(words, ...bitsOf('domid'), (domid) => domainText(xen, domid)),
    of: two ? whatOfV2(xen, words, type) : bitsValue(words, ...bitsOf('frame'), hex),
    use: bitsValue(use, at, 2, (value) => useText(value, type)),
  };
}

/** What an entry of version 2 offers: its first word says whether that is a frame or another domain's grant. */
function whatOfV2(xen: Xen, words: Words, type: number): Value {
  if (type !== GrantType.TRANSITIVE) return bitsValue(words, 64, 64, hex);
  const { now, was } = words;
  const show = (held: Int32Array): string =>
    `${domainText(xen, getField(GRANT_V2_TRANSITIVE, 'transDomid', held))} grant ${getField(GRANT_V2_TRANSITIVE, 'gref', held)}`;
  return {
    text: show(now),
    ...(words.words !== undefined && { words: words.words.slice(1) }),
    ...(was !== undefined && show(was) !== show(now) && { was: show(was) }),
  };
}

const domainText = (xen: Xen, domid: number): string => {
  const slot = xen.slotOf(domid);
  return slot < 0 ? `d${domid}` : xen.domainName(slot);
};

/** Type and bit 2, which means something else while a transfer is accepted. */
function offerText(value: number): string {
  const type = value & GTF_TYPE_MASK;
  const flag = type === GrantType.ACCEPT_TRANSFER ? 'committed' : 'readonly';
  return `${TYPES[type]}${value & GTF_READONLY ? `, ${flag}` : ''}`;
}

const MORE = { pwt: GTF_PWT, pcd: GTF_PCD, pat: GTF_PAT, 'sub page': GTF_SUB_PAGE } as const;
const moreText = (flags: number): string =>
  Object.entries(MORE)
    .filter(([, bit]) => flags & bit)
    .map(([name]) => name)
    .join(', ');

function useText(value: number, type: number): string {
  if (type === GrantType.ACCEPT_TRANSFER) return value & 1 ? 'completed' : 'no';
  const uses = [...(value & 1 ? ['reading'] : []), ...(value & 2 ? ['writing'] : [])];
  return uses.length === 0 ? 'no' : uses.join(', ');
}

function activeEntry(here: Here, slot: number, row: number): ActiveEntry {
  const { xen } = here;
  const pdx = xen.grant.frame.get(row) - 1;
  const source = xen.grant.source.get(row) !== 0;
  return {
    pins: GRANT_PINS.fields.map(({ name }) => ({
      name: nameInWords(name),
      value: here.part('grant', row, 'pin', nameInWords(name)),
    })),
    grantee: here.field('grant', row, 'grantee'),
    frame: here.field('grant', row, 'frame'),
    mfn: pdx < 0 ? undefined : xen.ram.frameAt(pdx),
    owner: pdx < 0 || ownerOf(xen, pdx) === slot ? undefined : here.field('frame', pdx, 'owner'),
    source: source
      ? { domain: here.field('grant', row, 'source'), ref: here.field('grant', row, 'sourceRef') }
      : undefined,
    spoilt: xen.grant.spoilt.get(row) !== 0,
  };
}
