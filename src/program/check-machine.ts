import { deviceTableFrames, parseSbdf } from '../xen/machine.js';
import { hexText, rangeText } from './argument-kinds.js';
import { checkReserved } from './check-reserved.js';
import { checkUnits } from './check-units.js';
import { FrameSet } from './frame-set.js';
import {
  DEFAULT_MACHINE,
  type DeviceDeclaration,
  type LimitName,
  type MachineDeclaration,
  type Range,
} from './program.js';
import { offer, type Problem, quote, type Refuse } from './refuse.js';

/** Physical addresses have 48 bits. */
export const MAX_FRAME = 2 ** 36 - 1;
/** 16 GiB: the model keeps a row of its frame table for each frame. */
export const MAX_FRAMES = 2 ** 22;
const MAX_XEN_HEAP = 2 ** 20;

interface Limit {
  readonly min: number;
  readonly max: number;
  readonly powerOfTwo?: boolean;
}

const LIMITS: Readonly<Record<LimitName, Limit>> = {
  domains: { min: 1, max: 64 },
  grants: { min: 0, max: 4096 },
  grant_frames: { min: 1, max: 64 },
  handles: { min: 0, max: 4096 },
  va_slots: { min: 0, max: 4096 },
  iotlb: { min: 1, max: 65536, powerOfTwo: true },
  cpu_tlb: { min: 0, max: 4096, powerOfTwo: true },
  calls: { min: 1, max: 64 },
  context_cache: { min: 0, max: 65536, powerOfTwo: true },
  gfns: { min: 0, max: MAX_FRAMES },
};

const IOMMUS: Readonly<Record<MachineDeclaration['arch'], readonly MachineDeclaration['iommu'][]>> = {
  x86: ['vtd', 'amdvi', 'none'],
  arm: ['smmu', 'smmuv3', 'none'],
};

/**
 * Whether a machine can be built as declared.
 * @throws what `refuse` makes at the first thing that is wrong.
 */
export function checkMachine(machine: MachineDeclaration, refuse: Refuse): void {
  const check = (part: string, problem: Problem | undefined): void => {
    if (problem !== undefined) throw refuse(machine, part, problem);
  };
  checkMemory(machine, refuse);
  check('iommu', iommuProblem(machine));
  check('s1cbndx', tooLarge('s1cbndx', machine.s1cbndx, 0xff));
  for (const part of SMMU_SIZES) check(part, sizeProblem(machine, part));
  check('noDom0', noDom0Problem(machine));
  check('dom0Pages', dom0PagesProblem(machine));
  check('dom0PageTables', dom0TablesProblem(machine));
  for (const [name, value] of Object.entries(machine.limits)) {
    const problem = limitProblem(name, value, LIMITS[name as LimitName]);
    if (problem !== undefined) throw refuse(machine.limits, name, problem);
  }
  checkDevices(machine, refuse);
  checkUnits(machine, refuse);
  checkPciParts(machine, refuse);
  const table = deviceTableProblem(machine);
  if (table !== undefined) throw refuse(machine.xenHeap, 'frames', table);
  checkReserved(machine, refuse);
  checkRegions(machine, refuse);
  check('mapInclusive', suboptionProblem(machine, machine.mapInclusive !== undefined));
  check('mapReserved', suboptionProblem(machine, machine.mapReserved !== undefined));
}

function checkFrames(range: Range, refuse: Refuse): void {
  if (range.last <= MAX_FRAME) return;
  const message = `frame ${hexText(range.last)} is above ${hexText(MAX_FRAME)}: addresses have 48 bits`;
  throw refuse(range, 'frames', { code: 'frame-too-large', message });
}

const countFrames = (ranges: readonly Range[]): number =>
  ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);

function checkMemory({ ram, xenHeap }: MachineDeclaration, refuse: Refuse): void {
  for (const range of [...ram, xenHeap]) checkFrames(range, refuse);
  const overlap = FrameSet.overlap([...ram, xenHeap]);
  if (overlap !== undefined) {
    const { range, other } = overlap;
    const name = (of: typeof range): string => `${of === xenHeap ? 'xen-heap' : 'ram'} ${rangeText(of)}`;
    // The one that the program says, where the other is a default.
    const second = range === xenHeap && ram !== DEFAULT_MACHINE.ram ? other : range;
    const [blamed, cause] = second === range ? [range, other] : [other, range];
    const message = `${name(blamed)} overlaps ${name(cause)}`;
    throw refuse(blamed, 'frames', { code: 'overlapping-ram', message });
  }
  const frames = countFrames(ram);
  if (frames > MAX_FRAMES) {
    const message = `${frames} frames of RAM are more than the model holds (${MAX_FRAMES})`;
    throw refuse(ram[0]!, 'frames', { code: 'too-much-ram', message });
  }
  if (xenHeap.last - xenHeap.first >= MAX_XEN_HEAP) {
    const message = `xen-heap has more than ${MAX_XEN_HEAP} frames`;
    throw refuse(xenHeap, 'frames', { code: 'too-much-ram', message });
  }
}

/** What the parts of an SMMU's declaration are called, the kind that has them, and their bounds. */
const SIZES = {
  smmuBanks: { name: 'banks', of: 'smmu', max: 128 },
  smmuMappings: { name: 'mappings', of: 'smmu', max: 128 },
  streamBits: { name: 'streambits', of: 'smmuv3', max: 16 },
} as const;
const SMMU_SIZES = Object.keys(SIZES) as (keyof typeof SIZES)[];

function sizeProblem(machine: MachineDeclaration, part: keyof typeof SIZES): Problem | undefined {
  const value = machine[part];
  if (value === undefined) return undefined;
  const { name, of, max } = SIZES[part];
  if (machine.iommu !== of) {
    return { code: 'wrong-iommu', message: `only ${quote(of)} has ${name}, not ${quote(machine.iommu)}` };
  }
  if (value >= 1 && value <= max) return undefined;
  return { code: 'bad-limit', message: `${name} is from 1 to ${max}, found ${value}` };
}

function iommuProblem({ arch, iommu, smmuPath, s1cbndx }: MachineDeclaration): Problem | undefined {
  const hasPath = iommu === 'smmu' || iommu === 'smmuv3';
  const wrongPath = !hasPath && smmuPath !== DEFAULT_MACHINE.smmuPath;
  if (wrongPath || (iommu !== 'smmu' && s1cbndx !== DEFAULT_MACHINE.s1cbndx)) {
    return {
      code: 'wrong-iommu',
      message: `only an SMMU has a path, only an SMMUv2 s1cbndx, not ${quote(iommu)}`,
    };
  }
  if (IOMMUS[arch].includes(iommu)) return undefined;
  const message = `a machine of ${arch} has no IOMMU ${quote(iommu)}`;
  return { code: 'wrong-iommu', message, hint: `expected one of: ${IOMMUS[arch].join(', ')}` };
}

function noDom0Problem({ arch, noDom0, dom0Pages }: MachineDeclaration): Problem | undefined {
  if (!noDom0) return undefined;
  if (arch === 'x86') return { code: 'wrong-dom0', message: 'a machine of x86 has a dom0' };
  if (dom0Pages === 0) return undefined;
  return { code: 'wrong-dom0', message: `there is no dom0 to have ${dom0Pages} pages` };
}

function dom0PagesProblem({ dom0Pages, ram }: MachineDeclaration): Problem | undefined {
  const frames = countFrames(ram);
  if (dom0Pages <= frames) return undefined;
  return { code: 'too-little-ram', message: `dom0 cannot have ${dom0Pages} pages: ram has ${frames}` };
}

function dom0TablesProblem({ arch, dom0Pages, dom0PageTables }: MachineDeclaration): Problem | undefined {
  if (dom0PageTables === 0) return undefined;
  if (arch === 'arm') {
    return { code: 'wrong-dom0', message: 'dom0 on Arm is not PV: it has no tables that Xen pins' };
  }
  if (dom0PageTables <= dom0Pages) return undefined;
  const message = `dom0 cannot have ${dom0PageTables} tables among ${dom0Pages} pages`;
  return { code: 'wrong-dom0', message };
}

function tooLarge(name: string, value: number, max: number): Problem | undefined {
  if (value <= max) return undefined;
  return { code: 'number-too-large', message: `${name} ${value} is above ${max}` };
}

function limitProblem(name: string, value: number, { min, max, powerOfTwo }: Limit): Problem | undefined {
  const code = 'bad-limit';
  if (value < min || value > max)
    return { code, message: `limit ${quote(name)} is from ${min} to ${max}, found ${value}` };
  const power = 2 ** Math.floor(Math.log2(value));
  if (!powerOfTwo || power === value || value === 0) return undefined;
  return { code, message: `limit ${quote(name)} is a power of two, found ${value}`, hint: `try ${power}` };
}

/** What is said of PCI functions: phantom strides, and the bridges and physical functions that others are named by. */
function checkPciParts({ arch, devices }: MachineDeclaration, refuse: Refuse): void {
  const names = devices.map(({ name }) => name);
  for (const device of devices) {
    const said = PCI_PARTS.find((part) => device[part] !== undefined && device[part] !== false);
    if (arch === 'arm' && said !== undefined) {
      const message = `${quote(said)} is said of PCI functions, not of nodes of the device tree`;
      throw refuse(device, said, { code: 'wrong-device', message });
    }
    if (device.phantom !== undefined && ![1, 2, 4].includes(device.phantom)) {
      const message = `a phantom function comes every 1, 2 or 4 function numbers, found ${device.phantom}`;
      throw refuse(device, 'phantom', { code: 'wrong-device', message });
    }
    for (const part of ['behind', 'vfof'] as const) {
      const name = device[part];
      if (name === undefined || (names.includes(name) && name !== device.name)) continue;
      const message = name === device.name ? `${quote(name)} is itself` : `unknown device ${quote(name)}`;
      throw refuse(device, part, { code: 'unknown-device', message, hint: offer(name, names) });
    }
    if (isBehindItself(devices, device)) {
      const message = `the bridges that ${quote(device.name)} is behind go round in a circle`;
      throw refuse(device, 'behind', { code: 'wrong-device', message });
    }
  }
}

const PCI_PARTS = ['type', 'phantom', 'behind', 'vfof', 'hidden', 'absent'] as const;

function isBehindItself(devices: readonly DeviceDeclaration[], start: DeviceDeclaration): boolean {
  let at: DeviceDeclaration | undefined = start;
  for (let steps = 0; at !== undefined; steps++) {
    if (steps > devices.length) return true;
    const { behind }: DeviceDeclaration = at;
    at = devices.find(({ name }) => name === behind);
  }
  return false;
}

function checkDevices({ arch, devices, streams }: MachineDeclaration, refuse: Refuse): void {
  const names = new Set<string>();
  const places = new Map<string | number, string>();
  for (const device of devices) {
    const { name, address, stream } = device;
    const kind = deviceProblem(arch, device);
    if (kind !== undefined) throw refuse(device, kind.part, kind);
    if (names.has(name)) {
      throw refuse(device, 'name', {
        code: 'duplicate-device',
        message: `there is a device ${quote(name)} already`,
      });
    }
    names.add(name);
    for (const place of stream === undefined ? [address] : [address, stream]) {
      const other = places.get(place);
      if (other !== undefined) {
        const [what, part] =
          place === address ? [address, 'address'] : [`stream ${hexText(stream!)}`, 'stream'];
        const message = `${what} is that of device ${quote(other)}`;
        throw refuse(device, part, { code: 'duplicate-device', message });
      }
      places.set(place, name);
    }
  }
  for (const further of streams) {
    const problem = streamProblem(further, devices, places);
    if (problem !== undefined) throw refuse(further, problem.part, problem);
    places.set(further.stream, further.device);
  }
}

function streamProblem(
  { device, stream }: MachineDeclaration['streams'][number],
  devices: readonly DeviceDeclaration[],
  places: ReadonlyMap<string | number, string>,
): (Problem & { part: string }) | undefined {
  const of = devices.find(({ name }) => name === device);
  if (of === undefined) {
    const hint = offer(
      device,
      devices.map(({ name }) => name),
    );
    return { code: 'unknown-device', part: 'device', message: `unknown device ${quote(device)}`, hint };
  }
  if (of.stream === undefined) {
    const message = `device ${quote(device)} has no stream id of its own`;
    return { code: 'wrong-device', part: 'device', message };
  }
  const other = places.get(stream);
  if (other !== undefined) {
    const message = `stream ${hexText(stream)} is that of device ${quote(other)}`;
    return { code: 'duplicate-device', part: 'stream', message };
  }
  const large = tooLarge('stream', stream, 0xffff);
  return large && { ...large, part: 'stream' };
}

function deviceProblem(
  arch: MachineDeclaration['arch'],
  { address, stream, unprotected }: DeviceDeclaration,
): (Problem & { part: string }) | undefined {
  const code = 'wrong-device';
  const inTree = address.startsWith('/');
  if (inTree !== (arch === 'arm')) {
    const [shape, example] =
      arch === 'arm'
        ? ['a device-tree path', '/amba/ethernet@ff0e0000 stream=0x874']
        : ['a PCI address', '0000:03:00.0'];
    return {
      code,
      part: 'address',
      message: `a device of a machine of ${arch} has ${shape}`,
      hint: `such as ${example}`,
    };
  }
  if (unprotected && (!inTree || stream !== undefined)) {
    return {
      code,
      part: 'flags',
      message: inTree
        ? 'a device that no IOMMU stands in front of has no stream id'
        : 'on PCI every device is behind the IOMMU; only a node of the device tree can be unprotected',
    };
  }
  if (inTree && stream === undefined && !unprotected) {
    return {
      code,
      part: 'address',
      message: 'a device of the device tree needs its stream id',
      hint: 'add stream=N, or `unprotected`',
    };
  }
  if (!inTree && stream !== undefined) {
    return {
      code,
      part: 'stream',
      message: 'a PCI device has no stream id: its address is its requester id',
    };
  }
  const large = tooLarge('stream', stream ?? 0, 0xffff);
  return large && { ...large, part: 'stream' };
}

/** AMD-Vi's device table has an entry for every requester id up to the highest, 4 KiB for half a bus. */
function deviceTableProblem({ iommu, devices, xenHeap }: MachineDeclaration): Problem | undefined {
  if (iommu !== 'amdvi') return undefined;
  const frames = deviceTableFrames(devices.map(({ address, alias }) => parseSbdf(alias ?? address) ?? 0));
  const heap = countFrames([xenHeap]);
  if (frames < heap) return undefined;
  return {
    code: 'too-little-ram',
    message: `the device table of these devices takes ${frames} frames of xen-heap, which has ${heap}`,
    hint: 'declare a larger xen-heap, or devices on lower buses',
  };
}

/** Frames of the memory map beyond RAM that a machine may declare: a device's table has an entry for each. */
const MAX_REGION_FRAMES = 2 ** 16;

/** What the memory map has beyond RAM: x86 only, and in no other place twice. */
function checkRegions({ arch, ram, xenHeap, regions }: MachineDeclaration, refuse: Refuse): void {
  const [first] = regions;
  if (first === undefined) return;
  if (arch === 'arm')
    throw refuse(first, 'kind', { code: 'wrong-arch', message: 'only x86 has a memory map of this kind' });
  for (const region of regions) checkFrames(region, refuse);
  const overlap = FrameSet.overlap([...ram, xenHeap, ...regions]);
  if (overlap !== undefined) {
    const blamed = [...regions].reverse().find((one) => one === overlap.range || one === overlap.other);
    const other = blamed === overlap.range ? overlap.other : overlap.range;
    const message = `this region overlaps ${rangeText(other)}`;
    throw refuse(blamed ?? first, 'frames', { code: 'overlapping-regions', message });
  }
  const frames = regions.reduce((sum, region) => sum + region.last - region.first + 1, 0);
  if (frames > MAX_REGION_FRAMES) {
    const message = `these regions have ${frames} frames; the model takes ${MAX_REGION_FRAMES}`;
    throw refuse(first, 'frames', { code: 'too-many-frames', message });
  }
}

function suboptionProblem({ arch }: MachineDeclaration, given: boolean): Problem | undefined {
  if (!given || arch === 'x86') return undefined;
  return { code: 'wrong-arch', message: 'map-inclusive and map-reserved are for x86; on Arm they are off' };
}
