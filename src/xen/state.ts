import type { AmdviUnit } from '../hardware/amdvi-unit.js';
import type { IommuUnit } from '../hardware/iommu.js';
import { type FrameRange, Ram } from '../hardware/ram.js';
import type { SmmuUnit } from '../hardware/smmu-unit.js';
import type { SmmuV3Unit } from '../hardware/smmuv3-unit.js';
import type { VtdUnit } from '../hardware/vtd-unit.js';
import { Store } from '../store/store.js';
import { Layout } from '../store/table.js';
import { DOMID_INVALID, DOMID_IO, DOMID_XEN, NOBODY } from './domid.js';
import type { Profile } from './editions/behaviours.js';
import { type MachineSpec, streamsOf } from './machine.js';
import { phantomFunctions } from './pci-function.js';
import { callTable, grantCallTable, heldTable, lockTable } from './tables/calls.js';
import { cpuTlbTable, vaTable } from './tables/cpu.js';
import { deviceTable, identityMapTable, smmuContextTable, vtdDomainIdTable } from './tables/device.js';
import { domainTable, Kind, Life } from './tables/domain.js';
import { frameTable, heapTable } from './tables/frame.js';
import { grantCounterTable, grantFrameTable, grantTable, maptrackTable } from './tables/grants.js';
import {
  BUG_NAMES,
  type BugName,
  failureTable,
  hostTable,
  MISDEED_NAMES,
  type MisdeedName,
} from './tables/host.js';
import { planTables } from './tables/plan.js';
import { amdviUnits, hasDriver, smmuUnit, smmuV3Unit, vtdUnits } from './units.js';

/**
 * All state of the hypervisor and its machine, laid out in one store. Frames are addressed by their index among the
 * frames of RAM (Xen's PDX: `pdx` throughout), domains by slot, references to either are kept as index + 1.
 */
export class Xen {
  readonly profile: Profile;
  readonly spec: MachineSpec;
  readonly store: Store;
  readonly layout: Layout;
  readonly ram: Ram;
  /** Slots of dom_io and dom_xen; ordinary domains take the slots below. */
  readonly domIo: number;
  readonly domXen: number;
  readonly slots: number;
  /** Indexes of Xen's own frames: [first, end). */
  readonly xenHeap: { readonly first: number; readonly end: number };

  /** The VT-d units or the AMD-Vi units; no machine has both. */
  readonly vtds: readonly VtdUnit[];
  readonly amdvis: readonly AmdviUnit[];
  /** The first of them, or undefined: what says which kind of IOMMU the machine has. */
  readonly vtd: VtdUnit | undefined;
  readonly amdvi: AmdviUnit | undefined;
  readonly smmu: SmmuUnit | undefined;
  readonly smmuv3: SmmuV3Unit | undefined;
  /** The highest level with superpages that every VT-d unit knows. */
  readonly vtdLeafLevel: number;
  /** Whether writes to tables can be on their way to a unit. */
  private readonly delaysWrites: boolean;
  /** All units, whatever their kind. */
  readonly units: readonly IommuUnit[];
  /** The ids under which each device's accesses arrive: its own first, then those of phantom functions, or other streams. */
  readonly requesters: readonly (readonly number[])[];

  /**
   * Set by a hypercall that needs a lock which another holds. The caller undoes what it did and tries again later; this
   * is a signal within one step, not state.
   */
  blocked = false;

  /** Whether the lock of an active grant entry is held now, by a copy: a signal within one step. */
  grantEntryLocked = false;

  /**
   * How long Xen has been at work without a look whether something else wants the CPU, and whether looks count: not within
   * what insists on being done in one go (preemption.ts). Signals within one step.
   */
  unpreempted = 0;
  preemptible = true;

  readonly frame;
  readonly domain;
  readonly heap;
  readonly grant;
  readonly grantFrame;
  readonly maptrack;
  readonly grantCounter;
  readonly va;
  readonly cpuTlb;
  readonly device;
  /** SMMUv3: the context of each domain that has devices, the driver's record. */
  readonly smmuContext;
  readonly identityMap;
  readonly call;
  readonly grantCall;
  readonly held;
  readonly vtdDomainId;
  readonly lock;
  readonly failure;
  readonly host;

  constructor(profile: Profile, spec: MachineSpec) {
    this.profile = profile;
    this.spec = spec;
    const { limits } = spec;
    this.domIo = limits.domains;
    this.domXen = limits.domains + 1;
    this.slots = limits.domains + 2;
    const ranges: FrameRange[] = [...spec.ram, spec.xenHeap];
    const frames = ranges.reduce((sum, range) => sum + range.count, 0);
    this.store = new Store(Math.ceil((frames * 10) / 1024) + spec.xenHeap.count + 64);
    this.layout = new Layout(this.store);
    this.ram = new Ram(this.store, ranges);
    const first = this.ram.indexOf(spec.xenHeap.base);
    this.xenHeap = { first, end: first + spec.xenHeap.count };

    const plan = planTables(this);
    this.domain = domainTable(plan);
    this.frame = frameTable(plan);
    this.heap = heapTable(plan);
    this.grant = grantTable(plan);
    this.grantFrame = grantFrameTable(plan);
    this.maptrack = maptrackTable(plan);
    this.grantCounter = grantCounterTable(plan);
    this.va = vaTable(plan);
    this.cpuTlb = cpuTlbTable(plan);
    this.device = deviceTable(plan);
    this.identityMap = identityMapTable(plan);
    this.call = callTable(plan);
    this.grantCall = grantCallTable(plan);
    this.held = heldTable(plan);
    this.lock = lockTable(plan);
    this.failure = failureTable(plan);
    this.host = hostTable(plan);

    this.vtds = vtdUnits(this);
    this.vtdDomainId = vtdDomainIdTable(plan);
    this.vtdLeafLevel = Math.min(3, ...this.vtds.map(({ capabilities }) => capabilities.superpageLevel));
    this.delaysWrites = this.vtds.some(({ delayed }) => delayed !== undefined);
    this.vtd = this.vtds[0];
    this.amdvis = amdviUnits(this);
    this.amdvi = this.amdvis[0];
    this.smmu = smmuUnit(this);
    this.smmuv3 = smmuV3Unit(this);
    this.smmuContext = this.smmuv3 && smmuContextTable(plan);
    const smmus = [this.smmu, this.smmuv3].filter((unit) => unit !== undefined);
    this.units = [...this.vtds, ...this.amdvis, ...smmus];
    this.requesters = spec.devices.map((device, index) =>
      spec.arch === 'arm'
        ? streamsOf(device)
        : [device.requester, ...phantomFunctions(this, index).map(({ requester }) => requester)],
    );
  }

  /** Before a step: the signals of the one before mean nothing any more. */
  beginStep(): void {
    this.blocked = false;
    this.unpreempted = 0;
  }

  /**
   * A BUG in Xen: the host is down, and nothing can be done from here on. What led here goes on to its end, as the model
   * has no way to stop half-way, but its outcome means nothing.
   */
  bug(which: BugName): void {
    if (this.host.bug.get(0) === 0) this.host.bug.set(0, BUG_NAMES.indexOf(which));
  }

  /** Notes what Xen did or said and must not have: the first of such things. */
  misdeed(which: MisdeedName): void {
    if (this.host.misdeed.get(0) === 0) this.host.misdeed.set(0, MISDEED_NAMES.indexOf(which));
  }

  /** What was noted, or undefined. */
  get hostMisdeed(): MisdeedName | undefined {
    const misdeed = this.host.misdeed.get(0);
    return misdeed === 0 ? undefined : (MISDEED_NAMES[misdeed] as MisdeedName);
  }

  /** iommu_dont_flush_iotlb: set while a batch changes many entries and will flush for all of them (dossier §4.4). */
  get dontFlushIotlb(): boolean {
    return this.host.flushesSuppressed.get(0) !== 0;
  }
  set dontFlushIotlb(suppressed: boolean) {
    this.host.flushesSuppressed.set(0, suppressed ? 1 : 0);
  }

  /** Offset at which the search for a quarantined device's domain id goes on (quarantine.ts). */
  get nextPseudoDomid(): number {
    return this.host.nextPseudoDomid.get(0);
  }
  set nextPseudoDomid(index: number) {
    this.host.nextPseudoDomid.set(0, index);
  }

  /** Milliseconds since boot, as far as the program lets time pass. */
  get now(): number {
    return this.host.now.get(0);
  }
  set now(ms: number) {
    this.host.now.set(0, ms);
  }

  /** The page of zeros that quarantined devices read, by index, or -1 where there is none. */
  get quarantinePage(): number {
    return this.host.quarantinePage.get(0) - 1;
  }
  set quarantinePage(pdx: number) {
    this.host.quarantinePage.set(0, pdx + 1);
  }

  /** Whether a BUG has brought the host down. */
  get isDown(): boolean {
    return this.host.bug.get(0) !== 0;
  }

  /** The BUG that brought the host down, or undefined. */
  get hostBug(): BugName | undefined {
    const bug = this.host.bug.get(0);
    return bug === 0 ? undefined : (BUG_NAMES[bug] as BugName);
  }

  /** The machine's IOMMU, the first where there are several, or undefined when it has none. */
  get unit(): IommuUnit | undefined {
    return this.units[0];
  }

  /** The IOMMU that a device is behind, or undefined: then whatever the device sends passes. */
  unitOf(device: number): IommuUnit | undefined {
    return this.units[this.unitIndex(device)];
  }

  /**
   * Writes an entry of an IOMMU table or p2m, which some VT-d units do not see at once: until their buffer is drained, or,
   * for a unit that does not snoop caches, until the entry's cache line is written back. `synced` tells that Xen does so
   * right away (iommu_sync_cache).
   */
  writeTableEntry(pa: number, lo: number, hi: number, synced: boolean): void {
    if (this.delaysWrites) for (const vtd of this.vtds) vtd.noteWrite(pa, 8);
    this.ram.write32(pa, lo);
    this.ram.write32(pa + 4, hi);
    if (this.delaysWrites && synced) for (const vtd of this.vtds) vtd.syncCache(pa, 8);
  }

  /** Its number among the machine's units, or -1. */
  unitIndex(device: number): number {
    return this.spec.devices[device]!.unit ?? 0;
  }

  /**
   * The slot of a domain by its domid, alive or not, or -1. Ordinary domains stand in the slot of their domid;
   * {@link NOBODY} is DOMID_INVALID's.
   */
  slotOf(domid: number): number {
    if (domid === DOMID_INVALID) return NOBODY;
    const slot = domid === DOMID_IO ? this.domIo : domid === DOMID_XEN ? this.domXen : domid;
    return slot < this.slots && this.domain.life.get(slot) !== Life.absent ? slot : -1;
  }

  domidOf(slot: number): number {
    if (slot === NOBODY) return DOMID_INVALID;
    return slot === this.domIo ? DOMID_IO : slot === this.domXen ? DOMID_XEN : slot;
  }

  /** `d1`, `d[IO]`, as Xen's %pd prints it. */
  domainName(slot: number): string {
    if (slot === this.domIo) return 'd[IO]';
    if (slot === this.domXen) return 'd[XEN]';
    return `d${slot}`;
  }

  /** The MFN of a frame index, in hexadecimal. */
  frameName(pdx: number): string {
    return pdx >= 0 && pdx < this.ram.frames ? `0x${this.ram.frameAt(pdx).toString(16)}` : `frame ${pdx}`;
  }

  isTranslated(slot: number): boolean {
    const kind = this.domain.kind.get(slot);
    return kind === Kind.hvm || kind === Kind.arm;
  }

  /** Whether any domain, dom0 included, is translated. */
  get hasTranslatedDomains(): boolean {
    for (let slot = 0; slot < this.domIo; slot++) if (this.isTranslated(slot)) return true;
    return false;
  }

  /** An ordinary domain that a domid leads to: alive, dying or a zombie. */
  exists(slot: number): boolean {
    return slot >= 0 && slot < this.domIo && this.domain.life.get(slot) !== Life.absent;
  }

  /** is_dying: from the beginning of a domain's destruction until it vanishes. */
  isDying(slot: number): boolean {
    return this.domain.life.get(slot) > Life.alive;
  }

  isPv(slot: number): boolean {
    return this.domain.kind.get(slot) === Kind.pv;
  }

  /** The hardware domain is dom0, in slot 0. */
  isHardwareDomain(slot: number): boolean {
    return slot === 0;
  }

  get iommuOn(): boolean {
    return hasDriver(this.profile, this.spec.iommu);
  }
}
