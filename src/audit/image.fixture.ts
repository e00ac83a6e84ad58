import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WordSink } from '../formats/words.js';
import type { MemoryImage } from './survey.js';

/** A machine's memory in an array, from address 0 on, to be written by a test and read as an image. */
export class ArrayImage implements MemoryImage, WordSink {
  readonly name = 'memory of a test';
  readonly words: Int32Array;
  readonly registers = null;
  readonly notes = [];
  readonly ram: readonly { start: number; end: number }[];

  constructor(frames: number) {
    this.words = new Int32Array(frames * 1024);
    this.ram = [{ start: 0, end: frames * 4096 }];
  }

  locate(frame: number): number {
    return frame >= 0 && frame * 1024 < this.words.length ? frame * 1024 : -1;
  }

  page(frame: number): Int32Array | undefined {
    const at = this.locate(frame);
    return at < 0 ? undefined : this.words.subarray(at, at + 1024);
  }

  read32(pa: number): number {
    return this.words[pa / 4] ?? 0;
  }

  write32(pa: number, value: number): void {
    this.words[pa / 4] = value;
  }

  /** Writes a 64-bit entry. */
  write64(pa: number, value: bigint): void {
    this.write32(pa, Number(BigInt.asIntN(32, value)));
    this.write32(pa + 4, Number(BigInt.asIntN(32, value >> 32n)));
  }

  copy(pa: number, into: Uint8Array): void {
    into.fill(0);
    into.set(new Uint8Array(this.words.buffer).subarray(pa, pa + into.length));
  }

  async close(): Promise<void> {}
}

/** Runs `work` with a folder of its own, which is removed afterwards. */
export async function withFolder<T>(work: (folder: string) => Promise<T> | T): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'dommu-audit-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes a file of a test and gives its path. */
export function fileIn(folder: string, name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}
