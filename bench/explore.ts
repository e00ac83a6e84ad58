import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type Browser, chromium, type Page } from 'playwright-core';
import { BIG_MACHINE, LONG_RUN } from '../src/explore/big-machine.fixture.js';
import { Explorer } from '../src/explore/explorer.js';
import { explorePage } from '../src/explore/page.js';
import type { ExploreSource } from '../src/explore/source.js';
import { pagePart } from '../src/report/page-parts.js';
import { chromiumPath } from '../web/chromium.fixture.js';

/**
 * Steps taken somewhere in the page: milliseconds from the key to the answers, and to where they are drawn and laid out; and
 * of the processor's time, all threads together.
 */
interface StepFigures {
  readonly where: string;
  readonly answered: Spread;
  readonly drawn: Spread;
  readonly cpu: number;
}

interface Spread {
  readonly median: number;
  /** Of a hundred, five are worse. */
  readonly p95: number;
}

/** A run of as many steps as a program may have. */
interface LongFigures {
  readonly steps: number;
  /** Milliseconds from the page's first byte to the first step on the screen. */
  readonly open: number;
  /** Of the processor's time, all threads together; and of the same recording in Node. */
  readonly cpu: number;
  readonly peer: number;
  /** Frames while the slider is dragged through all of the run, milliseconds from one to the next, and how many steps were shown. */
  readonly frame: Spread;
  readonly frames: number;
  readonly shown: number;
}

export interface ExploreFigures {
  /** Bytes of the page's scripts, compressed: what is loaded at once. */
  readonly scripts: number;
  /** Bytes of a page in one file, as it stands and compressed. */
  readonly exported: readonly [plain: number, compressed: number];
  /** CPU milliseconds that it takes to run the 1,050 steps of the big machine: what a step would take by running again. */
  readonly rerun: number;
  readonly places: readonly StepFigures[];
  readonly long: LongFigures;
}

/** Done in the page: what a reader does, with a clock beside it. */
const IN_PAGE = `
const root = () => document.documentElement;
const slider = () => document.querySelector('input[type=range]');
const until = (met) => new Promise((done) => {
  const look = () => met(root().dataset) && (watch.disconnect(), done());
  const watch = new MutationObserver(look);
  watch.observe(root(), { attributes: true });
  look();
});
const drag = (step) => {
  slider().value = String(step);
  slider().dispatchEvent(new Event('input', { bubbles: true }));
};
window.bench = {
  judged: (length) => until(({ judged }) => Number(judged) > length),
  async steps(from, count) {
    const [answered, drawn] = [[], []];
    for (let step = from; step < from + count; step++) {
      // A reader takes a step when the last has been painted.
      await new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)));
      const begin = performance.now();
      drag(step);
      await until((shown) => shown.step === String(step));
      answered.push(performance.now() - begin);
      // What is drawn is drawn in a microtask; asking for a size lays it out.
      await new Promise((done) => setTimeout(done));
      root().getBoundingClientRect();
      drawn.push(performance.now() - begin);
    }
    return { answered, drawn };
  },
  async scrub(length, count) {
    const frames = [];
    let shown = 0;
    const watch = new MutationObserver(() => shown++);
    watch.observe(root(), { attributes: true, attributeFilter: ['data-step'] });
    let last = await new Promise(requestAnimationFrame);
    for (let i = 1; i <= count; i++) {
      drag(Math.round((length * i) / count));
      const now = await new Promise(requestAnimationFrame);
      frames.push(now - last);
      last = now;
    }
    watch.disconnect();
    return { frames, shown };
  },
};
`;

const spread = (times: readonly number[]): Spread => {
  const sorted = times.toSorted((a, b) => a - b);
  return { median: sorted[sorted.length >> 1]!, p95: sorted[Math.floor(sorted.length * 0.95)]! };
};

/** CPU milliseconds that the browser's pages have taken so far. */
async function pageCpu(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo
    .filter(({ type }) => type === 'renderer')
    .reduce((sum, { cpuTime }) => sum + cpuTime * 1e3, 0);
}

/** CPU milliseconds that work takes in this process. */
function ownCpu(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e3;
}

const STEPS = 100;
const FRAMES = 300;

const sourceOf = (text: string): ExploreSource => ({ name: 'big.dommu', text, configs: {} });

/** Opens the page of a program as a file, and waits until it shows the run. */
async function open(browser: Browser, folder: string, text: string): Promise<Page> {
  const file = join(folder, 'explore.html');
  writeFileSync(file, explorePage({ source: sourceOf(text), step: 0, editable: true }));
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.addInitScript(IN_PAGE);
  await page.goto(pathToFileURL(file).href);
  await page.locator('#outcome strong').first().waitFor();
  return page;
}

async function benchSteps(browser: Browser, page: Page, length: number): Promise<StepFigures[]> {
  const measure = async (where: string): Promise<StepFigures> => {
    // The first steps are those of a cold compiler.
    await page.evaluate(`bench.steps(1, ${STEPS})`);
    const before = await pageCpu(browser);
    const { answered, drawn } = await page.evaluate<{ answered: number[]; drawn: number[] }>(
      `bench.steps(${length - STEPS}, ${STEPS})`,
    );
    const cpu = ((await pageCpu(browser)) - before) / STEPS;
    return { where, answered: spread(answered), drawn: spread(drawn), cpu };
  };
  const figures = [await measure('while steps are judged')];
  await page.evaluate(`bench.judged(${length})`);
  for (const name of await page.getByRole('tab').allTextContents()) {
    await page.getByRole('tab', { name, exact: true }).click();
    figures.push(await measure(name));
  }
  return figures;
}

async function benchLong(browser: Browser, folder: string): Promise<LongFigures> {
  let length = 0;
  const peer = ownCpu(() => {
    length = new Explorer(sourceOf(LONG_RUN)).opened.length;
  });
  const before = await pageCpu(browser);
  const page = await open(browser, folder, LONG_RUN);
  const opened = await page.evaluate<number>(`performance.now()`);
  const cpu = (await pageCpu(browser)) - before;
  await page.evaluate(`bench.judged(${length})`);
  await page.evaluate(`bench.scrub(${length}, ${FRAMES})`);
  const { frames, shown } = await page.evaluate<{ frames: number[]; shown: number }>(
    `bench.scrub(${length}, ${FRAMES})`,
  );
  await page.close();
  return { steps: length, open: opened, cpu, peer, frame: spread(frames), frames: frames.length, shown };
}

/** Measures the page in Chromium; undefined where there is none. */
export async function benchExplore(): Promise<ExploreFigures | undefined> {
  if (chromiumPath === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'dommu-bench-explore-'));
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
  try {
    let length = 0;
    const rerun = ownCpu(() => {
      length = new Explorer(sourceOf(BIG_MACHINE)).opened.length;
    });
    const big = await open(browser, folder, BIG_MACHINE);
    const places = await benchSteps(browser, big, length);
    await big.close();
    const scripts = ['explore-first.js', 'explore.js', 'explore-worker.js'].map(
      (name) => gzipSync(pagePart(name)).length,
    );
    const html = explorePage({ source: sourceOf('machine x86\n'), step: 0, editable: false });
    return {
      scripts: scripts.reduce((sum, size) => sum + size),
      exported: [Buffer.byteLength(html), gzipSync(html).length],
      rerun,
      places,
      long: await benchLong(browser, folder),
    };
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true });
  }
}

/** The figures as lines of text. */
export function exploreReport(figures: ExploreFigures | undefined): string {
  if (figures === undefined) return 'the explorer is measured in Chromium, which is not installed here';
  const { scripts, exported, rerun, places, long } = figures;
  const [plain, compressed] = exported.map((size) => `${(size / 1e6).toFixed(2)} MB`);
  const ms = ({ median, p95 }: Spread) => `${median.toFixed(1)} (${p95.toFixed(1)})`;
  const width = Math.max(...places.map(({ where }) => where.length));
  return [
    `the explorer's scripts: ${(scripts / 1e3).toFixed(0)} kB compressed; a page in one file: ${plain}, ${compressed} compressed`,
    'a step on 4,096 frames, in ms: until it is answered, median (95 %); until it is drawn; CPU time; times as cheap as running again',
    ...places.map(
      ({ where, answered, drawn, cpu }) =>
        `  ${where.padEnd(width)}  ${ms(answered).padStart(12)}  ${ms(drawn).padStart(12)}  ${cpu.toFixed(1).padStart(5)}  ${(rerun / cpu).toFixed(0).padStart(4)}`,
    ),
    `a run of ${long.steps} steps: on the screen after ${long.open.toFixed(0)} ms, ${long.cpu.toFixed(0)} ms of CPU time, ${(long.cpu / long.peer).toFixed(2)} times what recording it takes in Node`,
    `  dragged from end to end: ${long.frames} frames of ${ms(long.frame)} ms, of which ${long.shown} showed another step`,
  ].join('\n');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(exploreReport(await benchExplore()));
}
