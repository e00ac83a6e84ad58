import type { Command } from 'commander';
import { addressOf } from '../audit/expectations.js';
import { findRoots, type RootsFound } from '../audit/find-roots.js';
import { openImage } from '../audit/memory/open.js';
import { parseRamRanges, RAW_LAYOUTS } from '../audit/memory/raw.js';
import { givenRoot } from '../audit/root-address.js';
import type { RootFacts } from '../audit/root-facts.js';
import type { Survey } from '../audit/survey.js';
import { surveyMachine } from '../audit/survey-machine.js';
import { SURVEY_BOUNDS } from '../audit/walk-space.js';
import { findLab } from '../lab/qemu/lab.js';
import { labFiles, labFolder } from '../lab/qemu/run-folder.js';
import { InputError } from '../text/diagnostic.js';
import { choice, count, usageError } from './options.js';

/** How a source is read and its IOMMUs are found. */
export interface MachineOptions {
  readonly rtaddr?: readonly string[];
  readonly layout?: string;
  readonly base?: string;
  readonly ram?: readonly string[];
  readonly maxTables?: number;
  readonly live?: boolean;
}

export function registerMachineOptions(command: Command): void {
  command
    .option(
      '--rtaddr <value...>',
      'roots, as the registers hold them: [vtd|amdvi|smmuv3:][SEGMENT:]VALUE, for smmuv3 STRTAB_BASE/STRTAB_BASE_CFG',
    )
    .option('--layout <name>', `how a raw file holds memory: ${RAW_LAYOUTS.join(', ')}`)
    .option('--base <addr>', 'physical address of the first byte of a raw file (pmemsave)')
    .option('--ram <range...>', 'where parts of a raw file belong: START-END[@OFFSET]')
    .option('--live', 'let a machine under QEMU run on while it is read')
    .option('--max-tables <n>', 'page tables to read at most', count(1, 2 ** 31));
}

/** How the roots in a source were found, and what its tables say. */
export interface AuditedMachine {
  readonly found: RootsFound;
  readonly survey: Survey;
}

/**
 * Reads a source, which is closed again: a machine that was stopped goes on before anything is judged or written.
 * @throws InputError when the source or an option cannot be used, or no IOMMU is found.
 */
export async function auditMachine(
  source: string,
  options: MachineOptions,
  facts?: RootFacts,
): Promise<AuditedMachine> {
  const given = (options.rtaddr ?? []).map(givenRoot);
  const image = await openImage(placeOf(source), {
    live: options.live,
    layout: choice('--layout', options.layout, RAW_LAYOUTS),
    base: options.base === undefined ? undefined : addressOption('--base', options.base),
    ranges: options.ram === undefined ? undefined : parseRamRanges(options.ram),
  });
  try {
    const found = await findRoots(image, { given, ...(facts === undefined ? {} : { facts }) });
    if (found.roots.length === 0) throw noRoot(source, [...image.notes, ...found.notes]);
    const { maxTables = SURVEY_BOUNDS.tables } = options;
    return { found, survey: surveyMachine(image, found.roots, { ...SURVEY_BOUNDS, tables: maxTables }) };
  } finally {
    await image.close();
  }
}

/** `lab:NAME` as the socket of its QEMU; other sources as they are. @throws LabError when there is no such lab. */
function placeOf(source: string): string {
  const name = /^lab:(.*)$/.exec(source)?.[1];
  return name === undefined ? source : `qmp:${labFiles(labFolder(findLab(name).name)).qmp}`;
}

const noRoot = (source: string, notes: readonly string[]): InputError =>
  new InputError({
    severity: 'error',
    code: 'no-iommu',
    message: `no IOMMU was found in it: ${notes.join('; ') || 'nothing looks like its tables'}`,
    file: source,
    line: 1,
    column: 1,
    hint: 'give its root with --rtaddr: the value of RTADDR_REG, of the device table base, or of STRTAB_BASE/STRTAB_BASE_CFG',
  });

function addressOption(option: string, text: string): number {
  const address = addressOf(text);
  if (address !== undefined) return address;
  throw usageError(option, `\`${text}\` is no address; 0x7f9f0000, for example, is one`);
}
