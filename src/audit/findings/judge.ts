import type { Survey } from '../survey.js';
import { domainIdFindings, groupFindings } from './domains.js';
import type { Expectations, Finding, FindingSeverity } from './finding.js';
import { watchedRangeFindings } from './memory-reach.js';
import { overlapFindings } from './overlap.js';
import { passThroughFindings } from './pass-through.js';
import { reachesOf } from './reach.js';
import { reservedRegionFindings } from './regions.js';
import { sharedTableFindings } from './shared-tables.js';
import { tableReachFindings } from './table-reach.js';
import { tableFindings } from './tables.js';

const ORDER: readonly FindingSeverity[] = ['error', 'warning', 'info'];

/** Findings of one code and severity that are listed; the others are counted. Tables of garbage make a million. */
const LISTED = 4096;

/** Everything that a reviewer should see, the worst first. */
export function judge(survey: Survey, expectations: Expectations): Finding[] {
  const reaches = reachesOf(survey);
  const kinds = new Map<string, { readonly first: Finding; readonly listed: Finding[]; total: number }>();
  for (const finding of allFindings()) {
    const kind = `${finding.severity} ${finding.code}`;
    const known = kinds.get(kind);
    if (known === undefined) kinds.set(kind, { first: finding, listed: [finding], total: 1 });
    else if (known.total++ < LISTED) known.listed.push(finding);
  }
  const findings = [...kinds.values()].flatMap(({ first: { severity, code }, listed, total }) => {
    if (total <= LISTED) return listed;
    const message = `Of this kind, ${total} things were found; the others are not listed.`;
    return [...listed, { severity, code, message, devices: [] }];
  });
  return ORDER.flatMap((severity) => findings.filter((finding) => finding.severity === severity));

  function* allFindings(): Generator<Finding> {
    yield* tableReachFindings(survey, reaches);
    yield* watchedRangeFindings(reaches, expectations);
    yield* passThroughFindings(survey);
    yield* domainIdFindings(survey);
    yield* sharedTableFindings(survey);
    yield* overlapFindings(reaches);
    yield* groupFindings(survey, expectations.groups);
    yield* reservedRegionFindings(survey, expectations.reserved);
    yield* tableFindings(survey);
  }
}

/** Whether anything is wrong: what is only worth knowing is not. */
export const isWrong = ({ severity }: Finding): boolean => severity !== 'info';
