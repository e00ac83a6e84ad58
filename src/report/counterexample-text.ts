import { printProgram } from '../program/print.js';
import type { Counterexample } from '../program/verify.js';
import type { Edition } from '../xen/editions/edition.js';
import { loopStory } from './loop.js';

/** The counterexample as a program that reads like a story. */
export function counterexampleText(one: Counterexample, edition: Edition): string {
  const { invariant, message, program } = one;
  const head =
    one.kind === 'livelock'
      ? [
          `A hypercall that never ends on Xen ${edition.name}: ${message}.`,
          ...loopStory(one),
          `Why that is bad: ${invariant.reason}.`,
          'Found by `dommu verify`. `dommu run` replays the loop until its state has come back.',
        ]
      : [
          `${invariant.id}, ${invariant.title}, does not hold on Xen ${edition.name}:`,
          message,
          `Why it must hold: ${invariant.reason}.`,
          'Found by `dommu verify`; the shortest there is within its bounds.',
        ];
  return `${head.map((line) => `# ${line}\n`).join('')}\n${printProgram(program)}`;
}

/**
 * What counterexamples are called: `SUBJECT-RELEASE-INVARIANT`, and a second one of the same invariant with a number behind
 * it.
 */
export function counterexampleNames(
  counterexamples: readonly Counterexample[],
  edition: Edition,
  subject: string,
): string[] {
  const [release] = edition.name.split('+');
  const counts = new Map<string, number>();
  return counterexamples.map(({ invariant: { id } }) => {
    const count = (counts.get(id) ?? 0) + 1;
    counts.set(id, count);
    return `${subject}-${release}-${id}${count === 1 ? '' : `-${count}`}`;
  });
}
