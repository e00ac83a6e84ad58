import { bytesBelow4G } from '../../qemu/memory-layout.js';
import type { Segment } from './segments.js';
import { sourceError } from './source-error.js';

const PAGE = 4096;
const FOUR_GIB = 2 ** 32;
/** Below this size every layout is the same: all of it from address 0 on. */
const NEVER_SPLIT = 0xb0000000;

/** Part of a file that holds memory. */
export interface RamRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** Byte in the file where it begins. */
  readonly offset: number;
}

/** How a file without headers holds memory. */
export interface RawLayout {
  /** `q35` and `pc` as QEMU's machines split it; `linear` from `base` on in one piece. `q35` unless `base` is given. */
  readonly layout?: RawLayoutName | undefined;
  /** Physical address of the first byte of a linear file, as given to `pmemsave`. 0 unless given. */
  readonly base?: number | undefined;
  /** Where each part lies; instead of a layout. */
  readonly ranges?: readonly RamRange[] | undefined;
}

export const RAW_LAYOUTS = ['q35', 'pc', 'linear'] as const;
export type RawLayoutName = (typeof RAW_LAYOUTS)[number];

export interface LaidOut {
  readonly segments: readonly Segment[];
  readonly notes: readonly string[];
}

/** Where memory is in a raw file of `bytes` bytes. @throws InputError when the layout cannot be. */
export function rawLayout(name: string, bytes: number, options: RawLayout): LaidOut {
  const { ranges, base } = options;
  if (ranges !== undefined && ranges.length > 0) return byRanges(name, bytes, ranges);
  if (base !== undefined && base % PAGE !== 0) {
    const message = `memory cannot begin at 0x${base.toString(16)}, which is within a page`;
    throw sourceError(name, 'memory-base', message, 'give a multiple of 0x1000');
  }
  const layout = options.layout ?? (base === undefined ? 'q35' : 'linear');
  const frames = Math.floor(bytes / PAGE);
  if (layout === 'linear') {
    return { segments: [{ frame: (base ?? 0) / PAGE, frames, offset: 0 }], notes: [] };
  }
  const below = Math.floor(bytesBelow4G(bytes, layout) / PAGE);
  const segments: Segment[] = [{ frame: 0, frames: below, offset: 0 }];
  if (frames > below) {
    segments.push({ frame: FOUR_GIB / PAGE, frames: frames - below, offset: below * PAGE });
  }
  const guessed = options.layout === undefined && bytes >= NEVER_SPLIT;
  const note = `read as the memory of a q35 machine: what the file has beyond ${below / 2 ** 18} GiB begins at 4 GiB`;
  return { segments, notes: guessed ? [`${note}; if that is wrong, say --layout pc or linear`] : [] };
}

function byRanges(name: string, bytes: number, ranges: readonly RamRange[]): LaidOut {
  const notes: string[] = [];
  const segments = ranges.map(({ start, end, offset }) => {
    if (start % PAGE !== 0 || end % PAGE !== 0 || end <= start) {
      const range = `0x${start.toString(16)}-0x${end.toString(16)}`;
      throw sourceError(
        name,
        'memory-range',
        `${range} is no range of whole pages`,
        'START-END, END exclusive',
      );
    }
    const held = Math.max(0, Math.floor((bytes - offset) / PAGE));
    const frames = Math.min((end - start) / PAGE, held);
    if (frames * PAGE < end - start) {
      const ends = `0x${(start + frames * PAGE).toString(16)}`;
      notes.push(
        `the file ends before the range at 0x${start.toString(16)} does: memory is known up to ${ends}`,
      );
    }
    return { frame: start / PAGE, frames, offset };
  });
  return { segments, notes };
}

const RANGE = /^(0x[0-9a-f]+|\d+)-(0x[0-9a-f]+|\d+)(?:@(0x[0-9a-f]+|\d+))?$/i;

/**
 * Ranges as options give them, `START-END` or `START-END@OFFSET`; without an offset a range follows the one before it in
 * the file. @throws InputError
 */
export function parseRamRanges(texts: readonly string[]): RamRange[] {
  let next = 0;
  return texts.map((text) => {
    const match = RANGE.exec(text);
    const [start, end] = [Number(match?.[1]), Number(match?.[2])];
    const offset = match?.[3] === undefined ? next : Number(match[3]);
    if (match === null || ![start, end, offset].every((each) => each < 2 ** 52) || end <= start) {
      throw sourceError(
        '--ram',
        'memory-range',
        `${text} is no range of memory`,
        '0x100000000-0x180000000@0x80000000',
      );
    }
    next = offset + end - start;
    return { start, end, offset };
  });
}
