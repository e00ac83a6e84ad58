import { type Rights, rightsText } from '../formats/address.js';
import { PGT, PGT_NAMES, PGT_PINNED, PGT_VALIDATED } from '../formats/x86-page-info.js';
import { boot } from './boot.js';
import { CONTINUES } from './calls/call.js';
import { stepCall } from './calls/dispatch.js';
import { assignDevice } from './device-domctl.js';
import { CDF, createDomain } from './domain.js';
import type { Profile } from './editions/behaviours.js';
import { resolveEdition } from './editions/edition.js';
import { errnoName } from './errno.js';
import { faultLines } from './fault-lines.js';
import { INVARIANTS, Judge } from './invariants.js';
import { tableRights } from './iommu-tables.js';
import {
  DEFAULT_LIMITS,
  type DeviceSpec,
  type GnttabOptions,
  type Limits,
  type MachineSpec,
  ONE_VTD_UNIT,
  type ReservedSpec,
  type VtdUnitSpec,
} from './machine.js';
import { populatePhysmap } from './memory.js';
import { typeCount, typeOf } from './page-info.js';
import { updateVaMapping } from './page-table.js';
import { Xen } from './state.js';

/** First frame that domains can own. */
export const RAM = 0x100;

export const NIC: DeviceSpec = { name: 'nic', address: '0000:03:00.0', requester: 0x0300 };
export const DISK: DeviceSpec = { name: 'disk', address: '0000:04:00.0', requester: 0x0400 };
export const ETH: DeviceSpec = { name: 'eth0', address: '/ethernet@ff0e0000', requester: 0x877 };

export interface MachineOptions {
  /** Frames that domains can own, from {@link RAM}. */
  readonly frames?: number;
  /** Frames of Xen's heap, from 0x10. */
  readonly heap?: number;
  readonly iommu?: 'on' | 'off';
  readonly devices?: readonly DeviceSpec[];
  /** SMMUv2: how many context banks and stream mapping registers it has. */
  readonly smmu?: { readonly banks?: number; readonly mappings?: number };
  /** Indexes of devices that dom0 does not get. */
  readonly withheld?: readonly number[];
  readonly reserved?: readonly ReservedSpec[];
  readonly mode?: MachineSpec['hwdomMode'];
  readonly sharept?: boolean;
  readonly superpages?: boolean;
  readonly readOnlyMmio?: MachineSpec['readOnlyMmio'];
  readonly regions?: MachineSpec['regions'];
  readonly hwdomInclusive?: boolean;
  readonly hwdomReserved?: boolean;
  readonly quarantine?: boolean;
  readonly gnttab?: GnttabOptions;
  readonly scratchPage?: boolean;
  readonly dom0Pages?: number;
  /** Arm: there is no dom0. */
  readonly noDom0?: boolean;
  readonly dom0PageTables?: number;
  readonly limits?: Partial<Limits>;
  /** Behaviours that differ from the edition's. */
  readonly behaviours?: Partial<Profile>;
  readonly ram?: MachineSpec['ram'];
  readonly vtd?: readonly VtdUnitSpec[];
  readonly amdviUnits?: number;
  readonly verbosity?: MachineSpec['verbosity'];
}

/** A booted x86 machine with VT-d and one or more devices, under an edition of Xen. */
export function x86(edition: string, options: MachineOptions = {}): Xen {
  const iommu = options.iommu === 'off' ? 'none' : 'vtd';
  return booted(edition, options, {
    arch: 'x86',
    iommu: iommu === 'none' ? { kind: 'none' } : { kind: 'vtd', units: options.vtd ?? ONE_VTD_UNIT },
    devices: options.devices ?? [NIC, DISK],
  });
}

/** The same with AMD-Vi. */
export function amd(edition: string, options: Omit<MachineOptions, 'iommu'> = {}): Xen {
  return booted(edition, options, {
    arch: 'x86',
    iommu: { kind: 'amdvi', units: options.amdviUnits ?? 1 },
    devices: options.devices ?? [NIC, DISK],
  });
}

/** A booted Arm machine with an SMMUv2; its dom0 is mapped 1:1. */
export function arm(edition: string, options: MachineOptions = {}): Xen {
  return booted(edition, options, {
    arch: 'arm',
    iommu:
      options.iommu === 'off'
        ? { kind: 'none' }
        : { kind: 'smmu', path: '/smmu@fd800000', s1cbndx: 0xb, ...options.smmu },
    devices: options.devices ?? [ETH],
  });
}

/** The same with an SMMUv3 whose stream ids have 16 bits, or as many as said. */
export function armV3(edition: string, options: Omit<MachineOptions, 'iommu'> = {}, streamBits = 16): Xen {
  return booted(edition, options, {
    arch: 'arm',
    iommu: { kind: 'smmuv3', path: '/soc/smmu@2b400000', streamBits },
    devices: options.devices ?? [ETH],
  });
}

function booted(
  edition: string,
  options: MachineOptions,
  machine: Pick<MachineSpec, 'arch' | 'iommu' | 'devices'>,
): Xen {
  const xen = new Xen(
    { ...resolveEdition(edition).profile, ...options.behaviours },
    {
      ...machine,
      ram: options.ram ?? [{ base: RAM, count: options.frames ?? 16 }],
      xenHeap: { base: 0x10, count: options.heap ?? 96 },
      reserved: options.reserved ?? [],
      hwdomMode: options.mode ?? 'relaxed',
      sharept: options.sharept ?? true,
      ...(options.verbosity && { verbosity: options.verbosity }),
      ...(options.superpages === undefined ? {} : { superpages: options.superpages }),
      ...(options.readOnlyMmio === undefined ? {} : { readOnlyMmio: options.readOnlyMmio }),
      ...(options.regions === undefined ? {} : { regions: options.regions }),
      ...(options.hwdomInclusive === undefined ? {} : { hwdomInclusive: options.hwdomInclusive }),
      ...(options.hwdomReserved === undefined ? {} : { hwdomReserved: options.hwdomReserved }),
      quarantine: options.quarantine ?? true,
      gnttab: options.gnttab ?? {},
      scratchPage: options.scratchPage ?? false,
      limits: { ...DEFAULT_LIMITS, ...options.limits },
    },
  );
  const pages = options.dom0Pages ?? 1;
  boot(xen, {
    pages,
    pageTables: options.dom0PageTables ?? 0,
    withheld: options.withheld ?? [],
    none: options.noDom0 ?? false,
  });
  xen.store.forget();
  return xen;
}

/** A domain made with these flags; CDF_iommu besides, where contexts are declared and `iommu` is not false. */
export function domain(
  xen: Xen,
  {
    flags = 0,
    iommuOpts = 0,
    iommu = true,
    maxPages = 8,
  }: {
    flags?: number;
    iommuOpts?: number;
    iommu?: boolean;
    maxPages?: number;
  } = {},
): number {
  const declares = iommu && xen.iommuOn && xen.profile.iommuContext === 'at-creation';
  const all = flags | (declares ? CDF.iommu : 0) | (xen.spec.arch === 'arm' ? CDF.hvm | CDF.hap : 0);
  return createDomain(xen, -1, { flags: all, iommuOpts, maxVcpus: 1, maxPages, directMapped: false });
}

/** `count` pages for a domain; the index of the first. They are consecutive while nothing was freed. */
export function populate(xen: Xen, slot: number, count: number, gfn = 0): number {
  let first = -1;
  for (let i = 0; i < count; i++) {
    const pdx = populatePhysmap(xen, slot, gfn + i);
    if (pdx < 0) throw new Error(`populate: ${errnoName(pdx)}`);
    if (i === 0) first = pdx;
  }
  return first;
}

/** A PV domain with a context, by declaring it or by having the first device assigned, and `pages` writable pages. */
export function pvWithContext(xen: Xen, pages: number, device = 0): { slot: number; page: number } {
  const slot = domain(xen);
  if (xen.profile.iommuContext === 'at-first-assignment') finish(xen, assignDevice(xen, 0, slot, device, 0));
  return { slot, page: populate(xen, slot, pages) };
}

/** Runs a hypercall of dom0's to its end. */
export function finish(xen: Xen, status: number, limit = 10_000): number {
  let now = status;
  for (let steps = 0; now === CONTINUES; steps++) {
    if (steps === limit) throw new Error('the hypercall does not end');
    now = stepCall(xen, 0);
  }
  return now;
}

export function assign(xen: Xen, slot: number, device = 0, flags = 0): string {
  return errnoName(finish(xen, assignDevice(xen, 0, slot, device, flags)));
}

/** `writable 1`, `l1 1 pinned`, `none 0`: type, type count and what is worth telling of the flags. */
export function typeText(xen: Xen, pdx: number): string {
  const info = xen.frame.typeInfo.get(pdx);
  const type = typeOf(info);
  const flags = [
    ...(info & PGT_PINNED ? ['pinned'] : []),
    ...(type !== PGT.none && typeCount(info) > 0 && !(info & PGT_VALIDATED) ? ['not validated'] : []),
  ];
  return [PGT_NAMES[type], typeCount(info), ...flags].join(' ');
}

/** Rights of a page at DFN = MFN in a domain's own tables: `rw`, `r-`, `--`. */
export function mapped(xen: Xen, slot: number, pdx: number): string {
  return rightsText(tableRights(xen, slot, xen.ram.frameAt(pdx)));
}

/** Rights of a device on an input frame, by the tables its context leads to. */
export function reach(xen: Xen, device: number, input: number): string {
  const rights: Rights = xen.unitOf(device)?.tableRights(xen.spec.devices[device]!.requester, input) ?? 3;
  return rightsText(rights);
}

/** A device's access: `ok`, or the log lines of the fault. */
export function dma(xen: Xen, device: number, access: 'read' | 'write', address: number): string {
  const { requester } = xen.spec.devices[device]!;
  const unit = xen.unitOf(device)!;
  if (unit.translate(requester, address, access === 'write')) return 'ok';
  return faultLines(xen, device, unit.lastFault()).join('\n');
}

/** Maps a page into virtual page `va` of a domain; `of` is whose page it is. */
export function mapVa(
  xen: Xen,
  slot: number,
  va: number,
  pdx: number,
  rights: 'rw' | 'ro',
  of = slot,
): string {
  return errnoName(updateVaMapping(xen, slot, va, pdx, rights === 'rw', of));
}

export function unmapVa(xen: Xen, slot: number, va: number): string {
  return errnoName(updateVaMapping(xen, slot, va, -1, false, slot));
}

/** Makes a page's type writable with count 0, as mapping it once does. */
export function touch(xen: Xen, slot: number, pdx: number): void {
  mapVa(xen, slot, 7, pdx, 'rw');
  unmapVa(xen, slot, 7);
}

/** Ids of the invariants that do not hold now. */
export function broken(xen: Xen): string[] {
  const judge = new Judge(xen, xen.spec.limits.gfns);
  return INVARIANTS.flatMap((invariant) =>
    invariant.remember === undefined && judge.violation(invariant) !== undefined ? [invariant.id] : [],
  );
}
