import type { DeviceChange, Target } from '../audit/compare.js';
import type { Finding } from '../audit/findings/finding.js';
import type { Survey } from '../audit/survey.js';
import { PAGE_SIZE, R, W } from '../formats/address.js';
import { hex } from '../text/hex.js';
import { rangesOf, rangesOfOthers, type ShownRange } from './audit-ranges.js';

const rangeJson = ({ start, end, mfn, rights, sameAs }: ShownRange): string =>
  JSON.stringify({
    start: hex(start),
    end: hex(end),
    mfn: mfn === null ? null : hex(mfn),
    read: (rights & R) !== 0,
    write: (rights & W) !== 0,
    ...(sameAs === null ? {} : { sameAs: hex(sameAs) }),
  });

/** A finding as scripts get it. */
export const findingJson = ({ severity, code, message, sbdf, devices, start, end }: Finding) => ({
  severity,
  code,
  message,
  ...(sbdf === undefined ? {} : { sbdf }),
  devices,
  ...(start === undefined ? {} : { start: hex(start) }),
  ...(end === undefined ? {} : { end: hex(end) }),
});

/**
 * The audit as one JSON object, in pieces: a machine may have millions of ranges, more than one string holds. `notes` say how
 * the roots were found. Ranges of a
 * device stand in the order of its addresses; a device with `rangesAs` has those of another one; a range with `sameAs` instead of an mfn maps as the range there does.
 */
export function* auditJson(
  survey: Survey,
  findings: readonly Finding[],
  notes: readonly string[] = [],
): Generator<string> {
  const units = survey.units.map(
    ({ kind, segment, rootTable, mode, registers, enabled, foundBy, notes }) => ({
      kind,
      segment,
      rootTable: hex(rootTable),
      mode,
      registers: registers === null ? null : hex(registers),
      enabled,
      foundBy,
      notes,
    }),
  );
  yield `{\n "source": ${JSON.stringify(survey.image.name)},\n "notes": ${JSON.stringify([...survey.image.notes, ...notes])},\n "units": ${JSON.stringify(units)},\n "devices": [`;
  let separator = '\n';
  const others = rangesOfOthers(survey);
  for (const device of survey.devices) {
    const { sbdf, pasid, domainId, translation, type, unit, note, space } = device;
    const tables = space === null ? null : survey.spaces[space]!;
    const head = {
      sbdf,
      pasid,
      domainId,
      translation,
      type,
      unit,
      note,
      tables: tables && {
        format: tables.format,
        root: hex(tables.root),
        levels: tables.levels,
        complete: tables.complete,
      },
    };
    const other = others.get(device);
    const asThose = other === undefined ? {} : { rangesAs: { sbdf: other.sbdf, pasid: other.pasid } };
    yield `${separator}  ${JSON.stringify({ ...head, ...asThose }).slice(0, -1)},"ranges":[`;
    separator = ',\n';
    let comma = '';
    for (const range of other === undefined ? rangesOf(survey, device) : []) {
      yield `${comma}\n    ${rangeJson(range)}`;
      comma = ',';
    }
    yield ']}';
  }
  yield `\n ],\n "findings": ${JSON.stringify(findings.map(findingJson), null, 2).replaceAll('\n', '\n ')}\n}\n`;
}

/** One row a range; a device that reaches nothing has one row without addresses. (RFC 4180) */
export function* auditCsv(survey: Survey): Generator<string> {
  yield 'sbdf,domain_id,translation,start,end,mfn,read,write,same_as,pasid,ranges_as\r\n';
  const others = rangesOfOthers(survey);
  for (const device of survey.devices) {
    const head = `${device.sbdf},${device.domainId ?? ''},${device.translation}`;
    const pasid = device.pasid ?? '';
    const other = others.get(device);
    if (other !== undefined) {
      yield `${head},,,,,,,${pasid},${other.sbdf}${other.pasid === null ? '' : ` PASID ${other.pasid}`}\r\n`;
      continue;
    }
    let any = false;
    for (const { start, end, mfn, rights, sameAs } of rangesOf(survey, device)) {
      any = true;
      const target = mfn === null ? '' : hex(mfn);
      const same = sameAs === null ? '' : hex(sameAs);
      yield `${head},${hex(start)},${hex(end)},${target},${rights & R ? 1 : 0},${rights & W ? 1 : 0},${same},${pasid},\r\n`;
    }
    if (!any) yield `${head},,,,0,0,,${pasid},\r\n`;
  }
}

const targetJson = ({ frame, rights }: Target) =>
  frame < 0 ? null : { mfn: hex(frame), read: (rights & R) !== 0, write: (rights & W) !== 0 };

/** What changed between two images, as scripts get it. */
export function changesJson(changes: readonly DeviceChange[]) {
  return changes.map(({ sbdf, pasid, before, after, ranges, moreRanges, complete }) => ({
    sbdf,
    pasid,
    before: before && { ...before, root: before.root === null ? null : hex(before.root) },
    after: after && { ...after, root: after.root === null ? null : hex(after.root) },
    ranges: ranges.map((range) => ({
      start: hex(range.input * PAGE_SIZE),
      end: hex((range.input + range.count) * PAGE_SIZE),
      before: targetJson(range.before),
      after: targetJson(range.after),
    })),
    moreRanges,
    complete,
  }));
}
