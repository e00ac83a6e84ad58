import { hexText, rangeText } from './argument-kinds.js';
import { unitOfDevice } from './check-units.js';
import type { MachineDeclaration, Range, ReservedDeclaration } from './program.js';
import { offer, type Problem, quote, type Refuse } from './refuse.js';

/** Addresses that a VT-d unit translates, in bits, by the levels of its tables. */
const WIDTH: Readonly<Record<number, number>> = { 3: 39, 4: 48 };

/** A problem, and the part of the declaration that has it. */
type Found = Problem & { readonly part: string };

/**
 * Whether firmware can have declared the reserved regions of a machine. What else is in memory, and which device reaches
 * where, is settled by then.
 * @throws what `refuse` makes at the first thing that is wrong.
 */
export function checkReserved(machine: MachineDeclaration, refuse: Refuse): void {
  for (const [index, region] of machine.reserved.entries()) {
    const found =
      frameProblem(region) ??
      deviceProblem(machine, region) ??
      kindProblem(machine, region) ??
      memoryProblem(machine, region) ??
      twiceProblem(region, machine.reserved.slice(0, index)) ??
      widthProblem(machine, region);
    if (found !== undefined) throw refuse(region, found.part, found);
  }
}

const devicesOf = ({ device, also }: ReservedDeclaration): string[] =>
  also === undefined ? [device] : [device, also];

const overlaps = (a: Range, b: Range): boolean => a.first <= b.last && b.first <= a.last;

const MAX_FRAME = 2 ** 36 - 1;

function frameProblem({ last }: ReservedDeclaration): Found | undefined {
  if (last <= MAX_FRAME) return undefined;
  const message = `frame ${hexText(last)} is above ${hexText(MAX_FRAME)}: addresses have 48 bits`;
  return { part: 'frames', code: 'frame-too-large', message };
}

function deviceProblem({ devices }: MachineDeclaration, region: ReservedDeclaration): Found | undefined {
  const names = devices.map(({ name }) => name);
  for (const part of ['device', 'also'] as const) {
    const name = region[part];
    if (name === undefined || names.includes(name)) continue;
    const hint = names.length === 0 ? 'the machine has no devices; add `device`' : offer(name, names);
    return { part, code: 'unknown-device', message: `unknown device ${quote(name)}`, hint };
  }
  if (region.also !== region.device) return undefined;
  const message = `the region is that of ${quote(region.device)} already`;
  return { part: 'also', code: 'duplicate-device', message };
}

function kindProblem(
  { arch, iommu }: MachineDeclaration,
  { access }: ReservedDeclaration,
): Found | undefined {
  const code = 'wrong-iommu';
  if (arch === 'arm') {
    return { part: 'device', code, message: 'reserved regions are told of by ACPI (RMRR, IVMD): not on arm' };
  }
  if (iommu === 'amdvi' || access === undefined || access === 'rw') return undefined;
  const message = 'an RMRR is read and written: only AMD-Vi’s IVMD says what is done in a region';
  return { part: 'access', code, message };
}

/** Firmware keeps a region from everybody: it is neither Xen’s, nor memory that domains are given. */
function memoryProblem({ ram, xenHeap }: MachineDeclaration, region: ReservedDeclaration): Found | undefined {
  const code = 'overlapping-ram';
  if (overlaps(region, xenHeap)) {
    const message = `region ${rangeText(region)} overlaps xen-heap ${rangeText(xenHeap)}: firmware and Xen cannot both have it`;
    return { part: 'frames', code, message };
  }
  const memory = ram.find((range) => overlaps(region, range));
  if (memory === undefined) return undefined;
  const message = `region ${rangeText(region)} overlaps ram ${rangeText(memory)}: domains, one or several, are given what firmware keeps`;
  return { part: 'frames', code, message };
}

/** Regions of different devices may overlap, and Xen then refuses to map the second; a device has each frame once. */
function twiceProblem(
  region: ReservedDeclaration,
  others: readonly ReservedDeclaration[],
): Found | undefined {
  for (const other of others) {
    const device = devicesOf(region).find((name) => devicesOf(other).includes(name));
    if (device === undefined || !overlaps(region, other)) continue;
    const message = `region ${rangeText(region)} overlaps ${rangeText(other)}, which is ${quote(device)}’s already`;
    return { part: 'frames', code: 'duplicate-region', message };
  }
  return undefined;
}

/** A device must reach its region, so the unit in front of it must translate such addresses. */
function widthProblem({ iommu, units }: MachineDeclaration, region: ReservedDeclaration): Found | undefined {
  if (iommu !== 'vtd') return undefined;
  for (const device of devicesOf(region)) {
    const unit = units[unitOfDevice(units, device)];
    const bits = WIDTH[unit?.levels ?? 4]!;
    if (unit === undefined || region.last < 2 ** (bits - 12)) continue;
    const message = `unit ${quote(unit.name)}, which ${quote(device)} is behind, translates addresses of ${bits} bits: frame ${hexText(region.last)} is beyond`;
    return { part: 'frames', code: 'frame-too-large', message };
  }
  return undefined;
}
