import { closeSync, openSync, writeSync } from 'node:fs';
import { usageError } from './options.js';

/** Bytes that are gathered before they are written. */
const CHUNK = 1 << 16;

/** Writes text that comes in pieces to a file, `-` being the standard output. @throws InputError about `option`. */
export function writePieces(option: string, path: string, pieces: Iterable<string>): void {
  let file: number;
  try {
    file = path === '-' ? 1 : openSync(path, 'w');
  } catch (error) {
    throw usageError(option, `${path} cannot be written: ${(error as Error).message}`);
  }
  try {
    let gathered = '';
    for (const piece of pieces) {
      gathered += piece;
      if (gathered.length < CHUNK) continue;
      writeWhole(file, gathered);
      gathered = '';
    }
    writeWhole(file, gathered);
  } catch (error) {
    // A reader that has seen enough (`dommu … | head`) is no error.
    if (path !== '-' || (error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  } finally {
    if (path !== '-') closeSync(file);
  }
}

function writeWhole(file: number, text: string): void {
  const bytes = Buffer.from(text, 'utf8');
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(file, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      // A pipe that is full, and that somebody has set not to wait.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
