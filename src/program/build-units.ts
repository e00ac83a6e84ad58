import { FULL_VTD, type VtdCapabilities } from '../hardware/vtd-capabilities.js';
import { type IommuSpec, type MachineSpec, ONE_VTD_UNIT, type VtdUnitSpec } from '../xen/machine.js';
import type { MachineDeclaration, UnitDeclaration, UnitFlag } from './program.js';

/** Bits of a stream id that an SMMUv3 has unless the program says otherwise. */
const STREAM_BITS = 16;

/** Where Xen maps the registers of the n-th unit. */
function registerBase(unit: number): string {
  const [{ registerBase: first } = { registerBase: '' }] = ONE_VTD_UNIT;
  const low = Number.parseInt(first.slice(-8), 16) + unit * 0x1000;
  return first.slice(0, -8) + low.toString(16).padStart(8, '0');
}

function vtdCapabilities({
  domain_ids,
  mamv,
  levels,
  superpages,
  flags = [],
}: UnitDeclaration): VtdCapabilities {
  const has = (flag: UnitFlag): boolean => flags.includes(flag);
  return {
    domainIds: domain_ids ?? FULL_VTD.domainIds,
    cachingMode: has('caching-mode'),
    pageSelective: !has('no-page-selective'),
    maxOrder: mamv ?? FULL_VTD.maxOrder,
    passThrough: !has('no-pass-through'),
    levels: levels === 3 ? [3] : FULL_VTD.levels,
    superpageLevel: (superpages ?? FULL_VTD.superpageLevel) as VtdCapabilities['superpageLevel'],
    snoopControl: !has('no-snoop'),
    coherent: !has('non-coherent'),
    writeBuffer: has('write-buffer'),
    queuedInvalidation: !has('register-invalidation'),
  };
}

function vtdUnits(units: readonly UnitDeclaration[]): readonly VtdUnitSpec[] {
  if (units.length === 0) return ONE_VTD_UNIT;
  return units.map((unit, index) => ({
    registerBase: registerBase(index),
    capabilities: vtdCapabilities(unit),
  }));
}

/** The IOMMUs of a machine. */
export function iommuSpec(machine: MachineDeclaration): IommuSpec {
  const { iommu, units, smmuPath: path, s1cbndx, smmuBanks: banks, smmuMappings: mappings } = machine;
  switch (iommu) {
    case 'vtd':
      return { kind: 'vtd', units: vtdUnits(units) };
    case 'amdvi':
      return { kind: 'amdvi', units: Math.max(1, units.length) };
    case 'smmu':
      return { kind: 'smmu', path, s1cbndx, ...(banks && { banks }), ...(mappings && { mappings }) };
    case 'smmuv3':
      return { kind: 'smmuv3', path, streamBits: machine.streamBits ?? STREAM_BITS };
    case 'none':
      return { kind: 'none' };
  }
}

/**
 * What becomes of options that a VT-d unit cannot do: `dom0-iommu=passthrough` is dropped unless all let requests through,
 * and tables are shared with the p2m only if all know its superpages. (vtd_setup, vtd_ept_page_compatible)
 */
export function supportedOptions(
  { dom0Mode, sharept }: MachineDeclaration,
  iommu: IommuSpec,
): Pick<MachineSpec, 'hwdomMode' | 'sharept'> {
  const units = iommu.kind === 'vtd' ? iommu.units.map(({ capabilities }) => capabilities) : [];
  const passes = units.every(({ passThrough }) => passThrough);
  return {
    hwdomMode: dom0Mode === 'passthrough' && !passes ? 'relaxed' : dom0Mode,
    sharept: sharept && units.every(({ superpageLevel }) => superpageLevel === 3),
  };
}
