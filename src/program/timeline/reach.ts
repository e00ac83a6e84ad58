import type { Rights } from '../../formats/address.js';
import { scramble } from '../../store/hash.js';
import { Trace } from '../../store/trace.js';
import { inputFrames } from '../../xen/rule.js';
import type { Xen } from '../../xen/state.js';
import type { Timeline } from '../timeline.js';
import { StateIdentity } from './identity.js';

/** A frame that a device reaches: the frame of the address that it uses, the host's, and what it may do there. */
export interface Reached {
  readonly input: number;
  readonly frame: number;
  readonly rights: Rights;
}

/** What an IOMMU's tables let one requester of a device reach; all of memory where nothing stands in front of it. */
export interface RequesterReach {
  readonly requester: number;
  readonly frames: readonly Reached[] | 'everything';
}

/** What the tables let a device reach now, requester by requester; what IOTLBs remember is not looked at. */
export function reachOf(xen: Xen, device: number): RequesterReach[] {
  const inputs = inputFrames(xen, xen.spec.limits.gfns);
  const unit = xen.unitOf(device);
  return xen.requesters[device]!.map((requester) => {
    if (unit === undefined || requester < 0) return { requester, frames: 'everything' };
    const frames: Reached[] = [];
    for (const input of unit.select(requester) ? inputs : []) {
      const rights = unit.selectedRights(input);
      if (rights !== 0) frames.push({ input, frame: unit.frame, rights });
    }
    return { requester, frames };
  });
}

/**
 * Says in a word what devices reach after each step of a timeline, step by step. It is worked out anew only when a step
 * has written a word on which it depended, and not for a state that was there before.
 */
export class ReachDigests {
  private readonly timeline: Timeline;
  private readonly inputs: readonly number[];
  private readonly trace = new Trace();
  /** By word: 1 where what is reached depends on it. */
  private read = new Uint8Array(0);
  private readonly identity = new StateIdentity();
  private readonly known = new Map<string, string>();
  private step = 0;
  private digest: string;

  constructor(timeline: Timeline) {
    this.timeline = timeline;
    this.inputs = inputFrames(timeline.xen, timeline.xen.spec.limits.gfns);
    this.digest = this.look(0);
  }

  /** The digest after `step`, which is no earlier than the one asked for last. */
  at(step: number): string {
    while (this.step < step) this.next();
    return this.digest;
  }

  private next(): void {
    this.step++;
    let depends = false;
    this.timeline.forEachWrite(this.step, (word, before, after) => {
      this.identity.move(word, before, after);
      if (this.read[word] === 1) depends = true;
    });
    if (depends) this.digest = this.known.get(this.identity.key) ?? this.look(this.step);
  }

  private look(step: number): string {
    const digest = this.timeline.lookAt(step, (xen) => {
      this.trace.begin();
      xen.store.trace = this.trace;
      try {
        return this.digestOf(xen);
      } finally {
        xen.store.trace = undefined;
      }
    });
    // Words that other states depended on stay marked: that costs a look too many, never one too few.
    if (this.read.length < this.timeline.xen.store.wordCount) {
      const longer = new Uint8Array(this.timeline.xen.store.wordCount);
      longer.set(this.read);
      this.read = longer;
    }
    for (let i = 0; i < this.trace.length; i++) this.read[this.trace.words[i]!] = 1;
    this.known.set(this.identity.key, digest);
    return digest;
  }

  private digestOf(xen: Xen): string {
    return xen.requesters
      .flatMap((requesters, device) =>
        requesters.map((requester) => this.requesterDigest(xen, device, requester)),
      )
      .join(' ');
  }

  private requesterDigest(xen: Xen, device: number, requester: number): string {
    const unit = xen.unitOf(device);
    if (unit === undefined || requester < 0) return 'everything';
    if (!unit.select(requester)) return 'nothing';
    let low = 0;
    let high = 0;
    for (const input of this.inputs) {
      const rights = unit.selectedRights(input);
      if (rights === 0) continue;
      const place = scramble(input ^ scramble(Math.floor(input / 2 ** 32) + rights));
      const frame = scramble(unit.frame ^ scramble(Math.floor(unit.frame / 2 ** 32) + 1));
      low = scramble(low ^ place) + frame;
      high = scramble(high + frame) ^ place;
    }
    return `${low}:${high}`;
  }
}
