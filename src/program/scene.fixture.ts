import { fileURLToPath } from 'node:url';
import { SourceText } from '../text/source.js';
import { resolveEdition } from '../xen/editions/edition.js';
import { DEFAULT_ALPHABET } from './alphabet-bounds.js';
import { type ConfigMachine, programOfConfigs } from './configs-program.js';
import { parseProgram } from './parse.js';
import type { Program } from './program.js';
import { type RunResult, runProgram, type StepResult } from './runner.js';
import { type VerifyBounds, type VerifyResult, verifyProgram } from './verify.js';

export const example = (name: string): string =>
  fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));

/** A program by its text. */
export const program = (text: string): Program => parseProgram(new SourceText('test.dommu', text));

export const run = (text: string, edition = '4.22'): RunResult =>
  runProgram(program(text), resolveEdition(edition));

/** Status of each step. */
export const statuses = (text: string, edition?: string): string[] =>
  run(text, edition).steps.map(({ status }) => status);

export const last = (text: string, edition?: string): StepResult => run(text, edition).steps.at(-1)!;

/** A PV guest `g` with two pages and a network card; a third page is free. */
export const PV = `
machine x86
ram 0x100..0x103
dom0 pages=1
device nic 0000:03:00.0
createdomain g iommu max_pages=3
populate_physmap g 0x101
populate_physmap g 0x102
assign_device g nic
`;

export const bounds = (changed: Partial<VerifyBounds> = {}): VerifyBounds => ({
  ...DEFAULT_ALPHABET,
  pages: 1,
  search: {},
  ...changed,
});

/** The program that starts the domains of examples' configs. */
export function configs(
  names: readonly string[],
  edition: string,
  asked: VerifyBounds = bounds(),
  host: Partial<ConfigMachine> = {},
): Program {
  const arm = names.some((name) => name.startsWith('arm'));
  const machine: ConfigMachine = {
    arch: arm ? 'arm' : 'x86',
    iommu: arm ? 'smmu' : 'vtd',
    dom0Mode: 'relaxed',
    sharept: true,
    quarantine: true,
    ...host,
  };
  return programOfConfigs(names.map(example), machine, asked, resolveEdition(edition)).program;
}

export function verify(
  name: string,
  edition: string,
  asked: VerifyBounds = bounds(),
  host: Partial<ConfigMachine> = {},
): Promise<VerifyResult> {
  return verifyProgram(configs([name], edition, asked, host), resolveEdition(edition), asked);
}
