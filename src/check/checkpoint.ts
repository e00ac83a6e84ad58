import { createHash, type Hash } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { InputError } from '../text/diagnostic.js';
import type { EachArray, Keeper, Kept, Made, Saved, SavedSearch } from './keeper.js';
import type { SavedStates } from './states.js';

/** The form of checkpoints. Another one gets another number. */
const MAGIC = 'dommu checkpoint 1\n';
const DIGEST_BYTES = 32;
const BLOCK = 1 << 20;
/** A header that is longer is none: it names the facts that states are told apart by, and nothing that grows with states. */
const MAX_HEADER = 1 << 30;

/** Keeps a search's checkpoint in a file, written every so many seconds. */
export function fileKeeper(file: string, every: number): Keeper {
  return {
    every,
    check: () => checkWritable(file),
    keep: (saved, eachArray) => writeCheckpoint(file, saved, eachArray),
  };
}

/**
 * Writes a checkpoint: under another name first, so that one which is there is replaced as a whole or not at all.
 * @throws InputError when the file cannot be written.
 */
function writeCheckpoint(file: string, header: Saved, eachArray: EachArray): void {
  const beside = `${file}.${process.pid}.part`;
  try {
    const descriptor = openSync(beside, 'w', 0o600);
    try {
      const digest = createHash('sha256');
      const put = (bytes: Uint8Array<ArrayBufferLike>) => {
        digest.update(bytes);
        writeAll(descriptor, bytes);
      };
      const text = Buffer.from(JSON.stringify(header));
      const length = Buffer.alloc(4);
      length.writeUInt32LE(text.length);
      put(Buffer.from(MAGIC));
      put(length);
      put(text);
      eachArray(put);
      writeAll(descriptor, digest.digest());
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    throw refusal(file, `the checkpoint cannot be written (${codeOf(error)})`);
  }
}

function writeAll(descriptor: number, bytes: Uint8Array<ArrayBufferLike>): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at, bytes.length - at);
}

function checkWritable(file: string): void {
  const beside = `${file}.${process.pid}.part`;
  try {
    closeSync(openSync(beside, 'w', 0o600));
    rmSync(beside);
  } catch (error) {
    throw refusal(file, `the checkpoint cannot be written (${codeOf(error)})`);
  }
}

/** A checkpoint that was read as a whole once and is what it should be. */
export class Checkpoint implements Kept {
  readonly search: SavedSearch;
  readonly states: SavedStates;
  private readonly file: string;
  private readonly descriptor: number;
  private at: number;

  /** @throws InputError when it cannot be gone on from: it is damaged, or made of something else than `made`. */
  constructor(file: string, made: Made) {
    this.file = file;
    this.descriptor = openToRead(file);
    try {
      this.checkDigest();
      const length = this.numberAt(MAGIC.length);
      this.at = MAGIC.length + 4 + length;
      const { search, states, ...header } = JSON.parse(this.textAt(MAGIC.length + 4, length)) as Saved;
      this.search = search;
      this.states = states;
      this.compare(header.made, made);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  private checkDigest(): void {
    const { size } = fstatSync(this.descriptor);
    if (size < MAGIC.length || this.textAt(0, MAGIC.length) !== MAGIC) {
      const other = size >= MAGIC.length && /^dommu checkpoint \d/.test(this.textAt(0, MAGIC.length));
      throw refusal(
        this.file,
        other ? 'the checkpoint has the form of another version of dommu' : 'this is no checkpoint of dommu',
      );
    }
    const end = size - DIGEST_BYTES;
    const isWhole =
      end >= MAGIC.length + 4 &&
      this.numberAt(MAGIC.length) <= Math.min(MAX_HEADER, end - MAGIC.length - 4) &&
      this.digestOf(end).equals(this.bytesAt(end, DIGEST_BYTES));
    if (!isWhole) throw refusal(this.file, 'the checkpoint is truncated or damaged');
  }

  private digestOf(end: number): Buffer {
    const digest: Hash = createHash('sha256');
    for (let at = 0; at < end; at += BLOCK) digest.update(this.bytesAt(at, Math.min(BLOCK, end - at)));
    return digest.digest();
  }

  private compare(was: Made, made: Made): void {
    const other = Object.keys(made).find((name) => was[name] !== made[name]);
    if (other === undefined) return;
    throw refusal(
      this.file,
      `the checkpoint is one of another ${other}${difference(was[other], made[other]!)}`,
    );
  }

  /** Fills arrays with what was written from them, in the same order. */
  readonly fill = (bytes: Uint8Array<ArrayBufferLike>): void => {
    this.readInto(bytes, this.at);
    this.at += bytes.length;
  };

  close(): void {
    closeSync(this.descriptor);
  }

  private textAt(at: number, length: number): string {
    return this.bytesAt(at, length).toString('utf8');
  }

  private numberAt(at: number): number {
    return this.bytesAt(at, 4).readUInt32LE();
  }

  private bytesAt(at: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    this.readInto(bytes, at);
    return bytes;
  }

  private readInto(bytes: Uint8Array<ArrayBufferLike>, from: number): void {
    for (let at = 0; at < bytes.length; ) {
      const read = readSync(this.descriptor, bytes, at, bytes.length - at, from + at);
      if (read === 0) throw refusal(this.file, 'the checkpoint is truncated or damaged');
      at += read;
    }
  }
}

function openToRead(file: string): number {
  try {
    return openSync(file, 'r');
  } catch (error) {
    throw refusal(file, `the checkpoint cannot be read (${codeOf(error)})`);
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);

/** What people can read of two values: digests stand behind a space. Nothing where the rest is the same. */
function difference(was = 'unknown', is: string): string {
  const [before, now] = [was.split(' ')[0]!, is.split(' ')[0]!];
  return before === now ? '' : `: ${before}, and this is ${now}`;
}

function refusal(file: string, message: string): InputError {
  return new InputError({ severity: 'error', code: 'checkpoint', message, file, line: 1, column: 1 });
}
