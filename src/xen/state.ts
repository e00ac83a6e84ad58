import { GRANT_MAP_FLAGS, GRANT_PINS } from '../formats/grant-v1.js';
import { AmdviUnit } from '../hardware/amdvi-unit.js';
import type { IommuUnit } from '../hardware/iommu.js';
import { type FrameRange, Ram } from '../hardware/ram.js';
import { SmmuUnit } from '../hardware/smmu-unit.js';
import { SmmuV3Unit } from '../hardware/smmuv3-unit.js';
import { VtdUnit } from '../hardware/vtd-unit.js';
import { Store } from '../store/store.js';
import { decimal, enumeration, flag, hex, Layout, naming, optional } from '../store/table.js';
import { STEP_NAMES } from './calls/steps.js';
import type { Profile } from './editions/behaviours.js';
import { FAILURES } from './failures.js';
import { hostEntryText } from './host-entry.js';
import { laidOut } from './laid-out.js';
import { deviceTableEntries, type IommuSpec, type MachineSpec, streamsOf } from './machine.js';
import { COUNT_INFO, TYPE_INFO } from './page-info.js';
import { phantomFunctions } from './pci-function.js';

/** What a domain is. PV sees machine frames; HVM (and PVH) and Arm domains are translated by a p2m. */
export const Kind = { pv: 1, hvm: 2, arm: 3 } as const;
export const KIND_NAMES = ['none', 'pv', 'hvm', 'arm'];

/**
 * Life of a domain. `dying`: its destruction has begun; `dead`: it has ended, but others still hold pages of it (a
 * zombie). When the last is given back it is absent again (dossier §6.6).
 */
export const Life = { absent: 0, alive: 1, dying: 2, dead: 3 } as const;

/** Status of a domain's IOMMU tables (dossier §1.2). */
export const IommuStatus = { disabled: 0, initializing: 1, initialized: 2 } as const;

export const DOMID_IO = 0x7ff1;
export const DOMID_XEN = 0x7ff2;
/** The domid that no domain has; test_assign_device takes it to ask for no domain in particular. */
export const DOMID_INVALID = 0x7ff4;
/** What stands for a slot where {@link DOMID_INVALID} is named. */
export const NOBODY = -2;

/** Ways for Xen to go down that the model knows. */
const BUG_NAMES = [
  'none',
  'page count underflow',
  'type count underflow',
  'freed with type references',
  'grant counter underflow',
  'no domain where one is looked at',
  'grant pin underflow',
  'DMAR hardware is malfunctional',
  'no SMMU context where one is looked at',
  'panic: could not set up dom0',
  'panic: a domain of the device tree could not be made',
  'panic: a second hardware domain',
  'panic: direct-map without static memory',
  'panic: passthrough said of the hardware domain',
  'panic: hardware domain neither direct-mapped nor behind an IOMMU',
  'panic: a device tree module for the hardware domain',
  'IOMMU map hook for no direct-mapped domain',
  'a device that does not leave is tried for ever',
  'type reference dropped before validation',
  'a page where there is no memory',
  'a shared frame freed with references',
  'a page on a list twice',
  'a free page is freed',
  'fewer guest frames wait for a page than none',
  'a context entry is switched back and forth for ever',
] as const;
/** States of tables that hardware must never meet, however short they are. */
export const GLIMPSE_NAMES = [
  'none',
  'a table that maps otherwise than the page it took the place of',
  'a table that was given back while an entry still led to it',
  'an entry with the frame of one mapping and the rights of another',
] as const;
export type Glimpse = Exclude<(typeof GLIMPSE_NAMES)[number], 'none'>;

export type BugName = Exclude<(typeof BUG_NAMES)[number], 'none'>;

/** What Xen did or said and must not have, where no other state shows it afterwards. */
const MISDEED_NAMES = [
  'none',
  'a map that failed was answered as if it had succeeded',
  'a copy wrote a page that it did not hold as writable',
  'a copy that was not made was answered as if it had been',
  'a grant entry is locked while another is',
  'pages that were moved are not where they were to go',
  'a frame that was to be where it is has gone from there',
  'a page that was given is not where it was to be',
  'Xen wrote for a guest what the guest may only read',
] as const;
export type MisdeedName = Exclude<(typeof MISDEED_NAMES)[number], 'none'>;

/** Whether this Xen has a driver for the machine's IOMMU. One without a driver stays as it was reset: all passes. */
const hasDriver = (profile: Profile, { kind }: IommuSpec): boolean =>
  kind !== 'none' && (kind !== 'smmuv3' || profile.smmuV3Driver === 'present');

/**
 * Which list a page of a domain is on (only where contexts are built late, dossier §1.3). `xen`: a freed frame that is
 * still on a domain's list of pages that Xen shares with it, where none should be (XSA-26); those that are shared are on it
 * without saying so.
 */
export const List = { none: 0, pages: 1, relinquished: 2, xen: 3 } as const;

/** Pages that a batch of moves may hold until it has flushed (5777a3742d9b). */
export const HELD_PAGES = 16;

const WORD_NAMES = { hex, decimal, flag };

/** How a unit is called: the first as if it were the only one. */
export const unitName = (kind: string, unit: number): string => (unit === 0 ? kind : `${kind} ${unit}`);

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

    const { hex, decimal, flag } = WORD_NAMES;
    // What words name, and what rows are, is said here once, as data: symmetry/ reads it.
    const domainName = naming('slot', { show: (slot) => this.domainName(slot) });
    const frameName = naming('frame', { show: (pdx) => this.frameName(pdx) });
    const callName = naming('call', { show: (call) => this.domainName(Math.floor(call / limits.calls)) });
    const deviceName = naming('device', { show: (row) => spec.devices[row]?.name ?? String(row) });
    const hostEntry = naming('host entry', {
      show: (entry) => hostEntryText(entry, (pdx) => this.frameName(pdx)),
    });
    const slots = { kind: 'slot', count: this.slots };
    const domains = { kind: 'slot', count: limits.domains };
    const ofDomain = (rows: number, what: string) => (row: number) =>
      `${this.domainName(Math.floor(row / rows))} ${what} ${row % rows}`;

    this.domain = this.layout.table(
      'domain',
      this.slots,
      {
        life: enumeration(Object.keys(Life)),
        kind: enumeration(KIND_NAMES),
        hap: flag,
        /** CDF_iommu, as createdomain was given it. */
        cdfIommu: flag,
        iommuOpts: hex,
        directMapped: flag,
        iommuStatus: enumeration(['disabled', 'initializing', 'initialized']),
        needSync: flag,
        share: flag,
        iommuRoot: optional(frameName),
        /** VT-d: the units that the domain has devices behind, a bit each; no other is flushed. */
        iommuBitmap: hex,
        /** AMD-Vi: levels to which the domain's tables have grown; 0 while they are as many as they began with. */
        iommuLevels: decimal,
        p2mRoot: optional(frameName),
        /** The first shared frame of its grant table; the others, and status frames, are in the table grantFrame. */
        grantFrame: optional(frameName),
        moreGrantFrames: decimal,
        statusFrames: decimal,
        grantVersion: enumeration(['v1', 'v2']),
        /** The highest version that set_version gives it; 0 is what the host allows. */
        maxGrantVersion: decimal,
        /** The shared_info page, once it was asked for. */
        sharedInfo: optional(frameName),
        /** PV: the L4 tables its vCPU runs on, and its descriptors. */
        baseptr: optional(frameName),
        userBaseptr: optional(frameName),
        gdt: optional(frameName),
        /** PV: the L1 table below entry 0 of each, as its CPU remembers it (linear-mapping.ts). */
        linearTable: optional(frameName),
        /** PV: it runs in 32 bits, on an L3 table. */
        compat: flag,
        totPages: decimal,
        maxPages: decimal,
        /** Log-dirty mode (exclusions.ts): what it, paging, sharing and populate-on-demand exclude is devices. */
        logDirty: enumeration(['off', 'shadow', 'global']),
        pagingEnabled: flag,
        sharingEnabled: flag,
        /** Guest frames that are populated on demand. */
        podEntries: decimal,
        /** Pages that wait for them (pod.ts), and whether there ever were any. */
        podPages: decimal,
        podUsed: flag,
        /** The frame in which log-dirty mode notes pages, as long as it is on. */
        logDirtyFrame: optional(frameName),
        listHead: optional(frameName),
        listTail: optional(frameName),
        relinquishedHead: optional(frameName),
        relinquishedTail: optional(frameName),
        /** The hypercall that holds the page-allocation lock. */
        pageAllocLock: optional(callName),
        /** The hypercall that holds the lock of its grant table. */
        grantLock: optional(callName),
        /** While it dies: the stage of its destruction that comes next. */
        teardown: enumeration(STEP_NAMES),
        /** Pages below this one are given back at this stage. */
        teardownPage: hex,
        /** The access of new p2m entries (XENMEM_access_op) + 1; none is rwx. */
        defaultAccess: optional(decimal),
        /** Arm: entries of the p2m that hold a reference of another domain's page. */
        foreignMaps: decimal,
        /** Writes to pages of type ioreq_server go to the device model. */
        ioreqWrites: flag,
        crashed: flag,
        /** The domain id + 1 that is free, and is still to be told from the domain (vtd-domain-ids.ts). */
        didToForget: decimal,
        /** A hypercall that has ended still holds it, so that it never vanishes. */
        held: flag,
        /** It has had a device; noted only where giving back its tables depends on it. */
        hadDevice: flag,
        /** Pages set aside for it (claims.ts). */
        claimed: decimal,
        /** The p2m's lock was not dropped by who took it. */
        p2mLock: flag,
      },
      (slot) => this.domainName(slot),
      { rowsOf: [slots] },
    ).columns;

    this.frame = this.layout.table(
      'frame',
      frames,
      {
        owner: optional(domainName),
        countInfo: COUNT_INFO,
        typeInfo: TYPE_INFO,
        /** Linear entries of a page table, or, below 0, those that point to it (linear-table.ts). */
        linearPtCount: decimal,
        /** Entries of a partly validated page table that have been validated. */
        validatedEntries: decimal,
        /** Whether the entry behind those was left half-way (partial-entry.ts). */
        partialEntry: flag,
        /** Whether a CPU of the owner's may remember the page for what it was. */
        tlbStamp: flag,
        /** It waits for a guest frame to be populated on demand. */
        inPodCache: flag,
        /** M2P of translated domains: gfn + 1. PV domains see machine frames. */
        gfn: optional(hex),
        list: enumeration(['none', 'pages', 'relinquished', 'xen']),
        next: optional(frameName),
        previous: optional(frameName),
      },
      (pdx) => `frame ${this.frameName(pdx)}`,
      { rowsOf: [{ kind: 'frame', count: frames }] },
    ).columns;

    this.heap = this.layout.table('heap', 2, { lowestFree: decimal }, (zone) => `heap ${zone}`, {
      derived: true,
    }).columns;

    this.grant = this.layout.table(
      'grant',
      limits.domains * limits.grants,
      {
        /** Four 8-bit counters: host writers, host readers, device writers, device readers (dossier §5.1). */
        pin: laidOut(GRANT_PINS),
        grantee: optional(domainName),
        frame: optional(frameName),
        /** Not for mappings of whole pages: start (bits 0 to 14), is_sub_page (15) and length (16 to 31), for copies. */
        part: hex,
        /** The domain whose page a transitive grant leads to, and the grant there. */
        source: optional(domainName),
        sourceRef: decimal,
        /** The granter has overwritten the shared entry since it was pinned: its use flags say nothing any more. */
        spoilt: flag,
      },
      ofDomain(limits.grants, 'active grant'),
      { rowsOf: [domains, { kind: 'grant', count: limits.grants }] },
    ).columns;

    this.grantFrame = this.layout.table(
      'grantFrame',
      limits.domains * limits.grantFrames,
      { shared: optional(frameName), status: optional(frameName) },
      ofDomain(limits.grantFrames, 'grant frame'),
      { rowsOf: [domains, { kind: 'grant frame', count: limits.grantFrames }] },
    ).columns;

    this.maptrack = this.layout.table(
      'maptrack',
      limits.domains * limits.handles,
      {
        flags: laidOut(GRANT_MAP_FLAGS),
        granter: optional(domainName),
        ref: optional(naming('grant', decimal)),
        /** Where it is mapped for the mapper's CPU: in its p2m, or in an L1 entry (grant-host-mapping.ts). */
        hostGfn: optional(hex),
        hostEntry: hostEntry,
      },
      ofDomain(limits.handles, 'handle'),
      { rowsOf: [{ kind: 'handle', count: limits.domains * limits.handles }] },
    ).columns;

    this.grantCounter = this.layout.table(
      'grantCounter',
      limits.domains * limits.handles,
      { frame: optional(frameName), readers: decimal, writers: decimal },
      ofDomain(limits.handles, 'grant counter'),
      { rowsOf: [domains, { kind: 'grant counter', count: limits.handles }] },
    ).columns;

    this.va = this.layout.table(
      'va',
      limits.domains * limits.vaSlots,
      { frame: optional(frameName), writable: flag },
      ofDomain(limits.vaSlots, 'va'),
      { rowsOf: [domains, { kind: 'va', count: limits.vaSlots }] },
    ).columns;

    this.cpuTlb = this.layout.table(
      'cpuTlb',
      limits.domains * limits.cpuTlb,
      { frame: optional(frameName) },
      ofDomain(Math.max(1, limits.cpuTlb), 'CPU TLB entry'),
      { rowsOf: [domains, { kind: 'CPU TLB entry', count: limits.cpuTlb }] },
    ).columns;

    this.device = this.layout.table(
      'device',
      Math.max(1, spec.devices.length),
      {
        owner: optional(domainName),
        /** It was assigned to dom_io: it goes back there when a guest gives it back. */
        quarantine: flag,
        /** It did not answer, or nobody knows what its functions reach. */
        broken: flag,
        /** Xen does not know it: it was not there at boot, or was removed. */
        absent: flag,
        /** A table of its own for quarantine, and the page to which most of it leads. */
        quarantineTable: optional(frameName),
        scratchPage: optional(frameName),
        /** The domain id under which it is quarantined (from 0x8000 up). */
        pseudoDomid: hex,
        /** Faults, halved whenever 10 ms went by without one, and when the last one was. */
        faultCount: decimal,
        faultTime: decimal,
        /** Xen switched its bus mastering off. */
        masterOff: flag,
        /** Who gets its interrupts (pirq.ts). */
        interrupts: optional(domainName),
        addedToSmmu: flag,
      },
      (row) => `device ${spec.devices[row]?.name ?? row}`,
      { rowsOf: [{ kind: 'device', count: spec.devices.length }] },
    ).columns;

    const regions = spec.reserved.length;
    this.identityMap = this.layout.table(
      'identityMap',
      Math.max(1, this.slots * regions),
      /** How many devices of the domain have the range reserved, and with which rights (dossier §6.4). */
      { count: decimal, rights: decimal },
      (row) => `${this.domainName(Math.floor(row / Math.max(1, regions)))} reserved region ${row % regions}`,
      { rowsOf: [slots, { kind: 'region', count: regions }] },
    ).columns;

    this.call = this.layout.table(
      'call',
      limits.domains * limits.calls,
      {
        /** The step to run next of a hypercall under way, 0 when there is none. */
        step: enumeration(STEP_NAMES),
        domain: optional(domainName),
        device: optional(deviceName),
        /** assign_device's flags; populate_physmap's order. */
        flags: hex,
        page: optional(frameName),
        pagesInSlice: decimal,
        /** Where a translated domain gets the page. */
        gfn: hex,
        /** Pages still to be had. */
        count: decimal,
        /** The type word as it was read. */
        was: TYPE_INFO,
        /** The page that an entry is to lead to; the one that takes another's place. */
        target: optional(frameName),
        /** gmfn_range: where the next page is now, and the errno that the call will end with. */
        index: hex,
        outcome: decimal,
      },
      limits.calls === 1
        ? (call) => `hypercall of ${this.domainName(call)}`
        : ofDomain(limits.calls, 'hypercall'),
      { rowsOf: [{ kind: 'call', count: limits.domains * limits.calls }] },
    ).columns;

    this.grantCall = this.layout.table(
      'grantCall',
      limits.domains * limits.calls,
      {
        /** map: the handle that it has taken, as a row of maptrack; the grant, also of an unmap. */
        handle: optional(naming('handle', decimal)),
        ref: optional(naming('grant', decimal)),
        hostEntry: hostEntry,
        /** copy: its ends, by grant or by page; what is held of them; which bytes. */
        fromDomain: optional(domainName),
        fromRef: optional(naming('grant', decimal)),
        fromPage: optional(frameName),
        fromOffset: decimal,
        fromPinned: flag,
        toDomain: optional(domainName),
        toRef: optional(naming('grant', decimal)),
        toPage: optional(frameName),
        toOffset: decimal,
        toPinned: flag,
        length: decimal,
      },
      limits.calls === 1
        ? (call) => `grant hypercall of ${this.domainName(call)}`
        : ofDomain(limits.calls, 'grant hypercall'),
      { rowsOf: [{ kind: 'call', count: limits.domains * limits.calls }] },
    ).columns;

    this.held = this.layout.table(
      'held',
      limits.domains * limits.calls * HELD_PAGES,
      { frame: optional(frameName) },
      (row) =>
        `held by a hypercall of ${callName.show(Math.floor(row / HELD_PAGES))}: page ${row % HELD_PAGES}`,
      {
        rowsOf: [
          { kind: 'call', count: limits.domains * limits.calls },
          { kind: 'held page', count: HELD_PAGES },
        ],
      },
    ).columns;

    this.lock = this.layout.table('lock', 1, { pcidevs: optional(callName) }, () => 'lock of').columns;

    this.failure = this.layout.table(
      'failure',
      FAILURES.length,
      /** `more`: how many fail after the one that is counted down to. */
      { countdown: decimal, askedFor: decimal, more: decimal },
      (row) => `failure of ${FAILURES[row]}`,
    ).columns;

    this.host = this.layout.table(
      'host',
      1,
      {
        bug: enumeration(BUG_NAMES),
        misdeed: enumeration(MISDEED_NAMES),
        quarantinePage: optional(frameName),
        /** Where the search for a quarantined device's domain id goes on. */
        nextPseudoDomid: hex,
        /** Milliseconds since boot, as far as the program lets time pass. */
        now: decimal,
        /** The last frame that was freed while an IOMMU remembered a way to it (remembered.ts). */
        freedInUse: optional(frameName),
        /** What hardware could have met in the middle of a change of tables (glimpses.ts). */
        glimpse: enumeration(GLIMPSE_NAMES),
        /** A device that did not reach its reserved region in the middle of a hypercall (reserved-gap.ts). */
        reservedGap: optional(decimal),
        /** Pages set aside for all domains. */
        claimed: decimal,
        /** A CPU was left without flushes (iommu_dont_flush_iotlb), which only a batch may be. */
        flushesSuppressed: flag,
        /** How many extents there are (extents.ts): without any, nothing need look for one. */
        extents: decimal,
        /** The longest that Xen was at work without a look, where that was too long. */
        longestStretch: decimal,
      },
      () => 'host',
    ).columns;

    const { iommu } = spec;
    const vtdSpecs = iommu.kind === 'vtd' ? iommu.units : [];
    this.vtds = vtdSpecs.map(({ capabilities }, unit) => {
      const { contextCache } = limits;
      const name = unitName('VT-d', unit);
      return new VtdUnit(this.layout, this.ram, limits.iotlb, { capabilities, contextCache, name });
    });
    // Whoever a domain id of a unit is taken for: a domain by slot, after them each device in quarantine.
    const holders = this.slots + spec.devices.length;
    this.vtdDomainId = this.layout.table(
      'vtdDomainId',
      Math.max(1, vtdSpecs.length * holders),
      { did: optional(decimal) },
      (row) => {
        const holder = row % holders;
        const of =
          holder < this.slots ? this.domainName(holder) : `quarantined device ${holder - this.slots}`;
        return `${unitName('VT-d', Math.floor(row / holders))} domain id of ${of}`;
      },
      {
        rowsOf: [
          { kind: 'unit', count: vtdSpecs.length },
          { kind: 'domain id holder', count: holders },
        ],
      },
    ).columns;
    const amdviUnits = iommu.kind === 'amdvi' ? iommu.units : 0;
    const entries = deviceTableEntries(spec.devices.map(({ requester }) => requester));
    this.amdvis = Array.from(
      { length: amdviUnits },
      (_, unit) => new AmdviUnit(this.layout, this.ram, limits.iotlb, entries, unitName('AMD-Vi', unit)),
    );
    this.vtdLeafLevel = Math.min(3, ...this.vtds.map(({ capabilities }) => capabilities.superpageLevel));
    this.delaysWrites = this.vtds.some(({ delayed }) => delayed !== undefined);
    this.vtd = this.vtds[0];
    this.amdvi = this.amdvis[0];
    this.smmu =
      iommu.kind === 'smmu'
        ? new SmmuUnit(
            this.layout,
            this.ram,
            limits.iotlb,
            iommu.mappings ?? Math.max(1, spec.devices.flatMap(streamsOf).length),
            iommu.banks ?? limits.domains,
            iommu.s1cbndx,
          )
        : undefined;
    const v3 = iommu.kind === 'smmuv3' && hasDriver(profile, iommu) ? iommu : undefined;
    this.smmuv3 = v3 && new SmmuV3Unit(this.layout, this.ram, limits.iotlb, v3.streamBits);
    this.smmuContext =
      v3 &&
      this.layout.table(
        'SMMUv3 context',
        limits.domains,
        { vmid: decimal, references: decimal },
        (slot) => `SMMUv3 context of ${this.domainName(slot)}`,
      ).columns;
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
