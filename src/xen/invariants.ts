import { Before } from './invariants/before.js';
import { I3 } from './invariants/freed.js';
import { I12, I13, I19 } from './invariants/grants.js';
import { BUG } from './invariants/host.js';
import type { Invariant } from './invariants/invariant.js';
import { I2, REACH } from './invariants/reach.js';
import { I1 } from './invariants/types.js';
import { inputFrames } from './rule.js';
import type { Xen } from './state.js';

export type { Harm, Invariant } from './invariants/invariant.js';

/** All invariants, gravest harm first. Each stands, with what it looks at, in a file of `invariants/`. */
export const INVARIANTS: readonly Invariant[] = [I2, I3, REACH, BUG, I12, I13, I19, I1];

/** Those that a search holds every state and step against. */
export const SEARCHED: readonly Invariant[] = INVARIANTS.filter(({ dear }) => !dear);

/** Invariants of one machine, ready to be asked again and again. */
export class Judge {
  private readonly xen: Xen;
  private readonly inputs: readonly number[];
  private readonly before: Before;

  /** @param gfns guest frame numbers from 0 to look at. */
  constructor(xen: Xen, gfns: number) {
    this.xen = xen;
    this.inputs = inputFrames(xen, gfns);
    this.before = new Before(xen, this.inputs);
  }

  /** Takes note of the present state, as the one that the next step starts from. */
  remember(invariant: Invariant): void {
    invariant.remember?.(this.xen, this.inputs, this.before);
  }

  /** undefined while the invariant holds of the present state, or of the step from the one remembered to it. */
  violation(invariant: Invariant): string | undefined {
    return invariant.violation(this.xen, this.inputs, this.before);
  }
}
