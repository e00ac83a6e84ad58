import { createHardwareDomain, giveToDom0, type HardwareDomain } from './boot.js';
import { CDF, createDomain } from './domain.js';
import { addDtDevice, assignDtDevice, isProtected } from './dt-assign.js';
import { allocDomainFrame, isDomainFrame, isFree, takeFrame } from './frames.js';
import { guestPhysmapAdd } from './memory.js';
import type { Xen } from './state.js';
import type { BugName } from './tables/host.js';

/** A node below /chosen that describes a domain which Xen makes when it boots (dom0less; dossier §2.6, end). */
export interface BootDomain {
  /** The property `passthrough`, where there is one. */
  readonly passthrough: 'enabled' | 'disabled' | undefined;
  /** A partial device tree comes with it (`multiboot,device-tree`). */
  readonly module: boolean;
  /** First frame of its static memory (`xen,static-mem`), or -1. */
  readonly staticMemory: number;
  readonly directMap: boolean;
  /** Capability “hardware”. */
  readonly hardware: boolean;
  readonly pages: number;
  /** A device of the partial device tree (`xen,path`), or -1. */
  readonly device: number;
  /** `xen,force-assign-without-iommu` for it. */
  readonly force: boolean;
}

/** Xen is not of the kind that makes such domains: the node is not looked at. */
export const IGNORED = -1;
/** Xen gave up booting; what it said is the host's BUG. */
export const PANIC = -2;

/** Guest frame where the memory of a domain begins that is not direct-mapped (GUEST_RAM0_BASE). */
const GUEST_RAM = 0x40000;

/** Makes the domain: its slot, or {@link IGNORED} or {@link PANIC}. */
export function makeBootDomain(xen: Xen, node: BootDomain): number {
  const { bootDomains, bootStaticMemory, armDirectMap } = xen.profile;
  if (bootDomains === 'none') return IGNORED;
  const hardware = node.hardware && bootDomains === 'capabilities';
  const isStatic = node.staticMemory >= 0 && bootStaticMemory === 'known';
  const directMap = node.directMap && armDirectMap === 'flag';
  const panic = panicOf(xen, node, hardware, isStatic, directMap);
  if (panic !== undefined) return giveUp(xen, panic);
  if (hardware) return makeHardwareDomain(xen, node, directMap);
  const slot = createDomain(xen, -1, {
    flags: CDF.hvm | CDF.hap | (wantsContext(xen, node) ? CDF.iommu : 0),
    iommuOpts: 0,
    maxVcpus: 1,
    maxPages: node.pages,
    directMapped: directMap,
  });
  const made =
    slot >= 0 &&
    (isStatic ? giveStaticMemory(xen, slot, node, directMap) : giveMemory(xen, slot, node.pages)) &&
    passThrough(xen, slot, node);
  return made ? slot : giveUp(xen, 'panic: a domain of the device tree could not be made');
}

function giveUp(xen: Xen, what: BugName): number {
  xen.bug(what);
  return PANIC;
}

/** What Xen does not accept of a node, in the order in which it looks. (common/device-tree/dom0less-bindings.c) */
function panicOf(
  xen: Xen,
  { passthrough, module }: BootDomain,
  hardware: boolean,
  isStatic: boolean,
  directMap: boolean,
): BugName | undefined {
  if (hardware && xen.exists(0)) return 'panic: a second hardware domain';
  if (directMap && !isStatic) return 'panic: direct-map without static memory';
  if (!hardware) return undefined;
  if (passthrough !== undefined) return 'panic: passthrough said of the hardware domain';
  if (!directMap && !xen.iommuOn) return 'panic: hardware domain neither direct-mapped nor behind an IOMMU';
  return module ? 'panic: a device tree module for the hardware domain' : undefined;
}

/**
 * Whether the domain gets an IOMMU context. From 4.13 on for a partial device tree, up to 4.16 also where there is no
 * IOMMU, which createdomain refuses; since 4.19 for the property, too.
 */
function wantsContext(xen: Xen, { passthrough, module }: BootDomain): boolean {
  switch (xen.profile.bootDomains) {
    case 'none':
    case 'without-context':
      return false;
    case 'module':
      return module;
    case 'module-with-iommu':
      return module && xen.iommuOn;
    case 'property':
    case 'capabilities':
      return (module || passthrough === 'enabled') && xen.iommuOn;
  }
}

/** The hardware domain of a machine that has no dom0 otherwise: it gets dom0's number here, and dom0's devices. */
function makeHardwareDomain(xen: Xen, { pages, staticMemory }: BootDomain, directMap: boolean): number {
  const withheld = xen.spec.devices.flatMap(({ withheld }, device) => (withheld ? [device] : []));
  const dom0: HardwareDomain = { pages: 0, pageTables: 0, withheld };
  createHardwareDomain(xen, dom0, directMap);
  xen.domain.maxPages.set(0, pages);
  const filled = directMap
    ? giveStaticMemory(xen, 0, { pages, staticMemory }, true)
    : giveMemory(xen, 0, pages);
  const devices = xen.iommuOn ? [...xen.spec.devices.keys()].filter((at) => !withheld.includes(at)) : [];
  const made = filled && devices.every((device) => giveToDom0(xen, device));
  return made ? 0 : giveUp(xen, 'panic: could not set up dom0');
}

function giveMemory(xen: Xen, slot: number, pages: number): boolean {
  for (let page = 0; page < pages; page++) {
    const pdx = allocDomainFrame(xen, slot);
    if (pdx < 0 || guestPhysmapAdd(xen, slot, GUEST_RAM + page, pdx) !== 0) return false;
  }
  return true;
}

/** Static memory: the frames that the node names, at their own guest frames when direct-mapped (§9 item 1). */
function giveStaticMemory(
  xen: Xen,
  slot: number,
  { pages, staticMemory }: Pick<BootDomain, 'pages' | 'staticMemory'>,
  directMap: boolean,
): boolean {
  for (let page = 0; page < pages; page++) {
    const pdx = xen.ram.indexOf(staticMemory + page);
    if (!isDomainFrame(xen, pdx) || !isFree(xen, pdx)) return false;
    takeFrame(xen, pdx, slot);
    const gfn = directMap ? staticMemory + page : GUEST_RAM + page;
    if (guestPhysmapAdd(xen, slot, gfn, pdx) !== 0) return false;
  }
  return true;
}

/** handle_passthrough_prop, without the device's registers: one that nobody protects needs to be forced (§9 item 6). */
function passThrough(xen: Xen, slot: number, { module, device, force }: BootDomain): boolean {
  const looked = xen.profile.bootDomains !== 'without-context' && module && device >= 0;
  if (!looked) return true;
  if (addDtDevice(xen, device) !== 0) return false;
  if (force && !isProtected(xen, device)) return true;
  return assignDtDevice(xen, slot, device) === 0;
}
