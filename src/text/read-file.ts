import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { InputError } from './diagnostic.js';
import { SourceText } from './source.js';

/** Configs and programs are written by people: a file past this many bytes is a mistake, not a text. */
export const MAX_TEXT_BYTES = 16 * 1024 * 1024;

/** What stands for the standard input where a file is asked for. */
const STANDARD_INPUT = '-';

/**
 * Reads a text that a person wrote: a file, a pipe, or `-` for the standard input. Bytes that are not UTF-8 are read as
 * Latin-1, so nothing is lost.
 * @throws InputError when the file is missing, no file or pipe, longer than {@link MAX_TEXT_BYTES}, or binary.
 */
export function readTextFile(path: string, what: string): SourceText {
  const bytes = readBytes(path, what);
  if (bytes.includes(0)) throw unusable(path, 'binary', `is a binary file; expected ${what}`);
  return new SourceText(path, decodeText(bytes));
}

function unusable(file: string, code: string, message: string): InputError {
  return new InputError({ severity: 'error', code, message, file, line: 1, column: 1 });
}

/**
 * Reads an input that may be binary: a file, a pipe, or `-` for the standard input.
 * @throws InputError when the file is missing, no file or pipe, or longer than {@link MAX_TEXT_BYTES}.
 */
export function readBytes(path: string, what: string): Buffer {
  try {
    if (path === STANDARD_INPUT) return readAll(0, path, what);
    // Before it is opened: opening a device may do something.
    const stat = statSync(path);
    if (stat.isDirectory()) throw unusable(path, 'is-directory', `is a directory; expected ${what}`);
    if (!stat.isFile() && !stat.isFIFO())
      throw unusable(path, 'not-a-file', `is neither a file nor a pipe; expected ${what}`);
    if (stat.size > MAX_TEXT_BYTES) throw tooLarge(path, `${Math.ceil(stat.size / 2 ** 20)} MiB`, what);
    const file = openSync(path, 'r');
    try {
      return readAll(file, path, what);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw unusable(path, 'no-such-file', `no such file; expected ${what}`);
    throw unusable(path, 'unreadable', `cannot be read (${code ?? String(error)}); expected ${what}`);
  }
}

function tooLarge(path: string, size: string, what: string): InputError {
  return unusable(path, 'too-large', `is ${size}; ${what} is at most ${MAX_TEXT_BYTES / 2 ** 20} MiB`);
}

/** Reads to the end, which files of /proc and pipes do not tell beforehand. */
function readAll(file: number, path: string, what: string): Buffer {
  const chunks: Buffer[] = [];
  for (let length = 0; ; ) {
    const chunk = Buffer.allocUnsafe(1 << 16);
    const count = readSome(file, chunk);
    if (count === 0) return Buffer.concat(chunks, length);
    chunks.push(chunk.subarray(0, count));
    length += count;
    if (length > MAX_TEXT_BYTES) throw tooLarge(path, `more than ${MAX_TEXT_BYTES / 2 ** 20} MiB`, what);
  }
}

function readSome(file: number, chunk: Buffer): number {
  for (;;) {
    try {
      return readSync(file, chunk);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw error;
      // The standard input does not wait by itself when somebody else has set it so.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

/** UTF-8, or Latin-1 where it is none, so that nothing is lost. */
export function decodeText(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}
