import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { dyingWithUs } from '../bounded-process.js';
import { LabError } from '../machine-api.js';

/** A part of RAM that is not zero: where it begins, and how long it is. */
export type Extent = readonly [offset: number, length: number];

const CHUNK_BYTES = 2 ** 16;
const ZEROS = Buffer.alloc(CHUNK_BYTES);

/**
 * Writes what of a RAM file is not zero to `target`, compressed, one extent after the other. A guest that has just
 * booted has touched a sixth of its memory.
 */
export async function saveRam(ramPath: string, target: string): Promise<Extent[]> {
  const zstd = spawnZstd(['-1', '-q', '-f', '-o', target], 'write');
  const fd = openSync(ramPath, 'r');
  const extents: [number, number][] = [];
  try {
    const size = fstatSync(fd).size;
    for (let offset = 0; offset < size; offset += CHUNK_BYTES) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size - offset));
      readSync(fd, chunk, 0, chunk.length, offset);
      if (chunk.equals(ZEROS.subarray(0, chunk.length))) continue;
      const last = extents.at(-1);
      if (last !== undefined && last[0] + last[1] === offset) last[1] += chunk.length;
      else extents.push([offset, chunk.length]);
      // A zstd that has died drains nothing any more.
      if (!zstd.child.stdin!.write(chunk)) await Promise.race([once(zstd.child.stdin!, 'drain'), zstd.done]);
    }
    zstd.child.stdin!.end();
    await zstd.done;
  } finally {
    closeSync(fd);
    zstd.child.kill();
  }
  return extents;
}

/** Makes a RAM file of what {@link saveRam} wrote. */
export async function loadRam(
  source: string,
  extents: readonly Extent[],
  ramPath: string,
  bytes: number,
): Promise<void> {
  const fd = openSync(ramPath, 'w+');
  const zstd = spawnZstd(['-dcq', source], 'read');
  try {
    ftruncateSync(fd, bytes);
    let index = 0;
    let within = 0;
    for await (const part of zstd.child.stdout! as AsyncIterable<Buffer>) {
      for (let at = 0; at < part.length; ) {
        const [offset, length] = extents[index] ?? [0, 0];
        if (length === 0) throw new LabError(`${source} is longer than it says`, 3);
        const count = Math.min(length - within, part.length - at);
        writeSync(fd, part, at, count, offset + within);
        at += count;
        within += count;
        if (within === length) {
          index++;
          within = 0;
        }
      }
    }
    await zstd.done;
    if (index !== extents.length) throw new LabError(`${source} is shorter than it says`, 3);
  } finally {
    closeSync(fd);
    zstd.child.kill();
  }
}

function spawnZstd(args: readonly string[], direction: 'read' | 'write') {
  const [program, ...rest] = dyingWithUs('zstd', args);
  const child = spawn(program!, rest, {
    stdio: [direction === 'write' ? 'pipe' : 'ignore', direction === 'read' ? 'pipe' : 'ignore', 'ignore'],
  });
  child.stdin?.on('error', () => {});
  const done = new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new LabError(`zstd failed (${code ?? signal})`, 3));
    });
  });
  done.catch(() => {});
  return { child, done };
}
