import { Trace } from '../store/trace.js';
import { deviceOwner } from '../xen/devices.js';
import type { Xen } from '../xen/state.js';
import type { Here } from './here.js';
import { ReadMemo } from './machine/read-memo.js';
import { unitPrefix } from './path/front.js';
import { type Reach, type ReachRun, reachRuns } from './reach/reach-runs.js';
import { type UnitMemory, unitMemories } from './reach/remembered-by-units.js';
import { type Requester, requestersOf } from './reach/requesters.js';
import type { Value } from './value.js';

/** A state of a device that is worth telling. */
export interface DeviceNote {
  readonly name: string;
  readonly value: Value;
  readonly doc: string;
}

/** An id of a device, and what lies behind it. */
export interface RequesterRow extends Requester {
  /** The tag under which its translations are remembered (domain id, VMID); undefined where it has none. */
  readonly tag: number | undefined;
  readonly kind: Reach['kind'];
  readonly why: string;
  readonly pages: number;
  /** Pages among them that the rule does not permit so. */
  readonly forbidden: number;
}

/** A device of the machine. */
export interface DeviceRow {
  readonly device: number;
  readonly name: string;
  readonly address: string;
  readonly owner: Value;
  /** The unit that it is behind; undefined for none. */
  readonly unit: string | undefined;
  readonly requesters: readonly RequesterRow[];
  readonly notes: readonly DeviceNote[];
}

/** What one of the ids of one device reaches, as far as it is on the screen. */
export interface ReachWindow {
  readonly device: number;
  readonly requester: number;
  readonly text: string;
  readonly kind: Reach['kind'];
  readonly why: string;
  readonly total: number;
  readonly from: number;
  readonly runs: readonly ReachRun[];
}

/** The machine's devices and what its IOMMUs remember. */
export interface Devices {
  readonly devices: readonly DeviceRow[];
  readonly reach: ReachWindow | undefined;
  readonly units: readonly UnitMemory[];
}

/** Which ranges are wanted: of a device, of which of its ids, and which of them. */
export interface DevicesArgs {
  readonly device: number;
  /** By its place among the device's ids. */
  readonly place: number;
  readonly from: number;
  readonly count: number;
}

const NOTES = {
  quarantine: 'it was given to dom_io and goes back there when a guest gives it back',
  quarantineTable: 'a table of its own for quarantine',
  scratchPage: 'the page to which most of that table leads',
  pseudoDomid: 'the domain id under which it is quarantined',
  broken: 'it did not answer, or nobody knows what its functions reach',
  absent: 'Xen does not know it: it was not there at boot, or was removed',
  masterOff: 'Xen has switched its bus mastering off after faults',
  faultCount: 'faults that follow one another closely',
  interrupts: 'who gets its interrupts',
} as const;

/** What was worked out last of each requester of a run's machine. */
const known = new WeakMap<Xen, Map<string, ReadMemo<Reach>>>();
const trace = new Trace();

function reach(xen: Xen, device: number, requester: number): Reach {
  let memos = known.get(xen);
  if (memos === undefined) known.set(xen, (memos = new Map()));
  const key = `${device} ${requester}`;
  let memo = memos.get(key);
  if (memo === undefined) memos.set(key, (memo = new ReadMemo(trace)));
  return memo.get(xen.store, () => reachRuns(xen, device, requester));
}

/** Every device, what it reaches and may not, and what the IOMMUs remember. */
export function devices(here: Here, args: DevicesArgs): Devices {
  const { xen } = here;
  return {
    devices: xen.spec.devices.map((_, device) => deviceRow(here, device)),
    reach: reachWindow(xen, args),
    units: unitMemories(here),
  };
}

function deviceRow(here: Here, device: number): DeviceRow {
  const { xen } = here;
  const { name, address } = xen.spec.devices[device]!;
  const unit = xen.unitOf(device);
  return {
    device,
    name,
    address,
    owner:
      deviceOwner(xen, device) < 0
        ? { ...here.field('device', device, 'owner'), text: 'nobody' }
        : here.field('device', device, 'owner'),
    unit: unit && unitPrefix(xen, xen.unitIndex(device)),
    requesters: requestersOf(xen, device).map((requester) => {
      const { kind, why, pages, forbidden } = reach(xen, device, requester.id);
      const tag = unit?.tagOf(requester.id) ?? -1;
      return { ...requester, tag: tag < 0 ? undefined : tag, kind, why, pages, forbidden };
    }),
    notes: notesOf(here, device),
  };
}

/** States that are not what they are at rest, or that the step has changed. */
function notesOf(here: Here, device: number): DeviceNote[] {
  const columns = here.table('device').columns;
  return Object.entries(NOTES).flatMap(([field, doc]) => {
    const value = here.field('device', device, field);
    if (columns[field]!.get(device) === 0 && value.was === undefined) return [];
    return [{ name: field.replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`), value, doc }];
  });
}

function reachWindow(xen: Xen, { device, place, from, count }: DevicesArgs): ReachWindow | undefined {
  if (xen.spec.devices[device] === undefined) return undefined;
  const requester = requestersOf(xen, device)[place];
  const { kind, why, runs } = reach(xen, device, requester?.id ?? -1);
  return {
    device,
    requester: requester?.id ?? -1,
    text: requester?.text ?? xen.spec.devices[device]!.address,
    kind,
    why,
    total: runs.length,
    from,
    runs: runs.slice(from, from + count),
  };
}
