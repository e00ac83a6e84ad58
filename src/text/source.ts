import { readFileSync, statSync } from 'node:fs';
import { InputError } from './diagnostic.js';

/** A place in a text; lines and columns count from 1, columns in UTF-16 units as editors do. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A named text that turns offsets into positions. */
export class SourceText {
  readonly name: string;
  readonly text: string;
  private readonly lineStarts: number[] = [0];

  constructor(name: string, text: string) {
    this.name = name;
    this.text = text;
    for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) this.lineStarts.push(i + 1);
  }

  position(offset: number): Position {
    let low = 0;
    let high = this.lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.lineStarts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - this.lineStarts[low]! + 1 };
  }

  /** The text of line `line` (from 1) without its end. */
  line(line: number): string {
    const start = this.lineStarts[line - 1];
    if (start === undefined) return '';
    const end = this.text.indexOf('\n', start);
    return this.text.slice(start, end < 0 ? undefined : end).replace(/\r$/, '');
  }
}

/** Configs and programs are written by people: a file past this many bytes is a mistake, not a text. */
export const MAX_TEXT_BYTES = 16 * 1024 * 1024;

/**
 * Reads a text file that a person wrote. Bytes that are not UTF-8 are read as Latin-1, so nothing is lost.
 * @throws InputError when the file is missing, a directory, larger than {@link MAX_TEXT_BYTES} or binary.
 */
export function readTextFile(path: string, what: string): SourceText {
  const fail = (code: string, message: string): never => {
    throw new InputError({ severity: 'error', code, message, file: path, line: 1, column: 1 });
  };
  const bytes = ((): Buffer => {
    try {
      const stat = statSync(path);
      if (stat.isDirectory()) fail('is-directory', `is a directory; expected ${what}`);
      if (stat.size > MAX_TEXT_BYTES) {
        const size = `${Math.ceil(stat.size / 2 ** 20)} MiB`;
        fail('too-large', `is ${size}; ${what} is at most ${MAX_TEXT_BYTES / 2 ** 20} MiB`);
      }
      return readFileSync(path);
    } catch (error) {
      if (error instanceof InputError) throw error;
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return fail('no-such-file', `no such file; expected ${what}`);
      return fail('unreadable', `cannot be read (${code ?? String(error)}); expected ${what}`);
    }
  })();
  if (bytes.includes(0)) fail('binary', `is a binary file; expected ${what}`);
  return new SourceText(path, decodeText(bytes));
}

function decodeText(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}
