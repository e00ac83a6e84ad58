import { LIVELOCK } from '../program/counterexample.js';
import { harmsText } from '../xen/invariants/harm.js';
import { SEARCHED } from '../xen/invariants.js';
import { factsOf } from './facts.js';
import { sarifDocument, sarifPlace } from './sarif-document.js';
import type { VerdictReport, Written } from './verdict.js';

/**
 * A verdict in SARIF 2.1.0 (OASIS), which code hosts show beside the files that were checked: a result a violation, with the
 * program that shows it as a code flow. Whoever is bounded says so as a notification, not as a result.
 */
export function sarifLog(report: VerdictReport, version: string): unknown {
  const { result, written, title } = report;
  const run = {
    rules,
    results: written.map((one) => sarifResult(one, report)),
    complete: true,
    warnings: result.verdict === 'bounded' ? [`${title}: the search is not complete`] : [],
    properties: { verdict: result.verdict, states: result.search.states, bounds: report.bounds },
  };
  return sarifDocument(run, version);
}

const rules = [...SEARCHED, LIVELOCK].map((rule) => ({
  id: rule.id,
  shortDescription: { text: rule.title },
  fullDescription: { text: rule.reason },
  properties: { harm: harmsText(rule) },
}));

function sarifResult(one: Written, { subject, edition }: VerdictReport): unknown {
  const { invariant, harm, message, steps, scene } = one;
  const facts = factsOf(message, steps).map(({ change }) => change);
  return {
    ruleId: invariant.id,
    level: 'error',
    message: {
      text: `On Xen ${edition.name}: ${message}.${facts.length === 0 ? '' : ` Because: ${facts.join('; ')}.`}`,
    },
    locations: [sarifPlace(subject, 1)],
    properties: { harm },
    partialFingerprints: { 'invariant/v1': `${invariant.id}:${edition.name}` },
    codeFlows: [
      {
        threadFlows: [
          {
            locations: steps.map((step, index) => ({
              executionOrder: index + 1,
              importance: index < scene ? 'unimportant' : 'essential',
              location: {
                ...sarifPlace(one.file ?? subject, 1),
                message: { text: [`${step.op} → ${step.status}`, ...step.changes].join('\n') },
              },
            })),
          },
        ],
      },
    ],
  };
}
