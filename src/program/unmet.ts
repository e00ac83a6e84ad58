import type { Breach } from '../xen/invariants.js';
import type { Outcome } from './handlers/handler.js';
import type { Expectation } from './program.js';

/** A log message of the hypervisor: one fault, its lines without `(XEN) ` joined by line feeds. */
export interface FaultText {
  readonly text: string;
}

/** An invariant that is broken, by what, and what that leads to. */
export interface ViolationText extends Breach {
  readonly invariant: string;
  readonly title: string;
}

/** What was expected and did not happen, and what happened and was not expected. */
export function* unmet(
  expectations: readonly Expectation[],
  { status, because }: Outcome,
  faults: readonly FaultText[],
  changes: readonly string[],
  violations: readonly ViolationText[],
): Generator<string> {
  for (const expectation of expectations) {
    switch (expectation.kind) {
      case 'status':
        if (expectation.status !== status)
          yield `expected ${expectation.status}, got ${status}${because === undefined ? '' : `: ${because}`}`;
        break;
      case 'fault':
        if (!faults.some(({ text }) => text.includes(expectation.text))) {
          yield `expected a fault${expectation.text && ` with "${expectation.text}"`}, got ${faults.length > 0 ? 'another' : 'none'}`;
        }
        break;
      case 'violation':
        if (!violations.some(({ invariant }) => invariant === expectation.invariant)) {
          yield `expected a violation of ${expectation.invariant}`;
        }
        break;
      case 'change':
        if (!changes.some((line) => line.includes(expectation.text))) {
          yield `expected a change with "${expectation.text}"`;
        }
    }
  }
  const expectsFault = expectations.some(
    ({ kind, ...rest }) =>
      kind === 'fault' || (kind === 'status' && 'status' in rest && rest.status === 'fault'),
  );
  if (faults.length > 0 && !expectsFault) yield 'the device faulted, which nobody expected';
  for (const violation of violations) {
    if (!isExpected(violation, expectations)) yield unexpectedViolation(violation);
  }
}

/** Whether a step is to break an invariant. */
export const isExpected = ({ invariant }: ViolationText, expectations: readonly Expectation[]): boolean =>
  expectations.some((one) => one.kind === 'violation' && one.invariant === invariant);

/** How it is told that an invariant is broken which nobody expected. */
export const unexpectedViolation = ({ invariant, title }: ViolationText): string =>
  `${invariant} is broken: ${title}`;
