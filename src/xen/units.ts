import { AmdviUnit } from '../hardware/amdvi-unit.js';
import { SmmuUnit } from '../hardware/smmu-unit.js';
import { SmmuV3Unit } from '../hardware/smmuv3-unit.js';
import { VtdUnit } from '../hardware/vtd-unit.js';
import type { Profile } from './editions/behaviours.js';
import { deviceTableEntries, type IommuSpec, streamsOf } from './machine.js';
import type { Xen } from './state.js';

/** A machine whose RAM is laid, and that gets its IOMMUs. */
type Machine = Pick<Xen, 'layout' | 'ram' | 'spec' | 'profile'>;

/** How a unit is called: the first as if it were the only one. */
export const unitName = (kind: string, unit: number): string => (unit === 0 ? kind : `${kind} ${unit}`);

/** Whether this Xen has a driver for the machine's IOMMU. One without a driver stays as it was reset: all passes. */
export const hasDriver = (profile: Profile, { kind }: IommuSpec): boolean =>
  kind !== 'none' && (kind !== 'smmuv3' || profile.smmuV3Driver === 'present');

/** The VT-d units. */
export function vtdUnits({ layout, ram, spec: { iommu, limits } }: Machine): VtdUnit[] {
  const { iotlb, contextCache } = limits;
  const specs = iommu.kind === 'vtd' ? iommu.units : [];
  return specs.map(({ capabilities }, unit) => {
    const name = unitName('VT-d', unit);
    return new VtdUnit(layout, ram, iotlb, { capabilities, contextCache, name });
  });
}

/** The AMD-Vi units. */
export function amdviUnits({ layout, ram, spec: { iommu, limits, devices } }: Machine): AmdviUnit[] {
  const entries = deviceTableEntries(devices.map(({ requester }) => requester));
  return Array.from(
    { length: iommu.kind === 'amdvi' ? iommu.units : 0 },
    (_, unit) => new AmdviUnit(layout, ram, limits.iotlb, entries, unitName('AMD-Vi', unit)),
  );
}

/** The SMMUv2, with a stream mapping for each stream and a context bank for each domain unless it has fewer. */
export function smmuUnit({ layout, ram, spec: { iommu, limits, devices } }: Machine): SmmuUnit | undefined {
  if (iommu.kind !== 'smmu') return undefined;
  const mappings = iommu.mappings ?? Math.max(1, devices.flatMap(streamsOf).length);
  return new SmmuUnit(layout, ram, limits.iotlb, mappings, iommu.banks ?? limits.domains, iommu.s1cbndx);
}

/** The SMMUv3, where this Xen drives it. */
export function smmuV3Unit({ layout, ram, spec, profile }: Machine): SmmuV3Unit | undefined {
  const { iommu, limits } = spec;
  if (iommu.kind !== 'smmuv3' || !hasDriver(profile, iommu)) return undefined;
  return new SmmuV3Unit(layout, ram, limits.iotlb, iommu.streamBits);
}
