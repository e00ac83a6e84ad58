import type { Rights } from '../../formats/address.js';
import { rightsText } from '../../formats/address.js';
import { Walker, WalkStatus } from '../../formats/radix.js';
import type { IommuUnit } from '../../hardware/iommu.js';
import { hex } from '../../text/hex.js';
import { deviceTagged, requesterTagged } from '../../xen/remembered.js';
import type { Xen } from '../../xen/state.js';
import type { Here } from '../here.js';
import { requesterText } from '../path/access-path.js';
import { ownerText } from '../path/destination.js';
import { unitPrefix } from '../path/front.js';
import { type RememberedTranslation, translationAt } from '../path/remembered.js';
import type { Value } from '../value.js';

/** Whether the tables say what a unit remembers: they do, say otherwise, or nobody's accesses are looked up so any more. */
export type Freshness = 'same' | 'stale' | 'unused';

/** An entry of an IOTLB. */
export interface IotlbRow extends RememberedTranslation {
  readonly row: number;
  /** The frame to which it leads (mfn). */
  readonly mfn: number;
  /** Whose frame that is. */
  readonly owner: string;
  /** Whose accesses it answers: the device's number, or -1, and in words. */
  readonly device: number;
  readonly user: string;
  readonly freshness: Freshness;
  readonly says: string;
}

/** An entry of a VT-d unit's context cache. */
export interface ContextRow {
  readonly row: number;
  readonly requester: Value;
  readonly did: Value;
  readonly root: Value;
  readonly freshness: Freshness;
  readonly says: string;
}

/** A write to a table that a VT-d unit does not see yet. */
export interface DelayedRow {
  readonly row: number;
  readonly mfn: number;
  readonly offset: number;
  /** What the unit sees, and what memory holds. */
  readonly sees: Value;
  readonly holds: Value;
}

/** What a unit remembers. */
export interface UnitMemory {
  readonly name: string;
  /** How the tag of its entries is called. */
  readonly tag: 'domain id' | 'VMID';
  readonly iotlbSize: number;
  readonly iotlb: readonly IotlbRow[];
  /** None for a unit that reads contexts anew every time. */
  readonly contexts: readonly ContextRow[] | undefined;
  /** None for a unit that sees every write at once. */
  readonly delayed: readonly DelayedRow[] | undefined;
}

/** What all units of the machine remember. */
export function unitMemories(here: Here): readonly UnitMemory[] {
  const { xen } = here;
  return xen.units.map((unit, index) => ({
    name: unitPrefix(xen, index),
    tag: xen.spec.arch === 'arm' ? 'VMID' : 'domain id',
    iotlbSize: unit.iotlb.rows,
    iotlb: iotlbRows(here, unit, index),
    contexts: contextRows(here, index),
    delayed: delayedRows(here, index),
  }));
}

function iotlbRows(here: Here, unit: IommuUnit, index: number): IotlbRow[] {
  const { iotlb } = unit;
  const rows: IotlbRow[] = [];
  for (let row = 0; row < iotlb.rows; row++) {
    if (iotlb.did(row) < 0) continue;
    rows.push({
      ...translationAt(here, index, row),
      row,
      mfn: iotlb.frame(row),
      owner: ownerText(here.xen, iotlb.frame(row)),
      ...freshness(here.xen, unit, row),
    });
  }
  return rows;
}

function freshness(
  xen: Xen,
  unit: IommuUnit,
  row: number,
): Pick<IotlbRow, 'device' | 'user' | 'freshness' | 'says'> {
  const { iotlb } = unit;
  const tag = iotlb.did(row);
  const device = deviceTagged(xen, unit, tag);
  if (device < 0) return byRememberedContext(xen, unit, tag);
  const requester = requesterTagged(xen, unit, device, tag);
  const user = `${xen.spec.devices[device]!.name} (${requesterText(xen, requester)})`;
  unit.select(requester);
  const difference = differenceToTables(unit, row);
  return difference === undefined
    ? { device, user, freshness: 'same', says: 'the tables say the same' }
    : { device, user, freshness: 'stale', says: difference };
}

/** Of an entry whose tag no device has by the tables: one may have it still by what the unit remembers of its context. */
function byRememberedContext(xen: Xen, unit: IommuUnit, tag: number): ReturnType<typeof freshness> {
  for (let device = 0; device < xen.spec.devices.length; device++) {
    if (xen.unitOf(device) !== unit) continue;
    const requester = xen.requesters[device]!.find((id) => unit.rememberedTagOf(id) === tag);
    if (requester === undefined) continue;
    const user = `${xen.spec.devices[device]!.name} (${requesterText(xen, requester)})`;
    return {
      device,
      user,
      freshness: 'stale',
      says: 'used by a context that the unit remembers and the tables do not have',
    };
  }
  return {
    device: -1,
    user: 'nobody',
    freshness: 'unused',
    says: 'no device is looked up under its tag now',
  };
}

/** In what the tables of the requester selected last give less than an entry of the IOTLB, or lead elsewhere. */
function differenceToTables(unit: IommuUnit, row: number): string | undefined {
  const { iotlb } = unit;
  const rights: Rights = iotlb.rights(row);
  const first = iotlb.input(row);
  const end = first + 2 ** iotlb.order(row);
  const tree = unit.selectedTree;
  if (tree === undefined) return undefined;
  const walker = new Walker(tree.format, tree.source);
  for (let input = first; input < end; ) {
    const now = unit.selectedRights(input);
    if (rights === 0) return now === 0 ? undefined : `the tables map ${hex(input)} (${rightsText(now)})`;
    if (now === 0) return `the tables do not map ${hex(input)} any more`;
    if (unit.frame !== iotlb.frameFor(row, input))
      return `the tables lead ${hex(input)} to frame ${hex(unit.frame)}`;
    if ((rights & ~now) !== 0) return `the tables give ${rightsText(now)} at ${hex(input)}`;
    // A page of the tables is the same throughout.
    const mapped = walker.walk(tree.root, tree.shape, input) === WalkStatus.OK;
    input += mapped ? walker.span - (input % walker.span) : 1;
  }
  return undefined;
}

function contextRows(here: Here, index: number): readonly ContextRow[] | undefined {
  const vtd = here.xen.vtds[index];
  if (vtd === undefined || vtd.contextCache.rows === 0) return undefined;
  const { contextCache } = vtd;
  const table = `${unitPrefix(here.xen, index)} context cache`;
  const { requester: column } = here.table(table).columns;
  const rows: ContextRow[] = [];
  for (let row = 0; row < contextCache.rows; row++) {
    const requester = column!.get(row) - 1;
    if (requester < 0) continue;
    const reason = vtd.contextReason(requester);
    const root = reason === 0 ? vtd.selectedRoot : -1;
    const same =
      reason === contextCache.reason(row) &&
      (reason !== 0 ||
        (root === contextCache.root(row) && vtd.contextDid(requester) === contextCache.did(row)));
    const says = same
      ? 'the tables say the same'
      : reason !== 0
        ? 'the tables have no context for it now'
        : `the tables lead to the root in ${root < 0 ? 'no frame' : hex(root)} under domain id ${vtd.contextDid(requester)}`;
    rows.push({
      row,
      requester: { ...here.field(table, row, 'requester'), text: requesterText(here.xen, requester) },
      did: here.field(table, row, 'did'),
      root: here.field(table, row, 'root'),
      freshness: same ? 'same' : 'stale',
      says,
    });
  }
  return rows;
}

function delayedRows(here: Here, index: number): readonly DelayedRow[] | undefined {
  const delayed = here.xen.vtds[index]?.delayed;
  if (delayed === undefined) return undefined;
  const name = `${unitPrefix(here.xen, index)} delayed write`;
  const table = here.table(name);
  const text = ([lo = 0, hi = 0]: Int32Array): string =>
    `0x${(hi >>> 0).toString(16).padStart(8, '0')}${(lo >>> 0).toString(16).padStart(8, '0')}`;
  return Array.from({ length: delayed.count }, (_, row) => {
    const mfn = table.columns.frame!.get(row) - 1;
    const offset = table.columns.offset!.get(row);
    const { words, now } = here.words(
      table.base + row * table.fieldNames.length + table.fieldNames.indexOf('lo'),
      2,
    );
    const sees: Value = { text: text(now), ...(words && { words }) };
    return { row, mfn, offset, sees, holds: here.ram(mfn * 4096 + offset, 2, text) };
  });
}
