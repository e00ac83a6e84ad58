import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MiniHypervisor } from '../../examples/other-model/mini.js';
import { processSeconds } from '../../src/check/node-crew.js';
import type { SearchResult } from '../../src/check/result.js';
import { search } from '../../src/check/search.js';
import { promela } from './promela.js';

/** What an engine says of the model. */
export interface Verdict {
  readonly states: number;
  readonly transitions: number;
  readonly cpuSeconds: number;
  readonly bytesPerState: number;
}

/** The same model by SPIN and by dommu, with as many pages. */
export interface SpinFigures {
  readonly pages: number;
  readonly spin: Verdict;
  readonly dommu: Verdict;
  /** With pages and domains that may change places: fewer states, the same verdict. */
  readonly symmetry: Verdict;
  readonly disagreement: string | undefined;
}

const COMPILED = ['-O2', '-DNOREDUCE', '-DSAFETY', '-DMEMLIM=18000', '-DVECTORSZ=1024'];
const RUN = '-m4000000 -w24';

/** Lets SPIN search the model, every step of which asserts the properties. */
export function bySpin(pages: number): Verdict {
  const folder = mkdtempSync(join(tmpdir(), 'dommu-spin-'));
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    writeFileSync(join(folder, 'model.pml'), promela(pages, true));
    run('spin', '-a', 'model.pml');
    run('gcc', ...COMPILED, '-o', 'pan', 'pan.c');
    return spinVerdict(run('sh', '-c', `./pan ${RUN}; times`));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Reads what pan prints, and below it the times of the shell and of pan. */
function spinVerdict(output: string): Verdict {
  const errors = figure(output, /errors: (\d+)/);
  if (errors !== 0) throw new Error(`SPIN finds ${errors} errors in the model`);
  const states = figure(output, /(\d+) states, stored/);
  const [, minutes, seconds, systemMinutes, systemSeconds] =
    /(\d+)m([\d.]+)s (\d+)m([\d.]+)s\s*$/.exec(output) ?? [];
  const cpuSeconds =
    Number(minutes) * 60 + Number(seconds) + Number(systemMinutes) * 60 + Number(systemSeconds);
  const megabytes = figure(output, /([\d.]+)\s+total actual memory usage/);
  return {
    states,
    // SPIN counts the way into the first state, too.
    transitions: figure(output, /(\d+) transitions/) - 1,
    cpuSeconds,
    bytesPerState: (megabytes * 2 ** 20) / states,
  };
}

function figure(output: string, pattern: RegExp): number {
  const found = pattern.exec(output)?.[1];
  if (found === undefined) throw new Error(`no ${pattern.source} in what SPIN prints:\n${output}`);
  return Number(found);
}

async function byDommu(pages: number, symmetries: boolean): Promise<Verdict> {
  const result: SearchResult = await search(new MiniHypervisor(pages), {
    bounds: {},
    symmetries,
    cpuClock: processSeconds,
  });
  if (result.stop !== 'exhausted' || result.violations.length > 0)
    throw new Error(`dommu ends with ${result.stop} and ${result.violations.length} violations`);
  const { states, transitions, cpuSeconds, bytes } = result;
  return { states, transitions, cpuSeconds, bytesPerState: bytes / states };
}

/** Both engines on the model with so many pages; the counts must agree. */
export async function benchSpin(pages = 3): Promise<SpinFigures> {
  const spin = bySpin(pages);
  const dommu = await byDommu(pages, false);
  const symmetry = await byDommu(pages, true);
  const same = spin.states === dommu.states && spin.transitions === dommu.transitions;
  const disagreement = same
    ? undefined
    : `SPIN counts ${spin.states} states and ${spin.transitions} transitions, dommu ${dommu.states} and ${dommu.transitions}`;
  return { pages, spin, dommu, symmetry, disagreement };
}

const whole = (value: number): string => Math.round(value).toLocaleString('en-US');

export function spinReport({ pages, spin, dommu, symmetry, disagreement }: SpinFigures): string {
  const row = (name: string, { states, transitions, cpuSeconds, bytesPerState }: Verdict) =>
    [
      name.padEnd(28),
      whole(states).padStart(11),
      whole(transitions).padStart(12),
      cpuSeconds.toFixed(1).padStart(7),
      whole(states / cpuSeconds).padStart(10),
      bytesPerState.toFixed(0).padStart(12),
    ].join('');
  const ratio = (value: number) => `${value.toFixed(2)} ×`;
  const rate = ({ states, cpuSeconds }: Verdict) => states / cpuSeconds;
  return [
    `The model of examples/other-model with ${pages} pages`,
    '                                 states transitions   CPU s states/CPU s bytes/state',
    row(`SPIN ${COMPILED.slice(0, 2).join(' ')}`, spin),
    row('dommu', dommu),
    row('dommu with symmetry', symmetry),
    `  counts      ${disagreement ?? 'agree'}`,
    `  rate        ${ratio(rate(dommu) / rate(spin))} SPIN's states per CPU second`,
    `  to verdict  ${ratio(spin.cpuSeconds / symmetry.cpuSeconds)} as fast as SPIN, with symmetry`,
  ].join('\n');
}

/** The bench, or what it needs to run. It installs nothing. */
export async function spinBench(): Promise<string> {
  const missing = ['spin', 'gcc'].filter((command) => !isThere(command));
  if (missing.length > 0) return `spin: not run, ${missing.join(' and ')} not found on the path`;
  const figures = await benchSpin();
  if (figures.disagreement !== undefined) process.exitCode = 1;
  return spinReport(figures);
}

function isThere(command: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
