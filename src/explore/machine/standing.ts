import { R, type Rights, W } from '../../formats/address.js';
import { ARM_STAGE2 } from '../../formats/arm-stage2.js';
import { FOUR_LEVELS, Walker, WalkStatus } from '../../formats/radix.js';
import { VTD_SECOND_LEVEL } from '../../formats/vtd.js';
import { SMMU_SHAPE } from '../../hardware/smmu-unit.js';
import { deviceCount, deviceOwner } from '../../xen/devices.js';
import { handleRights } from '../../xen/grant-iommu.js';
import { reservesFrame } from '../../xen/identity-map.js';
import { unreachedReserved } from '../../xen/invariants/devices.js';
import { foreignFrame, identityRights, owesIdentity } from '../../xen/invariants/grants.js';
import { differsFromP2m, hasLivingP2m, isBoundByP2m } from '../../xen/invariants/p2m.js';
import { differsFromType, isBoundByType, typedRights } from '../../xen/invariants/types.js';
import { isConstructed, mirrors, sharesP2m } from '../../xen/iommu-map.js';
import { ownTree, type TreeKind } from '../../xen/iommu-tables.js';
import { p2mDeviceRights, p2mLookup, p2mRights, p2mTree, p2mType } from '../../xen/p2m.js';
import { P2mType } from '../../xen/p2m-types.js';
import { isBoundByTypes, isUntranslatedHwdom, ruling } from '../../xen/rule.js';
import { type Ground, groundOf, rightsOf } from '../../xen/ruling.js';
import type { Xen } from '../../xen/state.js';

/** In what the views of a domain's memory disagree at an input frame; bits. */
export const Sign = {
  /** Devices lack what they are to have: they fault. */
  missing: 1,
  /** Devices have what the rule does not permit. */
  excess: 2,
  /** The tables say something else than what they are to follow. */
  differs: 4,
  /** An IOMMU remembers what the tables do not say any more. */
  stale: 8,
  /** Devices will have it when the context is built: no disagreement yet. */
  pending: 16,
} as const;
export type SignName = keyof typeof Sign;

/** Those that are disagreements. */
export const DISAGREES = Sign.missing | Sign.excess | Sign.differs | Sign.stale;

/** What gives devices a right that they are to have. */
export type Owing = 'type' | 'p2m' | 'grant' | 'reserved';

const SHARED_X86: TreeKind = { format: VTD_SECOND_LEVEL, shape: FOUR_LEVELS };
const SHARED_ARM: TreeKind = { format: ARM_STAGE2, shape: SMMU_SHAPE };

/** The tables that stand for a domain in its IOMMU: its own, or the p2m as the IOMMU reads it. Frame -1: there are none. */
export function deviceTree(xen: Xen, slot: number): TreeKind {
  if (!sharesP2m(xen, slot)) return ownTree(xen, slot);
  return xen.spec.arch === 'arm' ? SHARED_ARM : SHARED_X86;
}

/** Frame of their root, or -1. */
export function deviceRoot(xen: Xen, slot: number): number {
  const { iommuRoot, p2mRoot } = xen.domain;
  const root = (sharesP2m(xen, slot) ? p2mRoot : iommuRoot).get(slot);
  return root === 0 ? -1 : xen.ram.frameAt(root - 1);
}

/** Frame of the root of a domain's p2m, or -1. */
export function p2mRootFrame(xen: Xen, slot: number): number {
  const root = xen.domain.p2mRoot.get(slot);
  return root === 0 ? -1 : xen.ram.frameAt(root - 1);
}

/**
 * How an input frame of a domain stands: what its CPUs have there, what its devices, what the one rule permits, and in
 * what they disagree. All rules are those of the hypervisor and of the invariants; here they are asked about one page.
 * The last answer stands in fields.
 */
export class Standing {
  private readonly xen: Xen;
  private readonly walkers = new Map<TreeKind['format'], Walker>();
  /** Where devices get from the input frame, or -1; with which rights; the entry that decides, and its level. */
  iommuFrame = -1;
  iommuRights: Rights = 0;
  iommuEntry = -1;
  iommuLevel = 1;
  /** The same of CPUs: through the p2m; a PV domain's frames are the machine's. */
  cpuFrame = -1;
  cpuRights: Rights = 0;
  cpuEntry = -1;
  cpuLevel = 1;
  cpuType = 0;
  /** What the rule permits of the frame that devices get to, or else CPUs, and on what ground; none where there is no frame. */
  permitted: Rights = 0;
  ground: Ground | undefined = undefined;
  /** What devices lack, and why they are to have it. */
  lacking: Rights = 0;
  owing: Owing = 'type';
  /** Bits of {@link Sign}. */
  signs = 0;
  /** The frame that the input frame is about: where devices get to, or else CPUs, or else the one that devices are owed. */
  frame = -1;

  constructor(xen: Xen) {
    this.xen = xen;
  }

  look(slot: number, input: number): void {
    const { xen } = this;
    this.signs = 0;
    this.lacking = 0;
    this.lookAtTables(slot, input);
    this.lookAtCpu(slot, input);
    const frame = this.iommuRights === 0 ? this.cpuFrame : this.iommuFrame;
    this.frame = frame;
    const answer = frame < 0 ? undefined : ruling(xen, slot, input, frame);
    this.permitted = answer === undefined ? 0 : rightsOf(answer);
    this.ground = answer === undefined ? undefined : groundOf(answer);
    if (isUntranslatedHwdom(xen, slot)) return;
    const inUse = !xen.isDying(slot) || deviceCount(xen, slot) > 0;
    if (inUse && (this.iommuRights & ~this.permitted) !== 0) this.signs |= Sign.excess;
    if (xen.isTranslated(slot)) this.holdAgainstP2m(slot, input);
    else this.holdAgainstType(slot, input);
    this.holdAgainstGrants(slot, input);
    if (xen.spec.reserved.length !== 0 && reservesFrame(xen, slot, input))
      this.holdAgainstReserved(slot, input);
  }

  private walker(tree: TreeKind): Walker {
    let walker = this.walkers.get(tree.format);
    if (walker === undefined) this.walkers.set(tree.format, (walker = new Walker(tree.format, this.xen.ram)));
    return walker;
  }

  private lookAtTables(slot: number, input: number): void {
    const { xen } = this;
    const root = deviceRoot(xen, slot);
    this.iommuFrame = -1;
    this.iommuRights = 0;
    this.iommuEntry = -1;
    if (root < 0) return;
    const tree = deviceTree(xen, slot);
    const walker = this.walker(tree);
    const mapped = walker.walk(root, tree.shape, input) === WalkStatus.OK;
    this.iommuRights = mapped ? walker.rights & (R | W) : 0;
    this.iommuFrame = mapped ? walker.frame : -1;
    this.iommuEntry = walker.entryAddress;
    this.iommuLevel = walker.level;
  }

  private lookAtCpu(slot: number, input: number): void {
    const { xen } = this;
    this.cpuEntry = -1;
    this.cpuType = P2mType.invalid;
    if (!xen.isTranslated(slot)) {
      this.cpuFrame = input;
      this.cpuRights = 0;
      return;
    }
    this.cpuFrame = p2mLookup(xen, slot, input);
    this.cpuRights = p2mRights(xen, slot, input);
    this.cpuType = p2mType(xen, slot, input);
    const root = p2mRootFrame(xen, slot);
    if (root < 0) return;
    const tree = p2mTree(xen, slot);
    const walker = this.walker(tree);
    walker.walk(root, tree.shape, input);
    this.cpuEntry = walker.entryAddress;
    this.cpuLevel = walker.level;
  }

  private lacks(rights: Rights, owing: Owing): void {
    if (rights === 0) return;
    this.signs |= Sign.missing;
    this.lacking |= rights;
    this.owing = owing;
  }

  /** A PV domain's own page: the canonical rule. */
  private holdAgainstType(slot: number, input: number): void {
    const { xen, iommuRights } = this;
    const pdx = xen.ram.indexOf(input);
    if (pdx < 0) return;
    if (isBoundByTypes(xen, slot)) {
      if (!differsFromType(xen, slot, pdx)) return;
      this.lacks(typedRights(xen, pdx) & ~iommuRights, 'type');
      if ((iommuRights & ~typedRights(xen, pdx)) !== 0) this.signs |= Sign.differs;
    } else if (this.isBeingBuilt(slot) && isBoundByType(xen, slot, pdx)) {
      if ((typedRights(xen, pdx) & ~iommuRights) !== 0) this.signs |= Sign.pending;
    }
  }

  private isBeingBuilt(slot: number): boolean {
    const { xen } = this;
    return mirrors(xen, slot) && !isConstructed(xen, slot) && !xen.isDying(slot);
  }

  /** A translated domain's: what mirrors the p2m, or is it, says what it says. */
  private holdAgainstP2m(slot: number, input: number): void {
    const { xen, iommuRights, iommuFrame, cpuFrame } = this;
    const mirror = isBoundByP2m(xen, slot);
    const shared = !mirror && sharesP2m(xen, slot) && hasLivingP2m(xen, slot);
    const wanted = mirror || shared || this.isBeingBuilt(slot) ? p2mDeviceRights(xen, slot, input) : 0;
    if (mirror ? differsFromP2m(xen, slot, input) : shared && iommuRights !== wanted) {
      this.lacks(wanted & ~iommuRights, 'p2m');
      if ((iommuRights & ~wanted) !== 0) this.signs |= Sign.differs;
    }
    const elsewhere = iommuRights !== 0 && wanted !== 0 && iommuFrame !== cpuFrame;
    if (elsewhere && (mirror || shared)) this.signs |= Sign.differs;
    if (!mirror && !shared && (wanted & ~iommuRights) !== 0) this.signs |= Sign.pending;
  }

  /** Another's page that the domain has mapped through a grant, where its devices are to reach it at its machine address. */
  private holdAgainstGrants(slot: number, input: number): void {
    const { xen } = this;
    if (!owesIdentity(xen, slot)) return;
    const pdx = xen.ram.indexOf(input);
    if (pdx < 0 || !hasMappedForeign(xen, slot, pdx)) return;
    this.lacks(handleRights(xen, slot, -1, pdx) & ~identityRights(xen, slot, input), 'grant');
    if (this.frame < 0) this.frame = input;
  }

  /** What firmware needs, device by device. */
  private holdAgainstReserved(slot: number, input: number): void {
    const { xen } = this;
    for (const { range, devices, rights } of xen.spec.reserved) {
      if (input < range.base || input >= range.base + range.count) continue;
      for (const device of devices) {
        if (deviceOwner(xen, device) !== slot) continue;
        if (unreachedReserved(xen, device, input, rights) !== undefined)
          this.lacks(rights & ~this.iommuRights || rights, 'reserved');
      }
    }
  }
}

/** Whether a handle of the domain's lives for a page that another has granted it. */
function hasMappedForeign(xen: Xen, slot: number, pdx: number): boolean {
  const { handles } = xen.spec.limits;
  for (let row = slot * handles; row < (slot + 1) * handles; row++)
    if (foreignFrame(xen, slot, row) === pdx) return true;
  return false;
}
