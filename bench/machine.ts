import { pathToFileURL } from 'node:url';
import { BIG_MACHINE } from '../src/explore/big-machine.fixture.js';
import type { Question } from '../src/explore/explorer.js';
import { Explorer } from '../src/explore/explorer.js';

/** What the Machine tab of the explorer costs at a step of a machine of 4,096 frames, in the model. */
export interface MachineFigures {
  readonly steps: number;
  /** CPU milliseconds a step, all views of the tab together: going from step to step, and anywhere. */
  readonly next: number;
  readonly anywhere: number;
  /** By who remembers nothing of other steps: a run opened anew, the opening not counted. */
  readonly anew: number;
}

const WINDOW = { from: 0, count: 40, fold: true, opened: [], only: 'all', find: undefined } as const;

/** What the tab asks at a step. */
const QUESTIONS: readonly Question[] = [
  { view: 'domains', args: undefined },
  { view: 'disagreements', args: { count: 12 } },
  { view: 'domainEntries', args: { ...WINDOW, slot: 1 } },
  { view: 'frames', args: { ...WINDOW, owner: undefined, xens: false } },
];

const STEPS = 500;
const FIRST = 400;
const FRESH = 10;

const open = (): Explorer => new Explorer({ name: 'big.dommu', text: BIG_MACHINE, configs: {} });

function ask(explorer: Explorer, step: number): string {
  return JSON.stringify(QUESTIONS.map(({ view, args }) => explorer.answer(step, view, args as never)));
}

/** CPU milliseconds that `work` takes, each time. */
function cpuEach(count: number, work: (i: number) => void): number {
  const before = process.cpuUsage();
  for (let i = 0; i < count; i++) work(i);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e3 / count;
}

/** A step on and jumps, against looking at everything anew, which must find the same. */
export async function benchMachine(): Promise<MachineFigures> {
  const explorer = open();
  const somewhere = (i: number) => (Math.imul(i + 1, 0x9e3779b1) >>> 4) % explorer.opened.length;
  for (let i = 0; i < STEPS; i++) ask(explorer, somewhere(i));
  const next = cpuEach(STEPS, (i) => ask(explorer, FIRST + i));
  const anywhere = cpuEach(STEPS, (i) => ask(explorer, somewhere(i)));
  const others = Array.from({ length: FRESH }, open);
  const found: string[] = [];
  const anew = cpuEach(FRESH, (i) => found.push(ask(others[i]!, FIRST + i)));
  found.forEach((answer, i) => {
    if (answer !== ask(explorer, FIRST + i)) throw new Error(`step ${FIRST + i} is not told alike`);
  });
  return { steps: explorer.opened.length, next, anywhere, anew };
}

/** The figures as lines of text. */
export function machineReport({ steps, next, anywhere, anew }: MachineFigures): string {
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  return `Machine tab, 4096 frames, ${steps} steps: the next step ${ms(next)} of the processor's time, anywhere ${ms(anywhere)}, looked at anew ${ms(anew)}`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(machineReport(await benchMachine()));
}
