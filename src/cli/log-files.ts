import { createReadStream, open as openFile, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import type { LogInput } from '../logs/explain.js';
import { InputError } from '../text/diagnostic.js';

const CHUNK_BYTES = 1 << 20;
const WAIT_MS = 100;

const openDescriptor = promisify(openFile);

const unusable = (file: string, code: string, message: string): InputError =>
  new InputError({ severity: 'error', code, message, file, line: 1, column: 1 });

/**
 * Logs to be read as streams: files, pipes, files that `gzip` packed (`.gz`, as logs are rotated), and `-`, the standard
 * input.
 * @param isOver true ends the reading, also where it waits for more.
 * @throws InputError for what is missing or no log, before anything is read.
 */
export function openLogs(files: readonly string[], isOver: () => boolean): LogInput[] {
  const twice = files.find((file, i) => file === '-' && files.indexOf(file) !== i);
  if (twice !== undefined) throw unusable('FILE', 'usage', 'the standard input can be read once');
  for (const file of files) if (file !== '-') mustBeReadable(file);
  return files.map((file) => ({
    name: file === '-' ? '<stdin>' : file,
    chunks: bytesOf(file, isOver),
  }));
}

function mustBeReadable(file: string): void {
  let stat: ReturnType<typeof statSync>;
  try {
    stat = statSync(file);
  } catch (error) {
    throw unreadable(file, error);
  }
  if (stat.isDirectory()) throw unusable(file, 'is-directory', 'is a directory; expected a log');
  // A terminal or the null device may be named, as `-` may be one; disks are no logs.
  if (stat.isBlockDevice() || stat.isSocket()) {
    throw unusable(file, 'not-a-file', 'is neither a file nor a pipe; expected a log');
  }
}

function unreadable(file: string, error: unknown): InputError {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return unusable(file, 'no-such-file', 'no such file; expected a log');
  return unusable(file, 'unreadable', `cannot be read (${code ?? String(error)}); expected a log`);
}

async function* bytesOf(file: string, isOver: () => boolean): AsyncIterable<Uint8Array> {
  const packed = file.endsWith('.gz');
  if (file === '-') yield* bytesOfStream(file, process.stdin, packed, isOver);
  else if (statSync(file).isFIFO()) {
    // A pipe is waited for as sockets are: a file's read that waits cannot be ended.
    const fd = await openDescriptor(file, 'r').catch((error) => Promise.reject(unreadable(file, error)));
    yield* bytesOfStream(file, new Socket({ fd }), packed, isOver);
  } else if (packed || !statSync(file).isFile()) {
    yield* bytesOfStream(file, createReadStream(file), packed, isOver);
  } else yield* bytesOfFile(file);
}

/** A file's bytes, all pieces of it in the same memory: each is to be used before the next is asked for. */
async function* bytesOfFile(file: string): AsyncIterable<Uint8Array> {
  try {
    const handle = await open(file);
    try {
      const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
      for (;;) {
        const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES, null);
        if (bytesRead === 0) return;
        yield chunk.subarray(0, bytesRead);
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** What comes through a pipe or is packed; where nothing comes for long, the reading can be ended nevertheless. */
async function* bytesOfStream(
  file: string,
  source: Readable,
  packed: boolean,
  isOver: () => boolean,
): AsyncIterable<Uint8Array> {
  let stream = source;
  if (packed) {
    const unpacked = createGunzip({ chunkSize: CHUNK_BYTES });
    source.on('error', (error) => unpacked.destroy(error));
    stream = source.pipe(unpacked);
  }
  const watch = setInterval(() => {
    if (isOver()) stream.destroy();
  }, WAIT_MS);
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (error) {
    if (!isOver()) throw unreadable(file, error);
  } finally {
    clearInterval(watch);
    source.destroy();
  }
}
