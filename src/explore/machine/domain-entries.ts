import { rightsText } from '../../formats/address.js';
import { hex } from '../../text/hex.js';
import { GROUNDS } from '../../xen/ruling.js';
import type { Here } from '../here.js';
import type { Value } from '../value.js';
import { type DomainRows, disagrees, rowOfInput } from './domain-rows.js';
import { iommuValue, p2mValue, typeValue } from './entry-values.js';
import { foldRows, shownRowOf, type Window } from './fold.js';
import { machineRows, standingOf } from './machine-index.js';
import { type Mark, marksOf } from './marks.js';
import type { Owing } from './standing.js';

/** A row of a domain: an input frame, or a run of them that stand alike. */
export interface DomainEntry {
  readonly input: number;
  /** `0x100`, or `0x100 to 0x1ff`. */
  readonly place: string;
  /** Rows of the tables in it, more than one where they are folded. */
  readonly folded: number;
  /** The frame (mfn) that it leads to. */
  readonly frame: number | undefined;
  readonly cpu: Value;
  readonly iommu: Value;
  readonly permitted: string;
  readonly ground: string;
  readonly marks: readonly Mark[];
  readonly changed: boolean;
}

export interface DomainEntries {
  /** Rows as they are shown, folded and filtered. */
  readonly total: number;
  readonly from: number;
  readonly rows: readonly DomainEntry[];
  /** The row in which the frame is that was asked for. */
  readonly found: number | undefined;
}

export interface DomainEntriesArgs extends Window {
  readonly slot: number;
  readonly only: 'all' | 'changed' | 'disagreeing';
  /** A frame (mfn) to find. */
  readonly find: number | undefined;
}

/** On what ground devices are to have what they lack. */
const OWED: Readonly<Record<Owing, string>> = {
  type: 'and demands: its own page, of type writable',
  p2m: 'and demands: the p2m has it',
  grant: 'and demands: a live grant handle, and the domain was told this machine address',
  reserved: 'and demands: a region that firmware reserves for a device of the domain',
};

/** A window of the rows of a domain: what its CPUs see, what its IOMMU tables say, and what the rule permits. */
export function domainEntries(here: Here, args: DomainEntriesArgs): DomainEntries {
  const rows = machineRows(here).domains[args.slot];
  if (rows === undefined) return { total: 0, from: 0, rows: [], found: undefined };
  const folded = foldRows(rows.length, {
    shown: (row) =>
      args.only === 'all' || (args.only === 'changed' ? isChanged(here, rows, row) : disagrees(rows, row)),
    plain: (row) => args.fold && rows.signs[row] === 0 && !isChanged(here, rows, row),
    continues: (row) => goesOn(rows, row),
    opened: (row, count) =>
      args.opened.some(
        (input) =>
          input >= rows.inputs[row]! && input < rows.inputs[row + count - 1]! + rows.spans[row + count - 1]!,
      ),
  });
  const shown: DomainEntry[] = [];
  for (let at = Math.max(0, args.from); at < Math.min(folded.length, args.from + args.count); at++)
    shown.push(entryAt(here, rows, folded.rows[at]!, folded.counts[at]!));
  const row = args.find === undefined ? -1 : rowOfFrame(rows, args.find);
  const found = row < 0 ? -1 : shownRowOf(folded, row);
  return { total: folded.length, from: args.from, rows: shown, found: found < 0 ? undefined : found };
}

function entryAt(here: Here, rows: DomainRows, row: number, count: number): DomainEntry {
  const { slot } = rows;
  const { xen } = here;
  const input = rows.inputs[row]!;
  const last = rows.inputs[row + count - 1]! + rows.spans[row + count - 1]! - 1;
  const marks = marksOf(here, rows, row);
  const standing = standingOf(here, slot, input);
  const { ground, permitted, lacking, owing } = standing;
  const pdx = xen.isTranslated(slot) ? -1 : xen.ram.indexOf(input);
  return {
    input,
    place: input === last ? hex(input) : `${hex(input)} to ${hex(last)}`,
    folded: count,
    frame: rows.frames[row]! < 0 ? undefined : rows.frames[row]!,
    cpu: xen.isTranslated(slot)
      ? p2mValue(here, slot, standing)
      : pdx < 0
        ? { text: 'no RAM' }
        : typeValue(here, pdx),
    iommu: iommuValue(here, slot, standing),
    permitted: rightsText(permitted | lacking),
    ground: lacking === 0 ? (ground === undefined ? 'leads nowhere' : GROUNDS[ground]) : OWED[owing],
    marks,
    changed: isChanged(here, rows, row),
  };
}

/** Whether the step has changed an entry of the row, or the type of a PV domain's page there. */
export function isChanged(here: Here, rows: DomainRows, row: number): boolean {
  const { cpuWords, iommuWords, pageWords } = rows;
  const { written } = machineRows(here);
  for (const word of [cpuWords[row]!, iommuWords[row]!])
    if (word >= 0 && (written[word] === 1 || written[word + 1] === 1)) return true;
  return pageWords[row]! >= 0 && written[pageWords[row]!] === 1;
}

/** Whether a row says what the one before it does, of the next frames. */
function goesOn(rows: DomainRows, row: number): boolean {
  const before = row - 1;
  const { inputs, spans, cpuFrames, iommuFrames } = rows;
  const step = spans[before]!;
  const next = (frames: Float64Array): boolean =>
    frames[before]! < 0 ? frames[row]! < 0 : frames[row] === frames[before]! + step;
  return (
    inputs[row] === inputs[before]! + step &&
    spans[row] === step &&
    rows.rights[row] === rows.rights[before] &&
    rows.types[row] === rows.types[before] &&
    next(cpuFrames) &&
    next(iommuFrames)
  );
}

/** The first row that leads to a frame, or -1. */
function rowOfFrame(rows: DomainRows, frame: number): number {
  const own = rowOfInput(rows, frame);
  if (own >= 0 && leadsTo(rows, own, frame)) return own;
  for (let row = 0; row < rows.length; row++) if (leadsTo(rows, row, frame)) return row;
  return -1;
}

/** Whether devices or CPUs get to a frame by a row. */
export function leadsTo({ frames, cpuFrames, spans }: DomainRows, row: number, frame: number): boolean {
  const within = (first: number): boolean => first >= 0 && frame >= first && frame < first + spans[row]!;
  return within(frames[row]!) || within(cpuFrames[row]!);
}
