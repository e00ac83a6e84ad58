import type { Progress } from '../check/search.js';

/** One line on a terminal that says how a search is getting on, from its second second; nothing elsewhere. */
export class ProgressLine {
  private readonly stream: NodeJS.WriteStream;
  private shown = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.stream = stream;
  }

  show({ states, transitions, depth, frontier, bytes, seconds }: Progress): void {
    if (!this.stream.isTTY || seconds < 1 || seconds - this.shown < 0.2) return;
    this.shown = seconds;
    const number = (value: number) => Math.round(value).toLocaleString('en-US');
    const text = `${number(states)} states (${number(frontier)} to go), depth ${depth}, ${number(transitions / seconds)} transitions/s, ${number(bytes / 2 ** 20)} MiB, ${seconds.toFixed(0)} s`;
    this.stream.write(`\r${text.slice(0, (this.stream.columns ?? 80) - 1)}\u001b[K`);
  }

  clear(): void {
    if (this.shown > 0) this.stream.write('\r\u001b[K');
  }
}

/** One line on a terminal that says how a campaign is getting on; nothing elsewhere. */
export class CampaignLine {
  private readonly stream: NodeJS.WriteStream;
  private readonly started = performance.now();
  private shown = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.stream = stream;
  }

  show(operations: number, divergences: number): void {
    const seconds = (performance.now() - this.started) / 1000;
    if (!this.stream.isTTY || seconds - this.shown < 0.2) return;
    this.shown = seconds;
    const found = divergences === 0 ? '' : `, ${divergences} divergences`;
    this.stream.write(
      `\r${operations.toLocaleString('en-US')} operations${found}, ${seconds.toFixed(0)} s\u001b[K`,
    );
  }

  clear(): void {
    if (this.shown > 0) this.stream.write('\r\u001b[K');
    this.shown = 0;
  }
}
