import type { DeviceDeclaration, MachineDeclaration, UnitDeclaration } from './program.js';
import { offer, type Problem, quote, type Refuse } from './refuse.js';

/** IOMMUs of one unit bit each in a domain's bitmap. */
const MAX_UNITS = 31;

/** CAP.ND: 4 to 16 bits of domain id, in steps of two. */
const DOMAIN_IDS = [16, 64, 256, 1024, 4096, 16384, 65536];

/** What only VT-d's units say. */
const VTD_PARTS = ['domain_ids', 'mamv', 'levels', 'superpages', 'flags'] as const;

/** Names of the devices that a unit is said to be in front of. */
export const scopeOf = ({ devices }: UnitDeclaration): readonly string[] => devices?.split(',') ?? [];

/** The number of the unit that a device is behind: one that names it, or else one that names none; -1 for none. */
export function unitOfDevice(units: readonly UnitDeclaration[], device: string): number {
  if (units.length === 0) return 0;
  const named = units.findIndex((unit) => scopeOf(unit).includes(device));
  return named >= 0 ? named : units.findIndex(({ devices }) => devices === undefined);
}

/**
 * Whether a machine can have the VT-d or AMD-Vi units it declares.
 * @throws what `refuse` makes at the first thing that is wrong.
 */
export function checkUnits(machine: MachineDeclaration, refuse: Refuse): void {
  const { arch, iommu, units, devices } = machine;
  const check = (unit: UnitDeclaration, part: string, problem: Problem | undefined): void => {
    if (problem !== undefined) throw refuse(unit, part, problem);
  };
  for (const [index, unit] of units.entries()) {
    const others = units.slice(0, index);
    check(unit, 'name', kindProblem(arch, iommu, unit));
    check(unit, 'name', nameProblem(unit, others));
    check(unit, 'devices', scopeProblem(unit, others, devices));
    for (const part of VTD_PARTS) {
      if (unit[part] !== undefined && iommu !== 'vtd') {
        check(unit, part, { code: 'wrong-unit', message: `only a VT-d unit has ${quote(part)}` });
      }
    }
    check(unit, 'domain_ids', domainIdsProblem(unit));
    check(unit, 'mamv', outside('mamv', unit.mamv, 0, 63));
    check(unit, 'levels', outside('levels', unit.levels, 3, 4));
    check(unit, 'superpages', outside('superpages', unit.superpages, 1, 3));
  }
  for (const device of devices) {
    const problem = aliasProblem(iommu, device, devices);
    if (problem !== undefined) throw refuse(device, 'alias', problem);
  }
}

function kindProblem(
  arch: MachineDeclaration['arch'],
  iommu: MachineDeclaration['iommu'],
  { name }: UnitDeclaration,
): Problem | undefined {
  if (iommu === 'vtd' || iommu === 'amdvi') return undefined;
  const why =
    arch === 'arm'
      ? 'a VT-d or AMD-Vi unit stands in no machine of arm'
      : `the machine has ${quote(`iommu ${iommu}`)}`;
  return { code: 'wrong-unit', message: `unit ${quote(name)} cannot be: ${why}` };
}

function nameProblem({ name }: UnitDeclaration, others: readonly UnitDeclaration[]): Problem | undefined {
  if (others.length >= MAX_UNITS) {
    return { code: 'too-many-units', message: `a machine has ${MAX_UNITS} units at most` };
  }
  if (!others.some((other) => other.name === name)) return undefined;
  return { code: 'duplicate-unit', message: `there is a unit ${quote(name)} already` };
}

function scopeProblem(
  unit: UnitDeclaration,
  others: readonly UnitDeclaration[],
  devices: readonly DeviceDeclaration[],
): Problem | undefined {
  if (unit.devices === undefined) {
    const other = others.find(({ devices }) => devices === undefined);
    return (
      other && {
        code: 'claimed-twice',
        message: `unit ${quote(other.name)} already has all devices that no other unit has`,
        hint: 'say which with devices=',
      }
    );
  }
  const names = devices.map(({ name }) => name);
  const scope = scopeOf(unit);
  for (const [index, name] of scope.entries()) {
    if (!names.includes(name)) {
      const hint = names.length === 0 ? 'the machine has no devices; add `device`' : offer(name, names);
      return { code: 'unknown-device', message: `unknown device ${quote(name)}`, hint };
    }
    const twice = scope.indexOf(name) < index;
    const other = twice ? unit : others.find((candidate) => scopeOf(candidate).includes(name));
    if (other === undefined) continue;
    return {
      code: 'claimed-twice',
      message: `device ${quote(name)} is behind unit ${quote(other.name)} already`,
    };
  }
  return undefined;
}

function domainIdsProblem({ domain_ids }: UnitDeclaration): Problem | undefined {
  if (domain_ids === undefined || DOMAIN_IDS.includes(domain_ids)) return undefined;
  const message = `a VT-d unit does not tell ${domain_ids} domain ids apart`;
  return { code: 'bad-unit', message, hint: `expected one of: ${DOMAIN_IDS.join(', ')}` };
}

function outside(name: string, value: number | undefined, min: number, max: number): Problem | undefined {
  if (value === undefined || (value >= min && value <= max)) return undefined;
  return { code: 'bad-unit', message: `${quote(name)} is from ${min} to ${max}, found ${value}` };
}

/** An alias is for AMD-Vi's device table, and for one that is no device's own address. */
function aliasProblem(
  iommu: MachineDeclaration['iommu'],
  { name, address, alias }: DeviceDeclaration,
  devices: readonly DeviceDeclaration[],
): Problem | undefined {
  if (alias === undefined) return undefined;
  const code = 'wrong-device';
  if (iommu !== 'amdvi') return { code, message: 'only AMD-Vi’s firmware tells of aliases' };
  if (alias.startsWith('/')) return { code, message: 'an alias is a PCI address' };
  if (alias === address) return { code, message: `${address} is the device’s own address` };
  const other = devices.find((device) => device.address === alias && device.alias !== undefined);
  if (other === undefined) return undefined;
  return { code, message: `device ${quote(other.name)}, the alias of ${quote(name)}, has an alias itself` };
}
