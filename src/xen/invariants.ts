import { I5, I6, I7, I17 } from './invariants/context.js';
import { CPU_WRITE, STALE_TABLE } from './invariants/cpu.js';
import { I9, I10, I11, OWNED, PIRQ, RMRR } from './invariants/devices.js';
import { I8 } from './invariants/exclusions.js';
import { I3 } from './invariants/freed.js';
import { I12, I13, I19 } from './invariants/grants.js';
import type { Breach } from './invariants/harm.js';
import { I14, I16 } from './invariants/heap.js';
import { BUG, CONTRACT, LOCKS } from './invariants/host.js';
import type { Invariant } from './invariants/invariant.js';
import { I15, I18, LEAK, QUOTA } from './invariants/life.js';
import { Notes } from './invariants/notes.js';
import { AUTH, USE } from './invariants/offers.js';
import { M2P, MOVED, P2M, POD, SYNC } from './invariants/p2m.js';
import { COUNTERS, PIN } from './invariants/pins.js';
import { LINEAR, PROGRESS } from './invariants/progress.js';
import { I2, REACH } from './invariants/reach.js';
import { REF } from './invariants/references.js';
import { ATOMIC, HEAP, PTSTRUCT, SCRUB } from './invariants/tables.js';
import { DID, FREED, I4 } from './invariants/tlb.js';
import { I1 } from './invariants/types.js';
import { inputFrames } from './rule.js';
import type { Xen } from './state.js';

export type { Breach, Harm } from './invariants/harm.js';
export type { Invariant } from './invariants/invariant.js';

/** All invariants, the gravest harm first that they are known for. Each stands, with what it looks at, in a file of `invariants/`. */
export const INVARIANTS: readonly Invariant[] = [
  // isolation broken
  ...[
    I2,
    CPU_WRITE,
    STALE_TABLE,
    P2M,
    I3,
    REACH,
    I4,
    FREED,
    DID,
    PTSTRUCT,
    ATOMIC,
    I9,
    I10,
    PIRQ,
    I14,
    I16,
    I5,
    I6,
    I7,
    I15,
    MOVED,
    I18,
    REF,
    PIN,
    AUTH,
    USE,
    SCRUB,
  ],
  // crash
  ...[BUG, LOCKS, LINEAR, POD, COUNTERS, I17],
  // livelock
  PROGRESS,
  // mapping lost
  ...[I12, I13, I19, OWNED, I11, RMRR, I8, SYNC, I1, M2P, CONTRACT],
  // leak
  ...[LEAK, HEAP, QUOTA],
];

/** Those that a search holds every state and step against. */
export const SEARCHED: readonly Invariant[] = INVARIANTS.filter(({ dear }) => !dear);

/** Invariants of one machine, ready to be asked again and again. */
export class Judge {
  private readonly xen: Xen;
  private readonly inputs: readonly number[];
  private readonly notes: Notes;

  /** @param gfns guest frame numbers from 0 to look at. */
  constructor(xen: Xen, gfns: number) {
    this.xen = xen;
    this.inputs = inputFrames(xen, gfns);
    this.notes = new Notes(xen, this.inputs.length);
  }

  /** Takes note of the present state, as the one that the next step starts from. */
  remember(invariant: Invariant): void {
    invariant.remember?.(this.xen, this.inputs, this.notes);
  }

  /** undefined while the invariant holds of the present state, or of the step from the one remembered to it. */
  violation(invariant: Invariant): Breach | undefined {
    const found = invariant.violation(this.xen, this.inputs, this.notes);
    return typeof found === 'string' ? { message: found, harm: invariant.harm } : found;
  }
}
