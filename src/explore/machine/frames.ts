import { hex } from '../../text/hex.js';
import { extentOf } from '../../xen/extents.js';
import { ownerOf } from '../../xen/frames.js';
import { extentOrder } from '../../xen/page-info.js';
import { List } from '../../xen/tables/frame.js';
import { type Here, wordOf } from '../here.js';
import type { Value } from '../value.js';
import { type DomainLabel, domainLabel } from './domain-label.js';
import type { DomainRows } from './domain-rows.js';
import { iommuValue, p2mValue } from './entry-values.js';
import { isWorthFolding, type Window } from './fold.js';
import { FrameRelations } from './frame-relations.js';
import { runsOfFrames } from './frame-runs.js';
import { machineRows, standingOf } from './machine-index.js';
import { type Mark, marksOf } from './marks.js';

/** How a domain sees a frame: at which input frame, through its p2m and through its IOMMU. */
export interface FrameView {
  readonly slot: number;
  readonly name: string;
  /** `gfn 0x10`; a PV domain's is the frame itself. */
  readonly place: string;
  /** Undefined for a PV domain, whose CPUs see machine frames. */
  readonly cpu: Value | undefined;
  readonly iommu: Value;
  readonly marks: readonly Mark[];
}

/** A flag by its name, with what it is: `pinned`, or `not pinned` where the step has cleared it. */
export interface Flag {
  readonly name: string;
  readonly value: Value;
}

/** A frame of RAM, or a run of frames that are alike. */
export interface FrameRow {
  readonly mfn: number;
  readonly name: string;
  /** How many frames it stands for. */
  readonly folded: number;
  readonly owner: Value;
  readonly ownerSlot: number;
  readonly type: Value;
  readonly typeCount: Value;
  /** What else type_info says: `pinned`, `validated`, `partial`; only what is so, or was. */
  readonly typeFlags: readonly Flag[];
  readonly references: Value;
  /** What else count_info says: `allocated`, `stolen`, the order of an extent. */
  readonly countFlags: readonly Flag[];
  readonly gfn: Value;
  /** The list of the owner's that it is on, where contexts are built late. */
  readonly list: Value | undefined;
  readonly views: readonly FrameView[];
  readonly changed: boolean;
  /** Whether the step has written into the frame. */
  readonly written: boolean;
}

export interface Frames {
  readonly total: number;
  readonly from: number;
  readonly rows: readonly FrameRow[];
  readonly found: number | undefined;
  readonly domains: readonly DomainLabel[];
  /** Frames of RAM in all. */
  readonly ram: number;
  readonly hasLists: boolean;
}

export interface FramesArgs extends Window {
  /** Frames of one owner: a slot, or -1 for free ones. */
  readonly owner: number | undefined;
  readonly only: 'all' | 'changed' | 'disagreeing';
  /** Whether Xen's own frames are shown. */
  readonly xens: boolean;
  readonly find: number | undefined;
}

/** A window of the machine's frames: whose they are, what they serve as, and how each domain sees them. */
export function frames(here: Here, args: FramesArgs): Frames {
  const { xen } = here;
  const machine = machineRows(here);
  const relations = new FrameRelations(here, machine);
  const sought = relations.sought(args.find);
  const starts = runsOfFrames(here, machine, relations.apart(sought));
  const shown = (pdx: number): boolean =>
    pdx === sought ||
    ((args.xens || !relations.isXens(pdx)) &&
      (args.owner === undefined || ownerOf(xen, pdx) === args.owner) &&
      (args.only === 'all' ||
        (args.only === 'changed' ? relations.isChanged(pdx) : relations.disagrees(pdx))));
  const opened = args.opened.map((mfn) => xen.ram.indexOf(mfn));
  const rows: FrameRow[] = [];
  let total = 0;
  let found: number | undefined;
  for (let run = 0; run < starts.length; run++) {
    const first = starts[run]!;
    if (!shown(first)) continue;
    const end = run + 1 < starts.length ? starts[run + 1]! : xen.ram.frames;
    const folds =
      args.fold && isWorthFolding(end - first) && !opened.some((pdx) => pdx >= first && pdx < end);
    const count = folds ? 1 : end - first;
    const [from, to] = [Math.max(total, args.from), Math.min(total + count, args.from + args.count)];
    for (let at = from; at < to; at++)
      rows.push(frameRow(here, relations, first + at - total, folds ? end - first : 1));
    if (sought >= first && sought < end) found = total + (folds ? 0 : sought - first);
    total += count;
  }
  return {
    total,
    from: args.from,
    rows,
    found,
    domains: machine.slots.map((slot) => domainLabel(here, slot)),
    ram: xen.ram.frames,
    hasLists: xen.profile.iommuContext === 'at-first-assignment',
  };
}

function frameRow(here: Here, relations: FrameRelations, pdx: number, folded: number): FrameRow {
  const { xen } = here;
  const mfn = xen.ram.frameAt(pdx);
  // What is said of a frame of an extent is said of its first.
  const extent = extentOf(xen, pdx);
  const head = extent < 0 ? pdx : extent;
  const part = (field: string, name: string): Value => here.part('frame', head, field, name);
  const flags = (field: string, names: readonly string[]): Flag[] =>
    names.flatMap((name) => flagOf(name, part(field, name)) ?? []);
  const countFlags = flags('countInfo', ['allocated', 'stolen']);
  const order = part('countInfo', 'order');
  if (extentOrder(xen.frame.countInfo.get(head)) !== 0 || order.was !== undefined)
    countFlags.push({ name: 'order', value: { ...order, text: `extent of 2^${order.text} frames` } });
  return {
    mfn,
    name: folded === 1 ? hex(mfn) : `${hex(mfn)} to ${hex(mfn + folded - 1)}`,
    folded,
    owner: here.field('frame', head, 'owner'),
    ownerSlot: ownerOf(xen, pdx),
    type: part('typeInfo', 'type'),
    typeCount: part('typeInfo', 'type count'),
    typeFlags: flags('typeInfo', ['pinned', 'validated', 'partial']),
    references: part('countInfo', 'references'),
    countFlags,
    gfn: gfnValue(here, pdx, head),
    list: listOf(here, pdx),
    views: viewsOf(here, relations, mfn),
    changed: relations.isChanged(pdx),
    written: relations.isWritten(pdx),
  };
}

/** Where the owner has the frame: of an extent, as far from its beginning. */
function gfnValue(here: Here, pdx: number, head: number): Value {
  return here.word(wordOf(here.table('frame'), head, 'gfn'), (gfn) =>
    gfn === 0 ? 'none' : hex(gfn - 1 + pdx - head),
  );
}

/** A flag that is set, or that the step has cleared. */
function flagOf(name: string, value: Value): Flag | undefined {
  const said = (text: string): string => (text === 'yes' ? name : `not ${name}`);
  if (value.was === undefined)
    return value.text === 'yes' ? { name, value: { ...value, text: name } } : undefined;
  return { name, value: { ...value, text: said(value.text), was: said(value.was) } };
}

function listOf(here: Here, pdx: number): Value | undefined {
  const list = here.field('frame', pdx, 'list');
  return here.xen.frame.list.get(pdx) === List.none && list.was === undefined ? undefined : list;
}

/** How domains see a frame; where views disagree, first. */
function viewsOf(here: Here, relations: FrameRelations, mfn: number): FrameView[] {
  const views = relations.viewsOf(mfn).map(({ rows, row }) => viewOf(here, rows, row, mfn));
  return views.sort((a, b) => Math.min(b.marks.length, 1) - Math.min(a.marks.length, 1));
}

function viewOf(here: Here, rows: DomainRows, row: number, mfn: number): FrameView {
  const { slot } = rows;
  const { xen } = here;
  const translated = xen.isTranslated(slot);
  const marks = marksOf(here, rows, row);
  const first = rows.frames[row]!;
  const offset = mfn >= first && mfn < first + rows.spans[row]! ? mfn - first : 0;
  const input = rows.inputs[row]! + offset;
  const standing = standingOf(here, slot, input);
  return {
    slot,
    name: xen.domainName(slot),
    place: translated ? `gfn ${hex(input)}` : `dfn ${hex(input)}`,
    cpu: translated ? p2mValue(here, slot, standing, mfn) : undefined,
    iommu: iommuValue(here, slot, standing, mfn),
    marks,
  };
}
