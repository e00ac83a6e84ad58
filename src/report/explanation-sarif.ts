import { EVENT_KINDS, type EventKind } from '../logs/event.js';
import type { ExplainedEvent, Explanation } from '../logs/explain.js';
import { eventSentence, speaker } from './event-sentence.js';
import { eventJson } from './explanation.js';
import { sarifDocument, sarifPlace } from './sarif-document.js';

const KINDS: Readonly<Record<EventKind, string>> = {
  'dma-fault': 'a device’s access to memory was refused',
  'interrupt-fault': 'a device’s interrupt was refused',
  'command-error': 'an IOMMU did not take a command, or broke down',
  init: 'something about the IOMMU could not be set up',
  toolstack: 'the toolstack refused something',
  memory: 'a guest’s memory was misused',
};

/** What is wrong in logs as SARIF 2.1.0 (OASIS): a result an event, with its likeliest cause and next check. */
export function explanationSarif(
  { notes, complete }: Explanation,
  events: readonly ExplainedEvent[],
  version: string,
): unknown {
  const rules = EVENT_KINDS.map((id) => ({ id, shortDescription: { text: KINDS[id] } }));
  const results = events.filter(({ wrong }) => wrong).map(resultOf);
  return sarifDocument({ rules, results, complete, warnings: notes }, version);
}

function resultOf(event: ExplainedEvent): unknown {
  const { first, kind, count, reason, device } = event;
  const [cause] = event.causes;
  const behind = cause === undefined ? '' : ` Probably ${cause.title}. Next: ${cause.check}.`;
  return {
    ruleId: kind,
    level: 'error',
    occurrenceCount: count,
    message: { text: `${speaker(event)}: ${eventSentence(event)}.${behind}` },
    locations: [sarifPlace(first.file, first.line, first.text)],
    partialFingerprints: { 'event/v1': [kind, device, reason?.name].join(':') },
    properties: eventJson(event),
  };
}
