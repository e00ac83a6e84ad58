import type { Command } from 'commander';
import { addressOf } from '../audit/expectations.js';
import { openImage } from '../audit/memory/open.js';
import { parseRamRanges, RAW_LAYOUTS } from '../audit/memory/raw.js';
import type { FoundRoot } from '../audit/roots.js';
import type { MemoryImage, Survey } from '../audit/survey.js';
import { surveyMachine } from '../audit/survey-machine.js';
import { SURVEY_BOUNDS } from '../audit/walk-space.js';
import { AMDVI_ENTRY_BYTES } from '../formats/amdvi.js';
import { choice, count, usageError } from './options.js';

/** How a source is read and its IOMMUs are found. */
export interface MachineOptions {
  readonly rtaddr?: readonly string[];
  readonly iommu?: string;
  readonly layout?: string;
  readonly base?: string;
  readonly ram?: readonly string[];
  readonly maxTables?: number;
}

const KINDS = ['vtd', 'amdvi', 'smmuv3'] as const;

export function registerMachineOptions(command: Command): void {
  command
    .option(
      '--rtaddr <addr...>',
      'where the root (VT-d), device (AMD-Vi) or stream table (SMMUv3) is, [SEGMENT:]ADDRESS',
    )
    .option('--iommu <kind>', `whose table --rtaddr is: ${KINDS.join(', ')} (default: vtd)`)
    .option('--layout <name>', `how a raw file holds memory: ${RAW_LAYOUTS.join(', ')}`)
    .option('--base <addr>', 'physical address of the first byte of a raw file (pmemsave)')
    .option('--ram <range...>', 'where parts of a raw file belong: START-END[@OFFSET]')
    .option('--max-tables <n>', 'page tables to read at most', count(1, 2 ** 31));
}

/** A source that was opened, and what its tables say. */
export interface AuditedMachine {
  readonly image: MemoryImage;
  readonly survey: Survey;
}

/** @throws InputError when the source or an option cannot be used, or no IOMMU is found. */
export async function auditMachine(source: string, options: MachineOptions): Promise<AuditedMachine> {
  const roots = givenRoots(options);
  const image = await openImage(source, {
    layout: choice('--layout', options.layout, RAW_LAYOUTS),
    base: options.base === undefined ? undefined : addressOption('--base', options.base),
    ranges: options.ram === undefined ? undefined : parseRamRanges(options.ram),
  });
  try {
    const { maxTables = SURVEY_BOUNDS.tables } = options;
    return { image, survey: surveyMachine(image, roots, { ...SURVEY_BOUNDS, tables: maxTables }) };
  } catch (error) {
    await image.close();
    throw error;
  }
}

function addressOption(option: string, text: string): number {
  const address = addressOf(text);
  if (address !== undefined) return address;
  throw usageError(option, `\`${text}\` is no address; 0x7f9f0000, for example, is one`);
}

/** The roots that the command line gives. */
function givenRoots({ rtaddr = [], iommu }: MachineOptions): FoundRoot[] {
  const kind = choice('--iommu', iommu, KINDS) ?? 'vtd';
  return rtaddr.map((text) => {
    const [, segment = '0', address = ''] = /^(?:([0-9a-f]{1,4}):)?(.+)$/i.exec(text) ?? [];
    const value = addressOption('--rtaddr', address);
    return { ...rootOfRegister(kind, value), segment: Number.parseInt(segment, 16), foundBy: '--rtaddr' };
  });
}

/** RTADDR_REG's mode in bits 11:10 (Intel VT-d spec 5.10 §11.4.5). */
const VTD_MODES = { 0: 'legacy', 1: 'scalable', 3: 'abort' } as const;

/**
 * A table's address as its register has it. The low bits of the register say how the table is to be read; where they are
 * zero, an AMD-Vi device table is taken to be whole (AMD IOMMU spec 3.08 §3.4.1, MMIO 0000h: pages less one).
 */
function rootOfRegister(kind: FoundRoot['kind'], value: number): Omit<FoundRoot, 'segment' | 'foundBy'> {
  const root = { kind, table: value - (value % 4096), registers: null, enabled: null };
  if (kind === 'vtd') {
    const mode = VTD_MODES[(Math.floor(value / 1024) % 4) as keyof typeof VTD_MODES];
    return mode === undefined ? root : { ...root, mode };
  }
  const pages = value % 512;
  return kind === 'amdvi' && pages > 0 ? { ...root, size: ((pages + 1) * 4096) / AMDVI_ENTRY_BYTES } : root;
}
