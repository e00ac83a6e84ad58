import { closeSync } from 'node:fs';
import type { TablePages } from '../../formats/walk-tables.js';
import type { ByteRange, MemoryImage, RegisterReader } from '../survey.js';
import { type FilePages, filePages, type PageReader, readerOf } from './file-pages.js';
import { ramOf, type Segment, SegmentFinder, sortSegments } from './segments.js';

const PAGE = 4096;

/** A file, open, with the memory in it. */
export interface MemoryFile {
  readonly fd: number;
  /** Its length as it was when it was opened; segments end before it. */
  readonly bytes: number;
  readonly name: string;
  readonly segments: readonly Segment[];
  readonly notes: readonly string[];
  /** What to do when it cannot be read although it could be opened. */
  readonly readHint?: string;
  readonly registers?: RegisterReader;
  /** What else is to be done when it is closed. */
  readonly onClose?: () => Promise<void>;
}

/** Memory in a file that can be mapped, or else read. */
export class FileImage implements MemoryImage {
  readonly name: string;
  readonly ram: readonly ByteRange[];
  readonly notes: readonly string[];
  readonly registers: RegisterReader | null;
  /** Whether the file is mapped rather than read. */
  readonly mapped: boolean;
  private readonly file: MemoryFile;
  private readonly segments: readonly Segment[];
  private readonly finder: SegmentFinder;
  private readonly read: PageReader;
  private readonly owner: FilePages;
  private pages: TablePages;
  private closed = false;

  constructor(file: MemoryFile, map: boolean) {
    this.file = file;
    this.name = file.name;
    this.notes = file.notes;
    this.registers = file.registers ?? null;
    this.segments = sortSegments(file.segments);
    this.ram = ramOf(this.segments);
    this.finder = new SegmentFinder(this.segments);
    this.read = readerOf(file.fd, file.name, file.readHint);
    this.owner = filePages(file.fd, file.bytes, this.segments, this.read, map);
    this.mapped = this.owner.mapped;
    this.pages = this.owner.pages;
  }

  get words(): Int32Array {
    return this.pages.words;
  }

  locate(frame: number, level: number): number {
    return this.pages.locate(frame, level);
  }

  read32(pa: number): number {
    const at = this.pages.locate(Math.floor(pa / PAGE), 0);
    return at < 0 ? 0 : this.pages.words[at + ((pa % PAGE) >>> 2)]!;
  }

  page(frame: number): Int32Array | undefined {
    const at = this.pages.locate(frame, 0);
    return at < 0 ? undefined : this.pages.words.subarray(at, at + PAGE / 4);
  }

  copy(pa: number, into: Uint8Array): void {
    let done = 0;
    while (done < into.length) {
      const at = pa + done;
      const index = this.finder.find(Math.floor(at / PAGE));
      const segment = index < 0 ? undefined : this.segments[index]!;
      const end = segment === undefined ? (Math.floor(at / PAGE) + 1) * PAGE : endOf(segment);
      const length = Math.min(into.length - done, end - at);
      if (segment === undefined) into.fill(0, done, done + length);
      else this.read(into, done, length, segment.offset + at - segment.frame * PAGE);
      done += length;
    }
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    // Nothing may look at the mapping any more.
    this.pages = { words: new Int32Array(0), locate: () => -1 };
    this.owner.close();
    closeSync(this.file.fd);
    await this.file.onClose?.();
  }
}

const endOf = ({ frame, frames }: Segment): number => (frame + frames) * PAGE;
