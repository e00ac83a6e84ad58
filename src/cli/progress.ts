import { Pace } from '../check/pace.js';
import type { Progress } from '../check/result.js';
import { grouped } from '../text/count.js';
import { printable } from '../text/diagnostic.js';

/** Seconds between two changes of a line. */
const INTERVAL = 0.2;

/** One line on a terminal that says how work that takes long is getting on, from its second second; nothing elsewhere. */
class StatusLine {
  private readonly stream: NodeJS.WriteStream;
  private shown = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.stream = stream;
  }

  protected write(seconds: number, text: () => string): void {
    if (!this.stream.isTTY || seconds < 1 || seconds - this.shown < INTERVAL) return;
    this.shown = seconds;
    this.stream.write(`\r${text().slice(0, (this.stream.columns ?? 80) - 1)}\u001b[K`);
  }

  clear(): void {
    if (this.shown > 0) this.stream.write('\r\u001b[K');
    this.shown = 0;
  }
}

/** How a search is getting on. */
export class ProgressLine extends StatusLine {
  private readonly pace = new Pace();

  show(progress: Progress): void {
    const { states, depth, frontier, bytes, seconds } = progress;
    const memory = `${grouped(bytes / 2 ** 20)} MiB`;
    const time = `${seconds.toFixed(0)} s`;
    if (progress.loops === true) {
      const text = `${grouped(states)} states, looking for loops (${grouped(frontier)} to go), ${memory}, ${time}`;
      this.write(seconds, () => text);
      return;
    }
    this.write(seconds, () => {
      const { statesASecond, left } = this.pace.of(progress);
      const toGo = left === undefined ? '' : `, ${duration(left)} or more`;
      return `${grouped(states)} states (${grouped(frontier)} to go${toGo}), ${grouped(statesASecond)} states/s, depth ${depth}, ${memory}, ${time}`;
    });
  }
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** How a campaign is getting on. */
export class CampaignLine extends StatusLine {
  private readonly started = performance.now();

  show(operations: number, divergences: number): void {
    const seconds = (performance.now() - this.started) / 1000;
    const found = divergences === 0 ? '' : `, ${divergences} divergences`;
    this.write(seconds, () => `${grouped(operations)} operations${found}, ${seconds.toFixed(0)} s`);
  }
}

/** How the reading of a log is getting on. */
export class ReadingLine extends StatusLine {
  private readonly started = performance.now();

  show(file: string, bytes: number, events: number): void {
    const seconds = (performance.now() - this.started) / 1000;
    this.write(
      seconds,
      () =>
        `${printable(file)}: ${grouped(bytes / 2 ** 20)} MiB read, ${grouped(events)} events, ${seconds.toFixed(0)} s`,
    );
  }
}
