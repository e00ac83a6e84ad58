import { TextDecoder } from 'node:util';
import { cleanText, decodeLine, LINE_BYTES } from './clean.js';
import { headOf } from './head.js';
import type { Triggers } from './triggers.js';

/** A line of a log that may matter. */
export interface LogLine {
  /** Its number in its file, from 1. */
  readonly number: number;
  /** The line without what terminals take for commands. */
  readonly text: string;
  /** Where the message begins, behind times, levels and `(XEN)`. */
  readonly message: number;
  /** When it was said, as the log writes it. */
  readonly time: string | null;
  /** Whether it has a head of its own, and so is no rest of the line before. */
  readonly begins: boolean;
}

/** Who takes the lines that matter. Returns whether the next one matters whatever stands in it. */
export type LineTaker = (line: LogLine) => boolean;

/** A line's text with its head told apart. */
export function logLine(text: string, number: number): LogLine {
  const { end, time, begins } = headOf(text);
  return { number, text, message: end, time, begins };
}

/**
 * Finds the lines of one file in which a key stands, in one pass over its bytes and in constant memory. Only these are
 * decoded. A line ends with LF, CR LF (also CR CR LF, as serial captures have it) or CR.
 */
export class LineScanner {
  /** Lines that end so far. */
  lines = 0;
  /** Lines of more than 64 KiB, of which the rest was left out. */
  cutLines = 0;
  private readonly triggers: Triggers;
  private readonly take: LineTaker;
  private readonly carried = Buffer.allocUnsafe(LINE_BYTES);
  /** Bytes of the line that earlier chunks had, all of them; {@link carried} has at most the first 64 KiB. */
  private before = 0;
  private state = 0;
  /** Whether a key or a byte that must be removed stands in the line. */
  private matters = false;
  private wanted = false;
  /** Where the last CR that ended a line stands, in this chunk. */
  private lastCr = -2;
  private decoder: TextDecoder | undefined;
  private begun = false;

  constructor(triggers: Triggers, take: LineTaker) {
    this.triggers = triggers;
    this.take = take;
  }

  /** The next bytes of the file, however many. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (!this.begun) {
      this.begun = true;
      const encoding = wideEncoding(chunk);
      if (encoding !== undefined) this.decoder = new TextDecoder(encoding);
    }
    if (this.decoder !== undefined) this.scan(Buffer.from(this.decoder.decode(chunk, { stream: true })));
    else this.scan(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
  }

  /** The end of the file, which ends the last line. */
  end(): void {
    if (this.decoder !== undefined) this.scan(Buffer.from(this.decoder.decode()));
    if (this.before > 0) this.lineEnds(Buffer.alloc(0), 0, 0);
  }

  private scan(bytes: Buffer): void {
    const { classes, next, firstHit, lineFeed, carriageReturn } = this.triggers;
    let state = this.state;
    let start = 0;
    for (let i = 0; i < bytes.length; i++) {
      state = next[state + classes[bytes[i]!]!]!;
      if (state < firstHit) continue;
      if (state < carriageReturn) {
        // A key; or an escape or a NUL, which may stand within one.
        this.matters = true;
      } else if (state >= lineFeed) {
        if (state > lineFeed) this.matters = true;
        // The LF of a CR LF ends nothing any more.
        if (this.lastCr !== i - 1) this.lineEnds(bytes, start, i);
        start = i + 1;
      } else {
        if (state > carriageReturn) this.matters = true;
        if (i > start || this.before > 0) {
          this.lineEnds(bytes, start, i);
          this.lastCr = i;
        } else if (this.lastCr === i - 1) this.lastCr = i;
        start = i + 1;
      }
    }
    this.state = state;
    this.lastCr -= bytes.length;
    this.carry(bytes, start, bytes.length);
  }

  private carry(bytes: Buffer, start: number, end: number): void {
    if (this.before < LINE_BYTES) bytes.copy(this.carried, this.before, start, end);
    this.before += end - start;
  }

  private lineEnds(bytes: Buffer, start: number, end: number): void {
    this.lines++;
    if (this.before + end - start > LINE_BYTES) this.cutLines++;
    if (this.matters || this.wanted) {
      let line = bytes.subarray(start, Math.min(end, start + LINE_BYTES));
      if (this.before > 0) {
        this.carry(bytes, start, end);
        line = this.carried.subarray(0, Math.min(this.before, LINE_BYTES));
      }
      this.wanted = this.take(logLine(cleanText(decodeLine(line)), this.lines));
    }
    this.matters = false;
    this.before = 0;
  }
}

/** UTF-16, as Windows' terminals write their captures: by its byte order mark, or by the NULs of its first characters. */
function wideEncoding(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  const [a, b, c, d] = bytes;
  if ((a === 0xff && b === 0xfe) || (a !== 0 && b === 0 && c !== 0 && d === 0)) return 'utf-16le';
  if ((a === 0xfe && b === 0xff) || (a === 0 && b !== 0 && c === 0 && d !== undefined && d !== 0)) {
    return 'utf-16be';
  }
  return undefined;
}
