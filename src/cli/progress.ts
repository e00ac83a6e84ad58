import type { Progress } from '../check/result.js';

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

const number = (value: number): string => Math.round(value).toLocaleString('en-US');

/** How a search is getting on. */
export class ProgressLine extends StatusLine {
  show({ states, transitions, depth, frontier, bytes, seconds, loops }: Progress): void {
    if (loops === true) {
      const memory = `${number(bytes / 2 ** 20)} MiB`;
      this.write(
        seconds,
        () =>
          `${number(states)} states, looking for loops (${number(frontier)} to go), ${memory}, ${seconds.toFixed(0)} s`,
      );
      return;
    }
    this.write(
      seconds,
      () =>
        `${number(states)} states (${number(frontier)} to go), depth ${depth}, ${number(transitions / seconds)} transitions/s, ${number(bytes / 2 ** 20)} MiB, ${seconds.toFixed(0)} s`,
    );
  }
}

/** How a campaign is getting on. */
export class CampaignLine extends StatusLine {
  private readonly started = performance.now();

  show(operations: number, divergences: number): void {
    const seconds = (performance.now() - this.started) / 1000;
    const found = divergences === 0 ? '' : `, ${divergences} divergences`;
    this.write(seconds, () => `${number(operations)} operations${found}, ${seconds.toFixed(0)} s`);
  }
}
