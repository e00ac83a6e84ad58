import type { Rights } from '../formats/address.js';
import { AMDVI_ENTRY_BYTES } from '../formats/amdvi.js';
import type { FrameRange } from '../hardware/ram.js';
import { FULL_VTD, type VtdCapabilities } from '../hardware/vtd-capabilities.js';

/** The host as the hypervisor finds it when it boots. Plain data; programs and configs are turned into it. */
export interface MachineSpec {
  readonly arch: 'x86' | 'arm';
  /** Frames that domains can own. */
  readonly ram: readonly FrameRange[];
  /** Frames that Xen keeps for itself: page tables, grant frames. */
  readonly xenHeap: FrameRange;
  readonly iommu: IommuSpec;
  readonly devices: readonly DeviceSpec[];
  /** Regions that firmware or devices need to reach at any time (RMRR). */
  readonly reserved: readonly ReservedSpec[];
  readonly hwdomMode: 'relaxed' | 'strict' | 'passthrough';
  /** `iommu=sharept`: tables may be shared with the p2m where hardware can. */
  readonly sharept: boolean;
  /** `iommu=verbose`: a fault's tables are printed; `iommu=debug` says more besides. */
  readonly verbosity?: 'verbose' | 'debug';
  /** `iommu=superpages`: VT-d's tables may map 2 MiB and 1 GiB pages. Not said: they may. */
  readonly superpages?: boolean;
  /** Device memory that no guest may write (Xen's mmio_ro_ranges), such as MSI-X tables. */
  readonly readOnlyMmio?: readonly FrameRange[];
  /** What else stands in the firmware's memory map (E820), as far as it matters. */
  readonly regions?: readonly RegionSpec[];
  /** `dom0-iommu=map-inclusive`, `iommu_inclusive_mapping`; not said: as the release has it. */
  readonly hwdomInclusive?: boolean;
  /** `dom0-iommu=map-reserved`; not said: on, in releases that know it. */
  readonly hwdomReserved?: boolean;
  /** `iommu=quarantine`: devices that guests give back go to dom_io, in releases that know it. */
  readonly quarantine: boolean;
  /** `iommu=quarantine=scratch-page`, in releases that know it. */
  readonly scratchPage?: boolean;
  readonly limits: Limits;
  /** The option `gnttab=`; what it does not say is as Xen has it by default. */
  readonly gnttab?: GnttabOptions;
}

export interface GnttabOptions {
  /** `max-ver:`: the highest version of grant tables. */
  readonly maxVersion?: number;
  /** `no-transitive`: copies through transitive grants are refused. */
  readonly noTransitive?: boolean;
  /** `no-transfer`: GNTTABOP_transfer is refused, by releases that know the option. */
  readonly noTransfer?: boolean;
}

export type IommuSpec =
  | { readonly kind: 'none' }
  | { readonly kind: 'vtd'; readonly units: readonly VtdUnitSpec[] }
  /** The units of a segment share one device table. */
  | { readonly kind: 'amdvi'; readonly units: number }
  | {
      readonly kind: 'smmu';
      /** Device-tree path as Xen prints it: `/smmu@fd800000`. */
      readonly path: string;
      /** What this SMMU reports in FSYNR0.S1CBNDX for a stage-2 fault (implementation defined). */
      readonly s1cbndx: number;
      /** Context banks; as many as domains unless said otherwise. */
      readonly banks?: number;
      /** Stream mapping registers; one for each stream unless said otherwise. */
      readonly mappings?: number;
    }
  | {
      readonly kind: 'smmuv3';
      /** Device-tree path as Xen prints it: `/soc/smmu@2b400000`. */
      readonly path: string;
      /** Bits of a stream id: up to 8 the stream table is linear, above it has two levels. */
      readonly streamBits: number;
    };

export interface VtdUnitSpec {
  /** Where Xen maps the unit's registers; only 4.11 and 4.12 print it. */
  readonly registerBase: string;
  readonly capabilities: VtdCapabilities;
}

/** The one unit of a machine that says nothing more. */
export const ONE_VTD_UNIT: readonly VtdUnitSpec[] = [
  { registerBase: 'ffff82c000203000', capabilities: FULL_VTD },
];

/**
 * Kinds of PCI functions that drivers tell apart (pdev_type). A `pci` one is conventional PCI; the bridges are those of PCI
 * Express, those from it to conventional PCI, and conventional ones.
 */
export const DEVICE_TYPES = [
  'endpoint',
  'pci',
  'pcie-bridge',
  'pcie-pci-bridge',
  'pci-bridge',
  'host-bridge',
  'unknown',
] as const;
export type DeviceType = (typeof DEVICE_TYPES)[number];

export interface DeviceSpec {
  readonly name: string;
  /** PCI: the requester id as 16 bits bus:dev.fn. Device tree: the first stream id, -1 when no IOMMU is in front. */
  readonly requester: number;
  /** Device tree: all its stream ids, where it has not just the one. */
  readonly streams?: readonly number[];
  /** The hardware domain does not get it at boot. */
  readonly withheld?: boolean;
  /** `0000:03:00.0`, or the device-tree path. */
  readonly address: string;
  /** AMD-Vi: `requester` is not the device's own, as firmware says of it (IVRS alias); others may share it. */
  readonly aliased?: boolean;
  /** The unit it is behind: 0, the first, unless it is said; -1 for none. */
  readonly unit?: number;
  /** PCI: every so many function numbers after its own, the device's requests may carry that one. */
  readonly phantomStride?: number;
  /** PCI: an endpoint unless it is said. */
  readonly type?: DeviceType;
  /** PCI: index of the bridge that its bus is behind. */
  readonly bridge?: number;
  /** PCI: index of the physical function of which it is a virtual one. */
  readonly physicalFunction?: number;
  /** PCI: dom_xen has it, though it works for the hardware domain (pci-hide, Xen's own console). */
  readonly hidden?: boolean;
  /** PCI: Xen does not find it at boot. */
  readonly absent?: boolean;
}

/** The stream ids under which a device's accesses arrive; none for one that has no IOMMU in front of it. */
export function streamsOf({ requester, streams }: DeviceSpec): readonly number[] {
  return streams ?? (requester < 0 ? [] : [requester]);
}

/** Kinds of addresses that are no RAM: in the memory map as reserved or unusable, or not at all (or otherwise). */
export const REGION_KINDS = ['reserved', 'unusable', 'hole'] as const;
export type RegionKind = (typeof REGION_KINDS)[number];

/** A part of the memory map that is no RAM. */
export interface RegionSpec {
  readonly range: FrameRange;
  readonly kind: RegionKind;
  /** dom0 may not map it for its CPUs: I/O APICs that Xen drives, the HPET. The local APIC's page never may be. */
  readonly denied?: boolean;
}

export interface ReservedSpec {
  readonly range: FrameRange;
  /** Indexes in {@link MachineSpec.devices} of the devices that the region is for. */
  readonly devices: readonly number[];
  /** What they do there: an RMRR is read and written, an IVMD may be one of both. */
  readonly rights: Rights;
}

/** Sizes of the tables that hold state. */
export interface Limits {
  /** Domains besides dom_io and dom_xen. */
  readonly domains: number;
  /** Grant references a domain. */
  readonly grants: number;
  /** Shared frames that a grant table can grow to. */
  readonly grantFrames: number;
  /** Maptrack handles a domain. */
  readonly handles: number;
  /** Virtual pages of a PV domain that update_va_mapping can set. */
  readonly vaSlots: number;
  /** IOTLB entries of a unit; a power of two. */
  readonly iotlb: number;
  /** Context entries that a VT-d unit remembers; a power of two, or 0. */
  readonly contextCache: number;
  /** Entries of a PV domain's CPU TLB; a power of two, or 0 for none. */
  readonly cpuTlb: number;
  /** Hypercalls that a domain can be in the middle of at a time. */
  readonly calls: number;
  /** Guest frame numbers from 0 that invariants look at for translated domains. */
  readonly gfns: number;
}

const ENTRIES_PER_FRAME = 4096 / AMDVI_ENTRY_BYTES;

/**
 * Frames of the AMD-Vi device table that Xen makes for these requester ids: all up to the highest, in a power of two.
 * (amd iommu_init.c, dt_alloc_size)
 */
export function deviceTableFrames(requesters: readonly number[]): number {
  const needed = Math.max(0, ...requesters) + 1;
  let frames = 1;
  while (frames * ENTRIES_PER_FRAME < needed) frames *= 2;
  return frames;
}

/** Entries of that table. */
export function deviceTableEntries(requesters: readonly number[]): number {
  return deviceTableFrames(requesters) * ENTRIES_PER_FRAME;
}

export const DEFAULT_LIMITS: Limits = {
  domains: 4,
  grants: 16,
  grantFrames: 1,
  handles: 16,
  vaSlots: 8,
  iotlb: 64,
  contextCache: 0,
  cpuTlb: 0,
  calls: 1,
  gfns: 64,
};

/** `0000:03:00.0` as a requester id, or undefined. The segment must be 0000: the model has one segment. */
export function parseSbdf(text: string): number | undefined {
  const match = /^(?:0000:)?([0-9a-f]{2}):([01][0-9a-f])\.([0-7])$/i.exec(text);
  if (match === null) return undefined;
  return (
    (Number.parseInt(match[1]!, 16) << 8) |
    (Number.parseInt(match[2]!, 16) << 3) |
    Number.parseInt(match[3]!, 8)
  );
}
