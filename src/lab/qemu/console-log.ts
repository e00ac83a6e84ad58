import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Xen's prefix, with the time when it was told to say it. */
const XEN_LINE = /\(XEN\) (?:\[[\d :.-]+\] )?(.*)$/;

/** The log of the serial console, on which Xen and dom0 speak. */
export class ConsoleLog {
  private readonly fd: number;

  constructor(path: string) {
    this.fd = openSync(path, 'a+');
  }

  /** In bytes. */
  length(): number {
    return fstatSync(this.fd).size;
  }

  /** Everything from byte `start` on. */
  text(start: number): string {
    const length = this.length() - start;
    if (length <= 0) return '';
    const bytes = Buffer.allocUnsafe(length);
    return bytes.toString('latin1', 0, readSync(this.fd, bytes, 0, length, start));
  }

  /** Complete lines of Xen from byte `start` on, without its prefix. dom0 may have begun the line. */
  xenLines(start: number): string[] {
    return this.lines(start).flatMap((line) => XEN_LINE.exec(line)?.[1] ?? []);
  }

  /** The last lines that say anything, whoever said them. */
  lastLines(count: number): string[] {
    const start = Math.max(0, this.length() - count * 400);
    return this.text(start)
      .split('\n')
      .map((line) => line.trimEnd())
      .filter((line) => line !== '')
      .slice(-count);
  }

  close(): void {
    closeSync(this.fd);
  }

  private lines(start: number): string[] {
    return this.text(start)
      .split('\n')
      .slice(0, -1)
      .map((line) => line.replace(/\r$/, ''));
  }
}
