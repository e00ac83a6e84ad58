import { hex } from '../../text/hex.js';
import type { AuditedDevice, Survey, TableProblem } from '../survey.js';
import type { Finding, FindingCode } from './finding.js';
import { namesOf, usersOfSpaces, whoText } from './reach.js';

const CODES: Readonly<Record<TableProblem['kind'], FindingCode>> = {
  'reserved-bits': 'reserved-bits',
  'outside-memory': 'outside-memory',
  loop: 'table-loop',
  level: 'bad-level',
  'unknown-format': 'not-walked',
};

function problemFinding(problem: TableProblem, whose: string, devices: readonly AuditedDevice[]): Finding {
  const { kind, at, entry, message } = problem;
  return {
    severity: kind === 'unknown-format' ? 'info' : 'error',
    code: CODES[kind],
    message: `${whose}: ${message} (${hex(entry)}).`,
    ...(devices.length > 0 ? { sbdf: devices[0]!.sbdf } : {}),
    devices: namesOf(devices),
    start: at,
    end: at + 8,
  };
}

/** Entries with problems that no list names. */
const moreText = (count: number): string =>
  count === 1
    ? 'the hardware refuses, or cannot follow, one more entry'
    : `the hardware refuses, or cannot follow, ${count} more entries`;

/** What is wrong with the tables themselves, and what could not be read of them. */
export function* tableFindings(survey: Survey): Generator<Finding> {
  for (const [i, unit] of survey.units.entries()) {
    for (const problem of unit.problems) yield problemFinding(problem, `unit ${i}`, []);
    if (unit.moreProblems > 0) {
      const message = `unit ${i}: ${moreText(unit.moreProblems)} of its tables.`;
      yield { severity: 'error', code: 'entries-wrong', message, devices: [] };
    }
    if (unit.enabled === false) {
      const message = `unit ${i} has tables at ${hex(unit.rootTable)} and does not translate: its devices reach all memory.`;
      yield { severity: 'error', code: 'translation-off', message, devices: [] };
    }
  }
  for (const device of survey.devices) {
    for (const problem of device.problems) yield problemFinding(problem, device.sbdf, [device]);
  }
  const usersOf = usersOfSpaces(survey);
  for (const [i, space] of survey.spaces.entries()) {
    const users = usersOf[i]!;
    const whose = users.length === 0 ? `tables at ${hex(space.root)}` : whoText(users);
    for (const problem of space.problems) yield problemFinding(problem, whose, users);
    const about = { ...(users.length > 0 ? { sbdf: users[0]!.sbdf } : {}), devices: namesOf(users) };
    if (space.moreProblems > 0) {
      const message = `${whose}: ${moreText(space.moreProblems)} of these tables.`;
      yield { severity: 'error', code: 'entries-wrong', message, ...about };
    }
    if (!space.complete) {
      const message = `${whose}: the tables at ${hex(space.root)} were not read to the end: ${space.incompleteBecause}.`;
      yield { severity: 'warning', code: 'walk-incomplete', message, ...about };
    }
  }
}
