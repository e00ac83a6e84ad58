import type { Rights } from '../../formats/address.js';
import { R, rightsText, W } from '../../formats/address.js';
import { ARM_STAGE2, stage2Under } from '../../formats/arm-stage2.js';
import { type MappedRange, walkAll } from '../../formats/walk-all.js';
import { deviceOwner } from '../../xen/devices.js';
import { ruling } from '../../xen/rule.js';
import { GROUNDS, groundOf, rightsOf } from '../../xen/ruling.js';
import type { Xen } from '../../xen/state.js';
import { ownerText } from '../path/destination.js';

/** Consecutive frames that a device reaches in the same way. */
export interface ReachRun {
  /** The first frame of the addresses that the device uses (dfn), and how many. */
  readonly input: number;
  readonly count: number;
  /** The frame to which the first leads (mfn); -1 where `like` says it. */
  readonly frame: number;
  /** All of them lead to that one frame. */
  readonly oneFrame: boolean;
  /** They lead where as many from this one on lead: the same table stands behind both. */
  readonly like?: number;
  readonly rights: string;
  readonly owner: string;
  /** What the device may not, by the rule, and on what ground: `-w: …`. */
  readonly forbidden?: string;
}

/** All that a requester of a device reaches by the tables in memory. */
export interface Reach {
  /** `everything`: nothing is translated. */
  readonly kind: 'everything' | 'nothing' | 'ranges';
  readonly why: string;
  readonly runs: readonly ReachRun[];
  /** Frames of addresses, and how many of them lead where the rule does not permit it. */
  readonly pages: number;
  readonly forbidden: number;
}

/** Stage 2 as Xen sets SMMUs to it: what has a clear access flag is not reached. */
const STAGE2 = stage2Under({ outputBits: 48, accessFlagFaults: true, hardwareDirty: false });

/** Tables that are read for it, at most: those of 8 GiB in 4 KiB pages. */
const MAX_TABLES = 1 << 12;

const none = (kind: Reach['kind'], why: string): Reach => ({ kind, why, runs: [], pages: 0, forbidden: 0 });

/** What a requester of a device reaches. Depends on words of the store alone. */
export function reachRuns(xen: Xen, device: number, requester: number): Reach {
  const unit = xen.unitOf(device);
  if (unit === undefined || requester < 0) return none('everything', 'no IOMMU is in front of it');
  if (!unit.select(requester)) return none('nothing', 'the unit has no tables for it that it could use');
  const tree = unit.selectedTree;
  if (tree === undefined) return none('everything', 'its accesses pass untranslated');
  const slot = deviceOwner(xen, device);
  const format = tree.format === ARM_STAGE2 ? STAGE2 : tree.format;
  const runs = new Runs(xen, slot);
  const { complete, pages } = walkAll(
    format,
    tree.source,
    tree.root,
    tree.shape,
    (range) => runs.add(range),
    {
      maxTables: MAX_TABLES,
    },
  );
  const why = complete ? '' : 'there are more tables than are looked at here';
  return {
    kind: pages === 0 ? 'nothing' : 'ranges',
    why,
    runs: runs.done(),
    pages,
    forbidden: runs.forbidden,
  };
}

interface Open {
  input: number;
  count: number;
  frame: number;
  oneFrame: boolean;
  like: number;
  rights: Rights;
  owner: string;
  excess: Rights;
  ground: string;
}

/** Puts together what is alike. */
class Runs {
  forbidden = 0;
  private readonly xen: Xen;
  private readonly slot: number;
  private readonly runs: ReachRun[] = [];
  private open: Open | undefined;

  constructor(xen: Xen, slot: number) {
    this.xen = xen;
    this.slot = slot;
  }

  add({ input, frame, count, rights: all, shared }: MappedRange): void {
    const rights = all & (R | W);
    if (shared !== undefined) {
      const like = { frame: -1, oneFrame: false, like: shared.input, owner: '', excess: 0, ground: '' };
      this.put({ input, count, rights, ...like });
      return;
    }
    if (rights === 0) return;
    for (let i = 0; i < count; i++) this.page(input + i, frame + i, rights);
  }

  private page(input: number, frame: number, rights: Rights): void {
    const { xen, slot } = this;
    const answer = slot < 0 ? undefined : ruling(xen, slot, input, frame);
    const excess = answer === undefined ? rights : rights & ~rightsOf(answer);
    const said = answer === undefined ? 'it belongs to nobody' : GROUNDS[groundOf(answer)];
    const ground = excess === 0 ? '' : said;
    if (excess !== 0) this.forbidden++;
    const owner = ownerText(xen, frame);
    this.put({ input, count: 1, frame, oneFrame: false, like: -1, rights, owner, excess, ground });
  }

  private put(next: Open): void {
    const { open } = this;
    if (open === undefined || !this.goesOn(open, next)) {
      this.close();
      this.open = next;
      return;
    }
    if (open.count === 1 && next.count === 1 && next.frame === open.frame && next.frame >= 0)
      open.oneFrame = true;
    open.count += next.count;
  }

  private goesOn(open: Open, next: Open): boolean {
    const alike =
      next.input === open.input + open.count &&
      next.rights === open.rights &&
      next.owner === open.owner &&
      next.excess === open.excess &&
      next.ground === open.ground;
    if (!alike) return false;
    if (next.frame < 0 || open.frame < 0) return next.frame === open.frame && next.like === open.like;
    if (open.count === 1) return next.frame === open.frame || next.frame === open.frame + 1;
    return next.frame === (open.oneFrame ? open.frame : open.frame + open.count);
  }

  private close(): void {
    const { open } = this;
    if (open === undefined) return;
    const { input, count, frame, oneFrame, like, rights, owner, excess, ground } = open;
    this.runs.push({
      input,
      count,
      frame,
      oneFrame,
      rights: rightsText(rights),
      owner,
      ...(like >= 0 && { like }),
      ...(excess !== 0 && { forbidden: `${rightsText(excess)}: ${ground}` }),
    });
  }

  done(): readonly ReachRun[] {
    this.close();
    this.open = undefined;
    return this.runs;
  }
}
