import { R, W } from '../formats/address.js';
import type { FrameRange } from '../hardware/ram.js';
import { boot } from '../xen/boot.js';
import type { Profile } from '../xen/editions/behaviours.js';
import { DEFAULT_LIMITS, type DeviceSpec, type Limits, type MachineSpec, parseSbdf } from '../xen/machine.js';
import { Xen } from '../xen/state.js';
import { iommuSpec, supportedOptions } from './build-units.js';
import { unitOfDevice } from './check-units.js';
import type { DeviceDeclaration, LimitName, MachineDeclaration, Range } from './program.js';

const frameRange = ({ first, last }: Range): FrameRange => ({ base: first, count: last - first + 1 });

/** What the devices of a reserved region do there. */
const REGION_RIGHTS = { rw: R | W, ro: R, wo: W } as const;

const LIMIT_OF: Readonly<Record<LimitName, keyof Limits>> = {
  domains: 'domains',
  grants: 'grants',
  grant_frames: 'grantFrames',
  handles: 'handles',
  va_slots: 'vaSlots',
  iotlb: 'iotlb',
  cpu_tlb: 'cpuTlb',
  calls: 'calls',
  context_cache: 'contextCache',
  gfns: 'gfns',
};

function deviceSpec(
  {
    name,
    address,
    stream,
    alias,
    unprotected,
    withheld,
    type,
    phantom,
    behind,
    vfof,
    hidden,
    absent,
  }: DeviceDeclaration,
  { streams, units, devices }: MachineDeclaration,
): DeviceSpec {
  const indexOf = (other: string) => devices.findIndex((one) => one.name === other);
  const requester = unprotected ? -1 : (stream ?? parseSbdf(alias ?? address) ?? 0);
  const more = streams.filter(({ device }) => device === name).map((other) => other.stream);
  return {
    name,
    address,
    requester,
    unit: unitOfDevice(units, name),
    ...(withheld && { withheld }),
    ...(more.length > 0 && { streams: [requester, ...more] }),
    ...(alias !== undefined && { aliased: true }),
    ...(type !== undefined && { type }),
    ...(phantom !== undefined && { phantomStride: phantom }),
    ...(behind !== undefined && { bridge: indexOf(behind) }),
    ...(vfof !== undefined && { physicalFunction: indexOf(vfof) }),
    ...(hidden && { hidden }),
    ...(absent && { absent }),
  };
}

/** The machine a program declares, as the hypervisor takes it. */
export function machineSpec(machine: MachineDeclaration): MachineSpec {
  const limits: Record<string, number> = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(machine.limits)) limits[LIMIT_OF[name as LimitName]] = value;
  const iommu = iommuSpec(machine);
  return {
    arch: machine.arch,
    ram: machine.ram.map(frameRange),
    xenHeap: frameRange(machine.xenHeap),
    iommu,
    devices: machine.devices.map((device) => deviceSpec(device, machine)),
    reserved: machine.reserved.map((region) => ({
      range: frameRange(region),
      devices: machine.devices.flatMap(({ name }, index) =>
        name === region.device || name === region.also ? [index] : [],
      ),
      rights: REGION_RIGHTS[region.access ?? 'rw'],
    })),
    regions: machine.regions.map(({ kind, flags = [], ...region }) => ({
      range: frameRange(region),
      kind,
      denied: flags.includes('denied'),
    })),
    readOnlyMmio: machine.regions.filter(({ flags }) => flags?.includes('read-only')).map(frameRange),
    ...(machine.mapInclusive !== undefined && { hwdomInclusive: machine.mapInclusive }),
    ...(machine.mapReserved !== undefined && { hwdomReserved: machine.mapReserved }),
    ...supportedOptions(machine, iommu),
    quarantine: machine.quarantine,
    ...(machine.verbosity !== 'quiet' && { verbosity: machine.verbosity }),
    scratchPage: machine.scratchPage,
    gnttab: {
      ...(machine.gnttab.includes('max-ver-1') && { maxVersion: 1 }),
      noTransitive: machine.gnttab.includes('no-transitive'),
      noTransfer: machine.gnttab.includes('no-transfer'),
    },
    limits: limits as unknown as Limits,
  };
}

/** Boots Xen of `profile` on a program's machine, dom0 included. */
export function bootMachine(machine: MachineDeclaration, profile: Profile): Xen {
  const xen = new Xen(profile, machineSpec(machine));
  boot(xen, {
    pages: machine.dom0Pages,
    pageTables: machine.dom0PageTables,
    none: machine.noDom0 === true,
    withheld: machine.devices.flatMap(({ withheld }, index) => (withheld ? [index] : [])),
  });
  xen.store.forget();
  return xen;
}
