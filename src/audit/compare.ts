import type { Rights } from '../formats/address.js';
import { Inputs } from './inputs.js';
import type { AuditedDevice, RangeList, Survey, Translation } from './survey.js';

/** Where a device address leads, and with which rights; frame -1 when nowhere. */
export interface Target {
  readonly frame: number;
  readonly rights: Rights;
}

/** Inputs whose meaning differs between two images. Frames of a target go on with the inputs. */
export interface ChangedRange {
  /** First input frame. */
  readonly input: number;
  /** 4 KiB frames. */
  readonly count: number;
  readonly before: Target;
  readonly after: Target;
}

/** What a device's own entry says. */
export interface DeviceState {
  readonly translation: Translation;
  readonly domainId: number | null;
  readonly root: number | null;
}

/** A device whose entry or whose reach differs. */
export interface DeviceChange {
  readonly sbdf: string;
  /** VT-d in scalable mode: the PASID; null for requests without one. */
  readonly pasid: number | null;
  /** Null where the image has no entry for it. */
  readonly before: DeviceState | null;
  readonly after: DeviceState | null;
  readonly ranges: readonly ChangedRange[];
  /** Changed ranges beyond those that are listed. */
  readonly moreRanges: number;
  /** False when a bound ended the comparison: what lies behind may differ, too. */
  readonly complete: boolean;
}

/** Changed ranges that are listed of one device. */
const RANGES_AT_MOST = 65_536;
/** Changed ranges that are listed of all devices together. */
const LISTED_AT_MOST = 1 << 18;
/** Pieces that the comparisons of all devices look at together. */
const STEPS_AT_MOST = 8_000_000;

const NOWHERE: Target = { frame: -1, rights: 0 };
const EMPTY: RangeList = {
  length: 0,
  input: () => 0,
  count: () => 0,
  frame: () => -1,
  rights: () => 0,
  sharedInput: () => -1,
};

/**
 * What became of each device's reach between two images: devices that came or went, entries that changed, ranges that
 * were mapped, unmapped, moved or given other rights. Devices stand in the order of the images.
 */
export function compareSurveys(before: Survey, after: Survey): DeviceChange[] {
  const keyed = (survey: Survey) =>
    new Map(survey.devices.map((device) => [`${device.unit} ${device.sbdf} ${device.pasid}`, device]));
  const [then, now] = [keyed(before), keyed(after)];
  const compared = new Map<string, Compared>();
  const left = { steps: STEPS_AT_MOST, listed: LISTED_AT_MOST };
  return [...new Set([...then.keys(), ...now.keys()])].flatMap((key) => {
    const [was, is] = [then.get(key), now.get(key)];
    const { sbdf, pasid } = (was ?? is)!;
    const states = { before: stateOf(before, was), after: stateOf(after, is) };
    // Devices of the same tables on both sides change alike.
    const tables = `${was?.space} ${was?.rights} ${is?.space} ${is?.rights}`;
    let ranges = compared.get(tables);
    if (ranges === undefined) {
      ranges = compareRanges(sideOf(before, was), sideOf(after, is), left);
      compared.set(tables, ranges);
    }
    const alike = JSON.stringify(states.before) === JSON.stringify(states.after);
    if (alike && ranges.ranges.length === 0 && ranges.complete) return [];
    left.listed -= ranges.ranges.length;
    if (left.listed >= 0) return [{ sbdf, pasid, ...states, ...ranges }];
    const moreRanges = ranges.ranges.length + ranges.moreRanges;
    return [{ sbdf, pasid, ...states, ranges: [], moreRanges, complete: ranges.complete }];
  });
}

function stateOf(survey: Survey, device: AuditedDevice | undefined): DeviceState | null {
  if (device === undefined) return null;
  const { translation, domainId, space } = device;
  return { translation, domainId, root: space === null ? null : survey.spaces[space]!.root };
}

interface Side {
  readonly ranges: RangeList;
  readonly mask: Rights;
}

const sideOf = (survey: Survey, device: AuditedDevice | undefined): Side =>
  device?.space == null
    ? { ranges: EMPTY, mask: 0 }
    : { ranges: survey.spaces[device.space]!.ranges, mask: device.rights };

type Compared = Pick<DeviceChange, 'ranges' | 'moreRanges' | 'complete'>;

/**
 * Both sides cut where either changes, from the first input to the last. Where both repeat the same earlier inputs, and
 * these did not differ, neither do the repeats: the 512^n paths of a scratch page take as many steps as one of them.
 */
function compareRanges(before: Side, after: Side, left: { steps: number }): Compared {
  const [then, now] = [new Inputs(before.ranges), new Inputs(after.ranges)];
  const changed: ChangedRange[] = [];
  let more = 0;
  let input = 0;
  let complete = false;
  for (; left.steps > 0; left.steps--) {
    then.find(input);
    now.find(input);
    const run = Math.min(then.run, now.run);
    const was = targetOf(then, before.mask);
    const is = targetOf(now, after.mask);
    if (run === Number.POSITIVE_INFINITY) {
      complete = true;
      break;
    }
    const same =
      then.repeatOf >= 0 && then.repeatOf === now.repeatOf && more === 0 && before.mask === after.mask;
    const repeated = same ? Math.min(then.repeatRun, now.repeatRun) : 0;
    if (repeated > run && !anyWithin(changed, then.repeatOf, then.repeatOf + repeated)) {
      input += repeated;
      continue;
    }
    if (was.frame !== is.frame || was.rights !== is.rights) {
      if (!extend(changed, input, run, was, is)) {
        if (changed.length < RANGES_AT_MOST) changed.push({ input, count: run, before: was, after: is });
        else more++;
      }
    }
    input += run;
  }
  return { ranges: changed, moreRanges: more, complete };
}

/** Whether any of the changes, which stand in order, lies within [start, end). */
function anyWithin(changed: readonly ChangedRange[], start: number, end: number): boolean {
  let low = 0;
  let high = changed.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (changed[middle]!.input + changed[middle]!.count > start) high = middle;
    else low = middle + 1;
  }
  return low < changed.length && changed[low]!.input < end;
}

function targetOf(inputs: Inputs, mask: Rights): Target {
  const rights = inputs.rights & mask;
  return inputs.frame < 0 || rights === 0 ? NOWHERE : { frame: inputs.frame, rights };
}

/** Lengthens the last change when this one goes on where it ends. */
function extend(changed: ChangedRange[], input: number, count: number, was: Target, is: Target): boolean {
  const last = changed.at(-1);
  if (last === undefined || last.input + last.count !== input) return false;
  const goesOn = (from: Target, to: Target) =>
    from.rights === to.rights && (from.frame < 0 ? to.frame < 0 : from.frame + last.count === to.frame);
  if (!goesOn(last.before, was) || !goesOn(last.after, is)) return false;
  changed[changed.length - 1] = { ...last, count: last.count + count };
  return true;
}
