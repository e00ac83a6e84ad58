import { pathToFileURL } from 'node:url';
import { Execution } from '../src/program/execution.js';
import { parseProgram } from '../src/program/parse.js';
import { Run } from '../src/program/runner.js';
import { Timeline } from '../src/program/timeline.js';
import { SourceText } from '../src/text/source.js';
import { DEFAULT_EDITION, resolveEdition } from '../src/xen/editions/edition.js';

/** What it costs to record a long run, and to move in it. */
export interface TimelineFigures {
  /** Frames of the machine. */
  readonly frames: number;
  readonly steps: number;
  readonly writes: number;
  readonly stepsPerSecond: number;
  /** CPU seconds of a recording by those of a run that reports its statuses and nothing else. */
  readonly ratio: number;
  /** And by those of carrying the statements out and looking at nothing. */
  readonly bareRatio: number;
  /** Bytes of the record for each write, with what is needed to jump in it. */
  readonly bytesPerWrite: number;
  /** Milliseconds to go from the first step to the last, to a step at random, and to the next step; and what one changed. */
  readonly endToEnd: number;
  readonly anywhere: number;
  readonly next: number;
  readonly changes: number;
}

const ROUNDS = 5;
const JUMPS = 200;

/** A guest that maps a page, has its card write it, and makes another a page table, again and again: as many steps as a program may have. */
const program = (frames: number) => {
  const once = `update_va_mapping guest va=0 0x1011 rw
dma nic write 0x1011000
update_va_mapping guest va=0
dma nic read 0x1012008
pin_l1_table guest 0x1013
unpin_table guest 0x1013
`;
  const text = `ram 0x1000..0x${(0x1000 + frames - 1).toString(16)}
dom0 pages=4
device nic 0000:03:00.0
createdomain guest iommu max_pages=${frames}
populate_physmap guest 0x1010 gfn=0 count=${Math.min(frames - 32, 1024)}
assign_device guest nic
repeat 166
${once.repeat(100)}
end
`;
  return parseProgram(new SourceText('timeline.dommu', text));
};

/** CPU milliseconds that `work` takes. */
function cpuMilliseconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e3;
}

/** The median of `count` times that `work` takes, in milliseconds. */
function median(count: number, work: (i: number) => void): number {
  const times = Array.from({ length: count }, (_, i) => {
    const before = performance.now();
    work(i);
    return performance.now() - before;
  });
  return times.sort((a, b) => a - b)[count >> 1]!;
}

function measure(frames: number): TimelineFigures {
  const [asked, edition] = [program(frames), resolveEdition(DEFAULT_EDITION)];
  let running = Number.POSITIVE_INFINITY;
  let bare = Number.POSITIVE_INFINITY;
  let recording = Number.POSITIVE_INFINITY;
  let timeline = Timeline.record(asked, edition);
  for (let round = 0; round < ROUNDS; round++) {
    const run = new Run(asked, edition, { check: 'none', changes: false });
    running = Math.min(
      running,
      cpuMilliseconds(() => run.execute()),
    );
    const execution = new Execution(asked, edition, { before: () => {}, after: () => {} });
    bare = Math.min(
      bare,
      cpuMilliseconds(() => execution.run()),
    );
    recording = Math.min(
      recording,
      cpuMilliseconds(() => (timeline = Timeline.record(asked, edition))),
    );
  }
  if (timeline.stopped !== undefined) throw timeline.stopped;
  const { length } = timeline;
  const somewhere = (i: number) => (Math.imul(i + 1, 0x9e3779b1) >>> 4) % length;
  return {
    frames,
    steps: length,
    writes: timeline.writeCount,
    stepsPerSecond: (length * 1000) / recording,
    ratio: recording / running,
    bareRatio: recording / bare,
    bytesPerWrite: timeline.bytes / timeline.writeCount,
    endToEnd: median(JUMPS, (i) => timeline.seek(i % 2 === 0 ? 0 : length)),
    anywhere: median(JUMPS, (i) => timeline.seek(somewhere(i))),
    next: median(JUMPS, (i) => timeline.seek(i + 1)),
    changes: median(JUMPS, (i) => timeline.changesOf(somewhere(i))),
  };
}

/** A run of 99,603 steps on a small machine and on one of 4,096 frames. */
export async function benchTimeline(): Promise<TimelineFigures[]> {
  return [64, 4096].map(measure);
}

/** The figures as lines of text. */
export function timelineReport(figures: readonly TimelineFigures[]): string {
  const ms = (value: number) => `${value.toFixed(value < 1 ? 3 : 1)} ms`;
  const lines = figures.map((one) => {
    const { frames, steps, writes, stepsPerSecond, ratio, bytesPerWrite } = one;
    const head = `${frames} frames: ${steps} steps of ${writes} writes recorded, ${(stepsPerSecond / 1e3).toFixed(0)} k steps a CPU second`;
    const cost = `${ratio.toFixed(2)} times what a run takes that reports statuses, ${one.bareRatio.toFixed(2)} times one that nobody looks at; ${bytesPerWrite.toFixed(1)} bytes a write`;
    const moves = `all steps back or forth ${ms(one.endToEnd)}, anywhere ${ms(one.anywhere)}, the next ${ms(one.next)}`;
    return `${head} (${cost}); ${moves}; what a step changed ${ms(one.changes)}`;
  });
  return lines.join('\n');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(timelineReport(await benchTimeline()));
}
