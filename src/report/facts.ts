import type { StepResult } from '../program/runner.js';

/** Something that the program did to what a broken invariant speaks of. */
export interface Fact {
  /** The step that did it, as its result counts. */
  readonly step: number;
  /** `frame 0x101: type none → l1, type count 0 → 1`. */
  readonly change: string;
}

/** More than these nobody keeps in mind. */
const MOST_FACTS = 3;

const NUMBER = /0x[0-9a-f]+/g;

/**
 * The facts that break an invariant: of each kind of thing that bears a number which the violation names (a frame, its
 * entry in an IOMMU table, in an IOTLB), the last change, in the order in which they happened.
 * @param message what the invariant says is wrong, after the last of the steps.
 */
export function factsOf(message: string, steps: readonly StepResult[]): Fact[] {
  const numbers = new Set(message.match(NUMBER) ?? []);
  const last = new Map<string, Fact>();
  for (const { index, changes } of steps) {
    for (const change of changes) {
      const thing = change.slice(0, change.indexOf(': '));
      if (thing.match(NUMBER)?.some((number) => numbers.has(number)) !== true) continue;
      const kind = thing.replace(/[ ,]*0x[0-9a-f]+/g, '');
      last.delete(kind);
      last.set(kind, { step: index, change });
    }
  }
  return [...last.values()].slice(-MOST_FACTS);
}
