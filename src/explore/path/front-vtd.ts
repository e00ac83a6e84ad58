import { getField } from '../../formats/layout.js';
import {
  ContextType,
  contextType,
  contextWidth,
  entryFrame,
  levelsOfWidth,
  VTD_CONTEXT_ENTRY,
  VTD_ENTRY_BYTES,
  VTD_ROOT_ENTRY,
} from '../../formats/vtd.js';
import { VtdReason } from '../../formats/vtd-faults.js';
import { hex } from '../../text/hex.js';
import type { Here } from '../here.js';
import { bitsBox, type PathBox, placeText, seenWords, type Unseen } from './box.js';
import { type Front, isUnitOn, registersBox, reservedIn, unitPrefix } from './front.js';

const ROOT_REASONS: readonly number[] = [VtdReason.ROOT_NOT_PRESENT, VtdReason.ROOT_RESERVED];

/** A frame beyond 52 bits of address. */
const TOO_HIGH = 2 ** 40;

/** What a VT-d unit does not see yet of its tables. */
export function vtdUnseen({ xen }: Here, unit: number): Unseen | undefined {
  const { delayed } = xen.vtds[unit]!;
  if (delayed === undefined) return undefined;
  return { table: `${unitPrefix(xen, unit)} delayed write`, rowOf: (pa) => delayed.rowOf(pa) };
}

/** Root table and context table of a VT-d unit. (Intel VT-d spec 5.10 §3.4) */
export function vtdFront(there: Here, unit: number, requester: number): Front {
  const { xen } = there;
  const vtd = xen.vtds[unit]!;
  const on = isUnitOn(there, unit);
  const fields = {
    rootTable: 'frame of the root table (RTADDR_REG)',
    enabled: 'translation is on (GSTS.TES)',
  };
  const registers = registersBox(there, unit, fields, {
    state: 'passed',
    says: on ? `the root table is in frame ${hex(vtd.rootTable)}` : 'translation is off: everything passes',
  });
  if (!on) return { boxes: [registers] };

  const reason = vtd.contextReason(requester);
  const tree = vtd.selectedTree;
  const unseen = vtdUnseen(there, unit);
  const bus = requester >>> 8;
  const rootAt = vtd.rootTable * 4096 + bus * VTD_ENTRY_BYTES;
  const root = seenWords(there, rootAt, 4, unseen);
  const [w0, w1] = root.seen.now as unknown as [number, number];
  const contextTable = entryFrame(w0, w1);
  const atRoot = ROOT_REASONS.includes(reason);
  const rootBox = bitsBox(VTD_ROOT_ENTRY, root.seen, {
    id: 'root',
    kind: 'entry',
    title: 'root entry',
    which: `bus ${bus.toString(16).padStart(2, '0')}`,
    place: `entry ${hex(bus)} of the root table: ${placeText(rootAt)}`,
    mfn: vtd.rootTable,
    chosenBy: 'the bus of the requester id',
    state: atRoot ? 'ended' : 'passed',
    says: !atRoot
      ? `leads to the context table in frame ${hex(contextTable)}`
      : reason === VtdReason.ROOT_NOT_PRESENT
        ? 'not present: no device of this bus has a context'
        : 'a reserved bit is set',
    deciding: reason === VtdReason.ROOT_NOT_PRESENT ? ['present'] : atRoot ? rootReserved(root.seen.now) : [],
    ...(root.unseen !== undefined && { unseen: root.unseen }),
  });
  if (atRoot) return { boxes: [registers, rootBox] };
  const context = contextBox(there, contextTable, requester, reason, unseen, vtd.capabilities.levels);
  return { boxes: [registers, rootBox, context], ...(reason === 0 && tree !== undefined && { tree }) };
}

const rootReserved = (words: Int32Array): string[] => [
  ...reservedIn(VTD_ROOT_ENTRY, words),
  ...(getField(VTD_ROOT_ENTRY, 'contextTable', words) >= TOO_HIGH ? ['contextTable'] : []),
];

function contextBox(
  there: Here,
  table: number,
  requester: number,
  reason: number,
  unseen: Unseen | undefined,
  levels: readonly number[],
): PathBox {
  const devfn = requester & 0xff;
  const at = table * 4096 + devfn * VTD_ENTRY_BYTES;
  const words = seenWords(there, at, 4, unseen);
  const { now } = words.seen;
  const deciding =
    reason === VtdReason.CONTEXT_NOT_PRESENT
      ? ['present']
      : reason === VtdReason.CONTEXT_RESERVED
        ? [
            ...reservedIn(VTD_CONTEXT_ENTRY, now),
            ...(getField(VTD_CONTEXT_ENTRY, 'root', now) >= TOO_HIGH ? ['root'] : []),
          ]
        : reason === VtdReason.CONTEXT_INVALID
          ? [levels.includes(levelsOfWidth(contextWidth(now[2]!))) ? 'type' : 'width']
          : [];
  const passes = contextType(now[0]!) === ContextType.PASS_THROUGH;
  const says =
    reason === VtdReason.CONTEXT_NOT_PRESENT
      ? 'not present: the device has no context'
      : reason === VtdReason.CONTEXT_RESERVED
        ? 'a reserved bit is set'
        : reason === VtdReason.CONTEXT_INVALID
          ? 'a width or a type that the unit cannot do'
          : passes
            ? 'pass-through: addresses are not translated'
            : `leads to the tables whose root is in frame ${hex(entryFrame(now[0]!, now[1]!))}`;
  return bitsBox(VTD_CONTEXT_ENTRY, words.seen, {
    id: 'context',
    kind: 'entry',
    title: 'context entry',
    which: `${(devfn >>> 3).toString(16).padStart(2, '0')}.${devfn & 7}`,
    place: `entry ${hex(devfn)} of the context table: ${placeText(at)}`,
    mfn: table,
    chosenBy: 'device and function of the requester id',
    state: reason === 0 ? 'passed' : 'ended',
    says,
    deciding,
    ...(words.unseen !== undefined && { unseen: words.unseen }),
  });
}
