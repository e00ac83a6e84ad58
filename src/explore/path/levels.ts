import type { Rights } from '../../formats/address.js';
import { R, rightsText, W } from '../../formats/address.js';
import { ARM_STAGE2 } from '../../formats/arm-stage2.js';
import {
  decidingFields,
  type EntryRead,
  refusingEntry,
  type Tree,
  type WalkReport,
  walkEntries,
} from '../../formats/walk-entries.js';
import { Stage2Refusal } from '../../hardware/stage2.js';
import { hex } from '../../text/hex.js';
import type { Here } from '../here.js';
import { bitsBox, type PathBox, placeText, seenWords, type Unseen } from './box.js';

/** Tables below a root, as far as an access went through them. */
export interface Levels {
  readonly boxes: readonly PathBox[];
  readonly report: WalkReport;
  /** Whether the tables let the access through. */
  readonly passes: boolean;
}

/** What the tables of a tree say to an access. `stage2` is what an SMMU has against it beside what the walk itself has. */
export function levelBoxes(
  there: Here,
  tree: Tree,
  input: number,
  need: Rights,
  {
    unseen,
    stage2 = Stage2Refusal.none,
  }: { readonly unseen?: Unseen | undefined; readonly stage2?: number } = {},
): Levels {
  const report = walkEntries(tree, input);
  const refusing =
    refusingEntry(report, need) ?? (stage2 === Stage2Refusal.none ? undefined : report.entries.at(-1));
  const boxes: PathBox[] = [];
  for (const entry of report.entries) {
    boxes.push(levelBox(there, tree, report, entry, need, entry === refusing ? stage2 : undefined, unseen));
    // What refuses is asked before those below it, which the unit has read all the same, or not.
    if (entry === refusing) break;
  }
  return { boxes, report, passes: refusing === undefined && report.entries.length > 0 };
}

function levelBox(
  there: Here,
  { format }: Tree,
  report: WalkReport,
  entry: EntryRead,
  need: Rights,
  /** Undefined for an entry that lets the access through. */
  refusal: number | undefined,
  unseen: Unseen | undefined,
): PathBox {
  const { address, level, index, table, chosenBy, rights, layout } = entry;
  const { seen, unseen: behind } = seenWords(there, address, layout.words, unseen);
  const name = format.levelName(level);
  return bitsBox(layout, seen, {
    id: `level-${level}`,
    kind: 'entry',
    title: name,
    which: `[${hex(index)}]`,
    place: `entry ${hex(index)} of the ${name} table: ${placeText(address)}`,
    mfn: table,
    chosenBy: `bits ${chosenBy.high}–${chosenBy.low} of the address`,
    addressBits: { ...chosenBy, index },
    // What is not there lets nothing through and withholds nothing.
    ...(entry.present && { rights: rightsText(rights) }),
    state: refusal === undefined ? 'passed' : 'ended',
    says: refusal === undefined ? whereTo(entry, report) : why(entry, need, refusal),
    deciding: refusal === undefined ? [] : deciding(format, entry, need, refusal),
    ...(behind !== undefined && { unseen: behind }),
  });
}

function whereTo({ leaf, frame }: EntryRead, { frame: page, span }: WalkReport): string {
  if (!leaf) return `leads to the table in frame ${hex(frame)}`;
  if (span === 1) return `maps frame ${hex(frame)}`;
  return `maps a page of ${span} frames from ${hex(page - (page % span))} on`;
}

function why({ present, reserved, rights }: EntryRead, need: Rights, refusal: number): string {
  if (refusal === Stage2Refusal.addressSize) return 'leads beyond the addresses that the unit is set to';
  if (refusal === Stage2Refusal.accessFlag) return 'the access flag is clear, and the first access faults';
  if (!present) return 'not present: nothing is mapped here';
  if ((rights & need) === 0) return `does not permit to ${need === W ? 'write' : 'read'}`;
  return reserved
    ? 'the unit refuses the entry as it is encoded'
    : 'skips levels whose bits the address has set';
}

/** Fields by name. Stage 2 looks at sizes and the access flag before permissions. */
function deciding(format: Tree['format'], entry: EntryRead, need: Rights, refusal: number): string[] {
  if (format === ARM_STAGE2 && refusal === Stage2Refusal.addressSize) return ['address'];
  if (format === ARM_STAGE2 && refusal === Stage2Refusal.accessFlag) return ['accessFlag'];
  return decidingFields(format, entry, need).map(({ name }) => name);
}

/** The rights that an access needs. */
export const needOf = (write: boolean): Rights => (write ? W : R);
