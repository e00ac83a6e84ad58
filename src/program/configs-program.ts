import { InputError } from '../text/diagnostic.js';
import type { Edition } from '../xen/editions/edition.js';
import { deviceTableFrames, parseSbdf } from '../xen/machine.js';
import { deviceAddresses, domainName, type ResolvedConfig, startDomain } from './config-domain.js';
import { loadConfig } from './load-config.js';
import {
  DEFAULT_MACHINE,
  type DeviceDeclaration,
  type MachineDeclaration,
  type Program,
  type Range,
} from './program.js';
import type { VerifyBounds } from './verify.js';

export interface ConfigMachine {
  readonly arch: 'x86' | 'arm';
  readonly iommu: MachineDeclaration['iommu'];
  readonly dom0Mode: MachineDeclaration['dom0Mode'];
  readonly sharept: boolean;
  readonly quarantine: boolean;
  readonly scratchPage?: boolean;
}

/** Where domains' memory and Xen's own begin on the machine that is made for configs. */
const FIRST_FRAME = 0x100;
const XEN_FRAME = 0x10;

/**
 * The program that boots a small machine with dom0 and starts the domains of xl configs on it, as xl would. Its memory
 * is as large as the bounds say: what a guest can do with a page does not depend on how many it has.
 * @throws InputError when a config cannot be used or its domain would not start.
 */
export function programOfConfigs(
  files: readonly string[],
  host: ConfigMachine,
  bounds: VerifyBounds,
  edition: Edition,
): { program: Program; configs: readonly ResolvedConfig[] } {
  const configs = files.map((file) => loadConfig(file, host, edition));
  const devices = configs.flatMap((config, index) => devicesOf(config, host.arch, index));
  const frames = 1 + configs.length * bounds.pages;
  const machine: MachineDeclaration = {
    ...DEFAULT_MACHINE,
    ...host,
    ram: [{ first: FIRST_FRAME, last: FIRST_FRAME + frames - 1 }],
    xenHeap: xenHeapFor(host, configs.length + 1, devices, FIRST_FRAME + frames),
    dom0Pages: 1,
    devices,
    limits: {
      domains: configs.length + 1,
      grants: bounds.refs,
      handles: bounds.handles * configs.length,
      va_slots: bounds.vaSlots,
      iotlb: iotlbFor(frames, bounds),
      gfns: bounds.pages + bounds.handles,
    },
  };
  const taken = new Set(['dom0', 'dom_io', 'dom_invalid']);
  const memory = { pages: bounds.pages, populated: Math.max(1, bounds.pages - 1) };
  const steps = configs.flatMap((config) => {
    const name = domainName(config, taken);
    taken.add(name);
    return startDomain(name, config, memory, devices, { line: 1, column: 1 });
  });
  return { program: { file: files.join(' '), machine, configs: [], steps }, configs };
}

/** Entries of an IOTLB in which no two inputs meet: frames and guest frames have half of it each. */
function iotlbFor(frames: number, { pages, handles }: VerifyBounds): number {
  const size = 2 ** Math.ceil(Math.log2(frames + pages + 2));
  return Math.max(frames, pages + handles) <= size / 2 ? size : size * 2;
}

/** Frames of Xen's own for so many domains. They stand below the domains' memory, if need be above it. */
function xenHeapFor(
  { iommu }: ConfigMachine,
  domains: number,
  devices: readonly DeviceDeclaration[],
  end: number,
): Range {
  const requesters = devices.map(({ address }) => parseSbdf(address) ?? 0);
  const count = 16 + 12 * domains + (iommu === 'amdvi' ? deviceTableFrames(requesters) : 0);
  const first = XEN_FRAME + count <= FIRST_FRAME ? XEN_FRAME : end;
  return { first, last: first + count - 1 };
}

/** The devices that a config lists, as devices of the machine. */
function devicesOf(
  resolved: ResolvedConfig,
  arch: ConfigMachine['arch'],
  index: number,
): DeviceDeclaration[] {
  return deviceAddresses(resolved.config).map((address, n) => {
    const name = `dev${index === 0 ? '' : `${index}_`}${n}`;
    if (arch === 'arm') return { name, address, stream: index * 16 + n + 1, withheld: true };
    if (parseSbdf(address) !== undefined) return { name, address };
    const { source } = resolved;
    const [place] = resolved.config.pciPlaces;
    throw new InputError(
      {
        severity: 'error',
        code: 'segment',
        message: `${address}: the model has PCI segment 0000 only`,
        file: source.name,
        ...(place === undefined ? { line: 1, column: 1 } : source.position(place.offset)),
      },
      source,
    );
  });
}
