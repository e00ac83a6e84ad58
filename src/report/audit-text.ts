import type { DeviceChange, DeviceState, Target } from '../audit/compare.js';
import type { Finding, FindingSeverity } from '../audit/findings/finding.js';
import type { AuditedDevice, Survey } from '../audit/survey.js';
import { PAGE_SIZE, rightsText } from '../formats/address.js';
import { counted, grouped, sizeText } from '../text/count.js';
import { type Paint, printable } from '../text/diagnostic.js';
import { hex } from '../text/hex.js';
import { RangeCounts, rangesOf, type ShownRange } from './audit-ranges.js';

const PAINTS = { error: 'error', warning: 'warning', info: 'dim' } as const satisfies Record<
  FindingSeverity,
  keyof Paint
>;

/** The audit for people: units, then devices with what they reach, then what is wrong. `most` ranges a device. */
export function* auditText(
  survey: Survey,
  findings: readonly Finding[],
  most: number,
  paint: Paint,
): Generator<string> {
  for (const note of survey.image.notes) yield `${printable(survey.image.name)}: ${printable(note)}`;
  for (const [i, unit] of survey.units.entries()) {
    const mode = unit.mode === '' ? '' : `, ${unit.mode} mode`;
    yield `unit ${i}  ${unit.kind}${mode}, root table ${hex(unit.rootTable)} (${printable(unit.foundBy)})`;
    for (const note of unit.notes) yield `  ${printable(note)}`;
  }
  const counts = new RangeCounts(survey);
  for (const devices of alike(survey)) yield* devicesText(survey, devices, most, paint, counts);
  yield '';
  if (findings.length === 0) yield 'nothing is wrong with what the tables say';
  yield* findingsText(findings, paint);
}

/** Findings, one a line, the worst first, and how many there are. */
export function* findingsText(findings: readonly Finding[], paint: Paint): Generator<string> {
  for (const { severity, code, message } of findings) {
    yield `${paint[PAINTS[severity]](severity)} ${paint.bold(code)}: ${printable(message)}`;
  }
  if (findings.length === 0) return;
  const counts = (['error', 'warning', 'info'] as const).flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [counted(count, severity === 'info' ? 'remark' : severity)];
  });
  yield counts.join(', ');
}

/** Devices that reach the same by the same tables, in the order of their first. */
function alike(survey: Survey): AuditedDevice[][] {
  const groups = new Map<string, AuditedDevice[]>();
  for (const device of survey.devices) {
    const { unit, domainId, pasid, translation, space, rights, note, type } = device;
    // PASIDs of one function stand together, devices without one beside each other.
    const key = JSON.stringify([
      unit,
      pasid === null ? null : device.sbdf,
      domainId,
      translation,
      space,
      rights,
      note,
      type,
    ]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [device]);
    else group.push(device);
  }
  return [...groups.values()];
}

const SBDFS_SHOWN = 6;

function* devicesText(
  survey: Survey,
  devices: readonly AuditedDevice[],
  most: number,
  paint: Paint,
  counts: RangeCounts,
): Generator<string> {
  const [first] = devices as [AuditedDevice];
  const some = devices.slice(0, SBDFS_SHOWN);
  const others = devices.length > some.length ? ` and ${devices.length - some.length} more` : '';
  const ofPasids = first.pasid !== null;
  const shown = ofPasids ? [first.sbdf] : [...some.map(({ sbdf }) => sbdf)];
  if (!ofPasids && others !== '') shown[shown.length - 1] += others;
  const pasid = ofPasids ? `, PASID ${some.map((each) => each.pasid).join(' ')}${others}` : '';
  const id = `${first.domainId === null ? '' : `, domain id ${first.domainId}`}${pasid}`;
  const space = first.space === null ? undefined : survey.spaces[first.space]!;
  const root = space === undefined ? '' : `, ${space.levels} levels from ${hex(space.root)}`;
  const state = first.translation === 'passthrough' ? paint.error('pass-through') : first.translation;
  yield '';
  yield `${paint.bold(shown.join(' '))}  ${state}${id}${root}`;
  yield `  ${first.type}${first.note === '' ? '' : `: ${printable(first.note)}`}`;
  if (space !== undefined) {
    yield `  reaches ${sizeText(space.pages * PAGE_SIZE)} in ${counted(space.ranges.length, 'range')}, ${counted(space.tables.length, 'table')}`;
  }
  let shownRanges = 0;
  for (const range of rangesOf(survey, first)) {
    if (shownRanges++ >= most) break;
    yield rangeText(range);
  }
  const count = counts.of(first);
  if (count > most) yield `  … ${grouped(count - most)} more (--all, --json, --csv or --html show them)`;
}

const address = (value: number): string => value.toString(16).padStart(12, '0');

function rangeText({ start, end, mfn, rights, sameAs }: ShownRange): string {
  const target =
    mfn === null
      ? `as at ${address(sameAs!)}`
      : mfn * PAGE_SIZE === start
        ? 'to itself'
        : `to ${address(mfn * PAGE_SIZE)}`;
  return `  ${rightsText(rights)} ${address(start)}-${address(end - 1)}  ${target}  ${sizeText(end - start)}`;
}

/** What changed, for people. */
export function* changesText(
  changes: readonly DeviceChange[],
  most: number,
  paint: Paint,
): Generator<string> {
  if (changes.length === 0) {
    yield 'no device reaches anything else than before';
    return;
  }
  for (const { sbdf, pasid, before, after, ranges, moreRanges, complete } of changes) {
    const name = pasid === null ? sbdf : `${sbdf} PASID ${pasid}`;
    yield `${paint.bold(name)}  ${stateText(before)} -> ${stateText(after)}`;
    for (const { input, count, before: was, after: is } of ranges.slice(0, most)) {
      const [start, end] = [input * PAGE_SIZE, (input + count) * PAGE_SIZE];
      const size = sizeText(end - start);
      yield `  ${signOf(was, is)} ${address(start)}-${address(end - 1)}  ${targetText(was)} -> ${targetText(is)}  ${size}`;
    }
    const more = Math.max(0, ranges.length - most) + moreRanges;
    if (more > 0) yield `  … ${grouped(more)} more`;
    if (!complete) yield '  not compared to the end: the ranges are too many';
  }
}

const signOf = (was: Target, is: Target): string => (was.frame < 0 ? '+' : is.frame < 0 ? '-' : '~');

const targetText = ({ frame, rights }: Target): string =>
  frame < 0 ? 'nothing' : `${rightsText(rights)} ${address(frame * PAGE_SIZE)}`;

function stateText(state: DeviceState | null): string {
  if (state === null) return 'no entry';
  const id = state.domainId === null ? '' : `, domain id ${state.domainId}`;
  return `${state.translation}${id}${state.root === null ? '' : `, root ${hex(state.root)}`}`;
}
