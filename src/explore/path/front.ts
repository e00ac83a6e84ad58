import { type EntryLayout, readField } from '../../formats/layout.js';
import type { Tree } from '../../formats/walk-entries.js';
import type { Xen } from '../../xen/state.js';
import { unitName } from '../../xen/units.js';
import type { Here } from '../here.js';
import { fieldsBox, type PathBox } from './box.js';

/** What stands in front of page tables: how a unit finds a requester's. */
export interface Front {
  readonly boxes: readonly PathBox[];
  /** The tables that come next. Without any the access passes untranslated, or has ended in the last box. */
  readonly tree?: Tree;
}

/** How a unit is called in the names of its tables in the store. */
export function unitPrefix(xen: Xen, unit: number): string {
  if (xen.smmuv3 !== undefined) return 'SMMUv3';
  if (xen.smmu !== undefined) return 'SMMU';
  return unitName(xen.amdvi === undefined ? 'VT-d' : 'AMD-Vi', unit);
}

/** Fields of a row of a unit's table, with what they mean. */
export function rowFields(there: Here, table: string, row: number, docs: Readonly<Record<string, string>>) {
  return Object.entries(docs).map(([name, doc]) => ({
    name: name.replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`),
    value: there.field(table, row, name),
    doc,
  }));
}

/** Names of the reserved fields that are not zero, of those below bit `end`. */
export const reservedIn = (layout: EntryLayout, words: ArrayLike<number>, end = Infinity): string[] =>
  layout.fields
    .filter((field) => field.kind === 'reserved' && field.lo < end && readField(field, words) !== 0)
    .map(({ name }) => name);

/** The registers of a VT-d or AMD-Vi unit, of which these fields count: where its tables are, and whether it is on. */
export function registersBox(
  there: Here,
  unit: number,
  fields: Readonly<Record<string, string>>,
  { state, says }: Pick<PathBox, 'state' | 'says'>,
): PathBox {
  const prefix = unitPrefix(there.xen, unit);
  return fieldsBox(rowFields(there, `${prefix} unit`, 0, fields), {
    id: 'registers',
    kind: 'registers',
    title: prefix,
    which: 'unit',
    place: 'registers of the unit',
    state,
    says,
  });
}

/** Whether a VT-d or AMD-Vi unit translates. */
export const isUnitOn = (there: Here, unit: number): boolean =>
  there.table(`${unitPrefix(there.xen, unit)} unit`).columns.enabled!.get(0) !== 0;
