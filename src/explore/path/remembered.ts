import { rightsText } from '../../formats/address.js';
import { hex } from '../../text/hex.js';
import type { Here } from '../here.js';
import type { Value } from '../value.js';
import { fieldsBox, type PathBox } from './box.js';
import { unitPrefix } from './front.js';

/** A translation that a unit remembers, as values. */
export interface RememberedTranslation {
  readonly tag: Value;
  readonly input: Value;
  readonly frame: Value;
  readonly rights: Value;
  /** Frames that it spans. */
  readonly span: number;
}

/** The entry of a unit's IOTLB at `row`. */
export function translationAt(there: Here, unit: number, row: number): RememberedTranslation {
  const { iotlb } = there.xen.units[unit]!;
  const table = `${unitPrefix(there.xen, unit)} IOTLB`;
  // Frames beyond 32 bits have the rest of theirs in another word.
  const whole = (field: string, frame: number): Value => ({
    ...there.field(table, row, field),
    text: hex(frame),
  });
  return {
    tag: there.field(table, row, 'did'),
    input: whole('input', iotlb.input(row)),
    frame: whole('frame', iotlb.frame(row)),
    rights: there.part(table, row, 'rights', 'rights'),
    span: 2 ** iotlb.order(row),
  };
}

/** The entry of the IOTLB that answers an access. */
export function iotlbBox(there: Here, unit: number, row: number, refuses: boolean): PathBox {
  const { iotlb } = there.xen.units[unit]!;
  const { tag, input, frame, rights, span } = translationAt(there, unit, row);
  const fields = [
    { name: 'tag', value: tag, doc: 'domain id (VMID) under which it was remembered' },
    { name: 'input', value: input, doc: span === 1 ? 'dfn' : `dfn of the first of ${span} pages` },
    { name: 'frame', value: frame, doc: 'mfn to which it leads' },
    { name: 'rights', value: rights, doc: 'what it lets through' },
  ];
  return fieldsBox(fields, {
    id: 'iotlb',
    kind: 'remembered',
    title: 'IOTLB',
    which: `entry ${row}`,
    place: `entry ${row} of the IOTLB`,
    chosenBy: 'tag and address',
    rights: rightsText(iotlb.rights(row)),
    state: refuses ? 'ended' : 'passed',
    says: refuses
      ? 'the unit remembers that nothing was there: the tables were not read'
      : 'the unit remembers the translation: the tables were not read',
    deciding: refuses ? ['rights'] : [],
  });
}

/** The entry of a VT-d unit's context cache that says which context a requester has. */
export function contextCacheBox(there: Here, unit: number, row: number): PathBox {
  const { contextCache } = there.xen.vtds[unit]!;
  const table = `${unitPrefix(there.xen, unit)} context cache`;
  const none = contextCache.reason(row) !== 0;
  const fields = [
    {
      name: 'did',
      value: there.field(table, row, 'did'),
      doc: 'domain id of the context; 0 where there was none',
    },
    { name: 'root', value: there.field(table, row, 'root'), doc: 'frame of the second-level root' },
    {
      name: 'state',
      value: there.field(table, row, 'state'),
      doc: 'levels, and above them the reason of a fault',
    },
  ];
  return fieldsBox(fields, {
    id: 'context-cache',
    kind: 'remembered',
    title: 'context cache',
    which: `entry ${row}`,
    place: `entry ${row} of the context cache`,
    chosenBy: 'the requester id',
    state: none ? 'ended' : 'passed',
    says: none
      ? 'the unit remembers that there was no context: root and context table were not read'
      : 'the unit remembers the context: root and context table were not read',
    deciding: none ? ['state'] : [],
  });
}
