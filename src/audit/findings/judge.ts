import type { Survey } from '../survey.js';
import { domainIdFindings, groupFindings, passThroughFindings, sharedTableFindings } from './domains.js';
import type { Expectations, Finding, FindingSeverity } from './finding.js';
import { tableReachFindings, watchedRangeFindings } from './memory-reach.js';
import { overlapFindings } from './overlap.js';
import { reachesOf } from './reach.js';
import { reservedRegionFindings } from './regions.js';
import { tableFindings } from './tables.js';

const ORDER: readonly FindingSeverity[] = ['error', 'warning', 'info'];

/** Everything that a reviewer should see, the worst first. */
export function judge(survey: Survey, expectations: Expectations): Finding[] {
  const reaches = reachesOf(survey);
  const findings = [
    ...tableReachFindings(survey, reaches),
    ...watchedRangeFindings(reaches, expectations),
    ...passThroughFindings(survey),
    ...domainIdFindings(survey),
    ...sharedTableFindings(survey),
    ...overlapFindings(reaches),
    ...groupFindings(survey, expectations.groups),
    ...reservedRegionFindings(survey, expectations.reserved),
    ...tableFindings(survey),
  ];
  return ORDER.flatMap((severity) => findings.filter((finding) => finding.severity === severity));
}

/** Whether anything is wrong: what is only worth knowing is not. */
export const isWrong = ({ severity }: Finding): boolean => severity !== 'info';
