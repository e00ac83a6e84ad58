import { readSync } from 'node:fs';
import type { TablePages } from '../../formats/walk-tables.js';
import { type Mapping, mapFile } from './mapping.js';
import { type Segment, SegmentFinder } from './segments.js';
import { sourceError, systemReason } from './source-error.js';

const PAGE = 4096;
const PAGE_WORDS = 1024;

/** Frames in a view of a mapped file: 1 GiB, well below what a typed array may hold. */
const VIEW_FRAMES = 1 << 18;

interface View {
  readonly words: Int32Array;
  readonly frame: number;
  readonly frames: number;
}

const NOTHING = new Int32Array(0);

/** Pages of a mapped file, in place. */
class MappedPages implements TablePages {
  words: Int32Array = NOTHING;
  private readonly finder: SegmentFinder;
  private readonly segments: readonly Segment[];
  private readonly views: (readonly Int32Array[])[];

  constructor(mapping: Mapping, segments: readonly Segment[]) {
    this.segments = segments;
    this.finder = new SegmentFinder(segments);
    this.views = segments.map((segment) => viewsOf(mapping, segment).map(({ words }) => words));
  }

  locate(frame: number): number {
    const index = this.finder.find(frame);
    if (index < 0) return -1;
    const within = frame - this.segments[index]!.frame;
    this.words = this.views[index]![Math.floor(within / VIEW_FRAMES)]!;
    return (within % VIEW_FRAMES) * PAGE_WORDS;
  }
}

function viewsOf(mapping: Mapping, { frame, frames, offset }: Segment): View[] {
  const views: View[] = [];
  for (let first = 0; first < frames; first += VIEW_FRAMES) {
    const count = Math.min(VIEW_FRAMES, frames - first);
    const bytes = mapping.view(offset + first * PAGE, count * PAGE);
    views.push({ words: new Int32Array(bytes), frame: frame + first, frames: count });
  }
  return views;
}

/** Pages are read in groups, as tables tend to lie together. */
const GROUP = 8;
const GROUPS = 512;

/** Pages of a file that is read, the last few MB of them remembered. */
class CachedPages implements TablePages {
  readonly words = new Int32Array(GROUPS * GROUP * PAGE_WORDS);
  private readonly bytes = new Uint8Array(this.words.buffer);
  /** The group of frames in each place; -1 for none. */
  private readonly groups = new Float64Array(GROUPS).fill(-1);
  private readonly finder: SegmentFinder;
  private readonly segments: readonly Segment[];
  private readonly read: PageReader;

  constructor(read: PageReader, segments: readonly Segment[]) {
    this.read = read;
    this.segments = segments;
    this.finder = new SegmentFinder(segments);
  }

  locate(frame: number): number {
    const index = this.finder.find(frame);
    if (index < 0) return -1;
    const group = Math.floor(frame / GROUP);
    const place = group % GROUPS;
    if (this.groups[place] !== group) this.load(group, place, this.segments[index]!);
    return (place * GROUP + (frame % GROUP)) * PAGE_WORDS;
  }

  private load(group: number, place: number, { frame, frames, offset }: Segment): void {
    const first = group * GROUP;
    const at = place * GROUP * PAGE;
    // A read that fails leaves nothing behind that would be taken for memory.
    this.groups[place] = -1;
    if (first >= frame && first + GROUP <= frame + frames) {
      this.read(this.bytes, at, GROUP * PAGE, offset + (first - frame) * PAGE);
    } else this.loadSinglePages(first, at);
    this.groups[place] = group;
  }

  /** Where segments meet within a group. */
  private loadSinglePages(first: number, at: number): void {
    for (let i = 0; i < GROUP; i++) {
      const index = this.finder.find(first + i);
      if (index < 0) continue;
      const { frame, offset } = this.segments[index]!;
      this.read(this.bytes, at + i * PAGE, PAGE, offset + (first + i - frame) * PAGE);
    }
  }
}

/** Reads `length` bytes of a file from `position` to `into[at]`; what is beyond its end is zero. */
export type PageReader = (into: Uint8Array, at: number, length: number, position: number) => void;

/** @throws InputError that names `name` when the file cannot be read there. */
export function readerOf(fd: number, name: string, hint?: string): PageReader {
  return (into, at, length, position) => {
    let done = 0;
    try {
      while (done < length) {
        const count = readSync(fd, into, at + done, length - done, position + done);
        if (count === 0) break;
        done += count;
      }
    } catch (error) {
      const where = `0x${(position + done).toString(16)}`;
      throw sourceError(name, 'memory-read', `cannot be read at ${where}: ${systemReason(error)}`, hint);
    }
    into.fill(0, at + done, at + length);
  };
}

/** Pages of a file, and what ends their use. */
export interface FilePages {
  readonly pages: TablePages;
  readonly mapped: boolean;
  close(): void;
}

/** Pages of `segments` of a file: mapped where that can be done, read otherwise. */
export function filePages(
  fd: number,
  bytes: number,
  segments: readonly Segment[],
  read: PageReader,
  map: boolean,
): FilePages {
  // Words are read in place, so they must lie where words lie.
  const aligned = segments.every(({ offset }) => offset % 4 === 0);
  const mapping = map && aligned ? mapFile(fd, bytes) : undefined;
  if (mapping === undefined) return { pages: new CachedPages(read, segments), mapped: false, close() {} };
  return { pages: new MappedPages(mapping, segments), mapped: true, close: () => mapping.close() };
}
