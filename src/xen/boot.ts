import { R, type Rights, W } from '../formats/address.js';
import { PGT, PGT_VALIDATED } from '../formats/x86-page-info.js';
import { enableAmdvi } from './amdvi-context.js';
import { CDF, createDomain } from './domain.js';
import { addDtDevice, assignDtDevice, isProtected } from './dt-assign.js';
import { allocDomainFrame, initHeap, isDomainFrame, ownerOf } from './frames.js';
import { eachDeclaredFrame, hwdomFrameRights } from './hwdom-map.js';
import { iommuMap, mirrors } from './iommu-map.js';
import { allocUnitFrame } from './iommu-tables.js';
import { guestPhysmapAdd } from './memory.js';
import { ofType, typeCount, typeOf } from './page-info.js';
import { pinTable } from './page-table.js';
import { addPci } from './pci-assign.js';
import { initSharedQuarantine } from './quarantine.js';
import { enableSmmuV3 } from './smmuv3-context.js';
import type { Xen } from './state.js';
import { Life } from './tables/domain.js';

/** What dom0 is made of. */
export interface HardwareDomain {
  /** Frames (not indexes) for its memory; PV: any free frames when empty. */
  readonly pages: number;
  /** PV: how many of its pages are page tables that boot made and pinned. */
  readonly pageTables: number;
  /** Names of devices that are not given to dom0 at boot (device tree: `xen,passthrough`). */
  readonly withheld: readonly number[];
  /** Arm: there is none; a domain of the device tree may become the hardware domain. */
  readonly none?: boolean;
}

/** Boots Xen: heap, IOMMU, the hardware domain and its context (dossier §3.6, §9). */
export function boot(xen: Xen, dom0: HardwareDomain): void {
  initHeap(xen);
  xen.domain.life.set(xen.domIo, Life.alive);
  xen.domain.life.set(xen.domXen, Life.alive);
  for (const unit of xen.vtds) unit.enable(allocUnitFrame(xen));
  if (xen.amdvi !== undefined) enableAmdvi(xen);
  if (xen.smmuv3 !== undefined && !enableSmmuV3(xen, xen.smmuv3)) {
    throw new RangeError('the machine has too little memory for its stream table');
  }
  initSharedQuarantine(xen);
  if (dom0.none) return;
  createHardwareDomain(xen, dom0);
  if (xen.spec.arch === 'x86') hwdomInit(xen);
  if (!xen.iommuOn) return;
  for (let device = 0; device < xen.spec.devices.length; device++) {
    if (dom0.withheld.includes(device)) continue;
    if (xen.spec.arch === 'x86') findPci(xen, device);
    else if (!giveToDom0(xen, device)) xen.bug('panic: could not set up dom0');
    // A PCI device is dom0's before the driver looks at it, and stays so when there is no IOMMU in front of it.
    if (xen.spec.arch === 'x86' && xen.unitIndex(device) < 0) xen.device.owner.set(device, 1);
  }
}

/** A node of dom0's device tree: it is added, and assigned if it is behind the IOMMU (dossier §9 item 6). */
export function giveToDom0(xen: Xen, device: number): boolean {
  if (addDtDevice(xen, device) !== 0) return false;
  return !isProtected(xen, device) || assignDtDevice(xen, 0, device) === 0;
}

/** The hardware domain and its memory; on Arm it is mapped 1:1 but for one that the device tree describes. */
export function createHardwareDomain(
  xen: Xen,
  dom0: HardwareDomain,
  directMapped: boolean = xen.spec.arch === 'arm',
): void {
  const arm = xen.spec.arch === 'arm';
  const declared = xen.iommuOn && xen.profile.iommuContext === 'at-creation' ? CDF.iommu : 0;
  const status = createDomain(xen, 0, {
    flags: declared | (arm ? CDF.hvm | CDF.hap : 0),
    iommuOpts: 0,
    maxVcpus: 1,
    maxPages: dom0.pages,
    directMapped,
  });
  if (status !== 0) throw new RangeError('the machine has too little memory for Xen itself to start dom0');
  for (let page = 0; page < dom0.pages; page++) {
    const pdx = allocDomainFrame(xen, 0);
    if (pdx < 0) throw new RangeError(`the machine has too little memory for dom0's ${dom0.pages} pages`);
    // Arm's dom0 is mapped 1:1. A PV dom0's pages do not pass through guest_physmap_add (dossier §3.5).
    if (arm) guestPhysmapAdd(xen, 0, xen.ram.frameAt(pdx), pdx);
    else if (xen.profile.strictHwdomPages === 'all-typed-writable') mapBootAllocation(xen, pdx);
    if (page >= dom0.pages - dom0.pageTables) pinTable(xen, 0, pdx, PGT.l4);
    const isLastTable = dom0.pageTables > 0 && page === dom0.pages - 1;
    // Its type could be written after it had been mapped as a writable page (c1e1564c89).
    if (isLastTable && xen.profile.lastBootTable === 'stays-mapped' && mirrors(xen, 0))
      iommuMap(xen, 0, xen.ram.frameAt(pdx), xen.ram.frameAt(pdx), R | W);
  }
}

/** Since 4.17 each allocation of dom0's is mapped and stamped writable; becoming a page table unmaps it again. */
function mapBootAllocation(xen: Xen, pdx: number): void {
  if (!mirrors(xen, 0)) return;
  const frame = xen.ram.frameAt(pdx);
  if (iommuMap(xen, 0, frame, frame, R | W) === 0) {
    xen.frame.typeInfo.set(pdx, ofType(PGT.writable) | PGT_VALIDATED);
  }
}

/**
 * arch_iommu_hwdom_init for a PV dom0. Strict: its own pages, by the release's test. Relaxed: an identity map of the
 * host's RAM but Xen's own. Either way what the release maps of other memory. Passthrough: nothing, its devices are not
 * translated.
 */
function hwdomInit(xen: Xen): void {
  if (!xen.iommuOn || xen.spec.hwdomMode === 'passthrough') return;
  const strict = xen.spec.hwdomMode === 'strict';
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
    if (!isDomainFrame(xen, pdx)) continue;
    const frame = xen.ram.frameAt(pdx);
    const rights = !strict ? R | W : ownerOf(xen, pdx) === 0 ? hwdomRights(xen, pdx) : 0;
    // Whatever the domain's status: relaxed dom0 had need_iommu 0 up to 4.11 and yet a table.
    if (rights !== 0) iommuMap(xen, 0, frame, frame, rights);
  }
  eachDeclaredFrame(xen, (frame) => {
    const rights = hwdomFrameRights(xen, frame);
    if (rights !== 0) iommuMap(xen, 0, frame, frame, rights);
  });
}

/** iommu_hwdom_init's test for a page of a strict PV dom0 (dossier §3.5, §3.6). */
export function hwdomRights(xen: Xen, pdx: number): Rights {
  const info = xen.frame.typeInfo.get(pdx);
  const type = typeOf(info);
  switch (xen.profile.strictHwdomPages) {
    case 'every-page':
      return typeCount(info) === 0 || type === PGT.writable ? R | W : R;
    case 'writable-or-untyped':
      return type === PGT.writable || type === PGT.none ? R | W : 0;
    case 'typed-by-boot':
    case 'all-typed-writable':
      return type === PGT.writable ? R | W : 0;
  }
}

/**
 * A PCI device that Xen finds when it scans the buses. A hidden one works for the hardware domain, but dom_xen has it, so
 * that it can be given to nobody.
 */
function findPci(xen: Xen, device: number): void {
  const { absent, hidden } = xen.spec.devices[device]!;
  if (absent) xen.device.absent.set(device, 1);
  else addPci(xen, device);
  if (hidden && !absent) xen.device.owner.set(device, xen.domXen + 1);
}
