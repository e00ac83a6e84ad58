import { createHash, type Hash } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { InputError } from '../text/diagnostic.js';
import type { Violation } from './result.js';
import type { SavedStates } from './states.js';

/** The form of checkpoints. Another one gets another number. */
const MAGIC = 'dommu checkpoint 1\n';
const DIGEST_BYTES = 32;
const BLOCK = 1 << 20;
/** A header that is longer is none: it names the facts that states are told apart by, and nothing that grows with states. */
const MAX_HEADER = 1 << 30;

/** What a checkpoint must have been made of to be gone on from: by name, such as `edition`, its value or a digest of it. */
export type Made = Readonly<Record<string, string>>;

/** Where a search stood between two states. */
export interface SavedSearch {
  readonly level: number;
  /** The next state to expand, and where the level ends. */
  readonly from: number;
  readonly end: number;
  readonly transitions: number;
  /** Numbers of the actions that changed something. */
  readonly enabled: readonly number[];
  readonly violations: readonly Violation[];
  readonly vacuous: readonly string[];
  /** Numbers of the flags that were set. */
  readonly flags: readonly number[];
  /** null is none. */
  readonly depthLimit: number | null;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

interface Header {
  readonly made: Made;
  readonly search: SavedSearch;
  readonly states: SavedStates;
}

/** Reads or writes bytes in place, one array after the other. */
export type EachArray = (visit: (bytes: Uint8Array<ArrayBufferLike>) => void) => void;

/**
 * Writes a checkpoint: under another name first, so that one which is there is replaced as a whole or not at all.
 * @throws InputError when the file cannot be written.
 */
export function writeCheckpoint(file: string, header: Header, eachArray: EachArray): void {
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

/**
 * Makes sure that a checkpoint can be written, before a search that would be lost otherwise.
 * @throws InputError when it cannot.
 */
export function checkWritable(file: string): void {
  const beside = `${file}.${process.pid}.part`;
  try {
    closeSync(openSync(beside, 'w', 0o600));
    rmSync(beside);
  } catch (error) {
    throw refusal(file, `the checkpoint cannot be written (${codeOf(error)})`);
  }
}

/** A checkpoint that was read as a whole once and is what it should be. */
export class Checkpoint {
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
      const { search, states, ...header } = JSON.parse(this.textAt(MAGIC.length + 4, length)) as Header;
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
