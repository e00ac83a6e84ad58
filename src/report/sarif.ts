import { pathToFileURL } from 'node:url';
import { LIVELOCK } from '../program/counterexample.js';
import { SEARCHED } from '../xen/invariants.js';
import { factsOf } from './facts.js';
import type { VerdictReport, Written } from './verdict.js';

/**
 * A verdict in SARIF 2.1.0 (OASIS), which code hosts show beside the files that were checked: a result a violation, with the
 * program that shows it as a code flow. Whoever is bounded says so as a notification, not as a result.
 */
export function sarifLog(report: VerdictReport, version: string): unknown {
  const { result, written, title } = report;
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'dommu', version, rules } },
        invocations: [
          {
            executionSuccessful: true,
            toolExecutionNotifications:
              result.verdict === 'bounded'
                ? [{ level: 'warning', message: { text: `${title}: the search is not complete` } }]
                : [],
          },
        ],
        properties: { verdict: result.verdict, states: result.search.states, bounds: report.bounds },
        results: written.map((one) => sarifResult(one, report)),
      },
    ],
  };
}

const rules = [...SEARCHED, LIVELOCK].map(({ id, title, reason, harm }) => ({
  id,
  shortDescription: { text: title },
  fullDescription: { text: reason },
  properties: { harm },
}));

function sarifResult(one: Written, { subject, edition }: VerdictReport): unknown {
  const { invariant, message, steps, scene } = one;
  const facts = factsOf(message, steps).map(({ change }) => change);
  return {
    ruleId: invariant.id,
    level: 'error',
    message: {
      text: `On Xen ${edition.name}: ${message}.${facts.length === 0 ? '' : ` Because: ${facts.join('; ')}.`}`,
    },
    locations: [location(subject)],
    partialFingerprints: { 'invariant/v1': `${invariant.id}:${edition.name}` },
    codeFlows: [
      {
        threadFlows: [
          {
            locations: steps.map((step, index) => ({
              executionOrder: index + 1,
              importance: index < scene ? 'unimportant' : 'essential',
              location: {
                ...location(one.file ?? subject),
                message: { text: [`${step.op} → ${step.status}`, ...step.changes].join('\n') },
              },
            })),
          },
        ],
      },
    ],
  };
}

/** A file, as a whole: what is wrong is wrong with what it leads to. */
function location(file: string): Record<string, unknown> {
  const uri = file.startsWith('/') ? pathToFileURL(file).href : encodeURI(file);
  return { physicalLocation: { artifactLocation: { uri }, region: { startLine: 1 } } };
}
