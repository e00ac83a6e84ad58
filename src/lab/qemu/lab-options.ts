import type { LabRelease } from '../image/recipe.js';
import type { MachineShape } from './machine-shape.js';

/** How Xen treats dom0's devices: what `dom0-iommu=` of its command line says. */
export const DOM0_IOMMU = ['relaxed', 'strict', 'passthrough'] as const;
export type Dom0Iommu = (typeof DOM0_IOMMU)[number];

export interface LabOptions {
  /** Release of Debian that Xen and dom0 are from. */
  readonly release?: LabRelease;
  readonly iommu?: MachineShape['iommu'];
  readonly dom0Iommu?: Dom0Iommu;
  /** The user's own Xen, `xen.gz` or the ELF in it. */
  readonly xen?: string | undefined;
  /** More for the command lines of Xen and of dom0's kernel. */
  readonly xenArgs?: string | undefined;
  readonly dom0Args?: string | undefined;
  readonly memoryMib?: number;
  /** Boots, though there may be a snapshot, and makes none. */
  readonly cold?: boolean;
  /** The lab ends by itself after as many seconds. */
  readonly lifetimeSeconds?: number;
  /** How long a boot may take. */
  readonly bootSeconds?: number;
  /** A name to attach to it by; without one it has one that nobody needs to know. */
  readonly name?: string;
  /** The agent's bundle; without it what `npm run build` made. */
  readonly agent?: string;
  /** Told what is going on. */
  readonly progress?: (text: string) => void;
}

export const DEFAULTS = {
  release: 'bookworm',
  iommu: 'vtd',
  dom0Iommu: 'relaxed',
  memoryMib: 3072,
  lifetimeSeconds: 7200,
  bootSeconds: 120,
} as const;

/** Memory that dom0 gets; the rest is for domains. */
export const DOM0_MIB = 768;

/** What Xen is told: everything it has to say, on the serial port, and dom0's share. */
function xenArguments({ dom0Iommu, xenArgs: own = '' }: LabOptions): string {
  return [
    'console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all conring_size=1M',
    `dom0_mem=${DOM0_MIB}M,max:${DOM0_MIB}M`,
    'iommu=verbose,debug',
    // RAM is zero when QEMU starts; scrubbing it would only fill the file that holds it.
    'bootscrub=off',
    dom0Iommu === undefined || dom0Iommu === 'relaxed' ? '' : `dom0-iommu=${dom0Iommu}`,
    own,
  ]
    .filter((part) => part !== '')
    .join(' ');
}

/**
 * What dom0's kernel is told. Three of its habits take seconds under emulation and serve nobody here: checking all
 * page tables after write-protecting its code, mapping the whole PCI configuration space, and testing its ciphers.
 */
function dom0Arguments({ dom0Args: own = '' }: LabOptions): string {
  return `console=hvc0 quiet rodata=off pci=nommconf cryptomgr.notests${own === '' ? '' : ` ${own}`}`;
}

export function shapeOf(options: LabOptions): MachineShape {
  return {
    iommu: options.iommu ?? DEFAULTS.iommu,
    memoryMib: options.memoryMib ?? DEFAULTS.memoryMib,
    xenArguments: xenArguments(options),
    dom0Arguments: dom0Arguments(options),
  };
}
