import { readSync } from 'node:fs';
import type { LaidOut } from './raw.js';
import { FRAME_LIMIT, type Segment, sortSegments } from './segments.js';
import { sourceError } from './source-error.js';

const PAGE = 4096;
const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
/** More than any dump has: one for each range of memory, and for each mapping of a virtual dump. */
const MOST_HEADERS = 1 << 16;
/** e_phnum when there are more: section header 0 has the number (gABI, PN_XNUM). */
const MANY_HEADERS = 0xffff;
const ET_CORE = 4;
const PT_LOAD = 1;

/** Whether a file begins as an ELF file does. */
export function isElf(fd: number): boolean {
  const magic = new Uint8Array(4);
  return readSync(fd, magic, 0, 4, 0) === 4 && magic.join() === '127,69,76,70';
}

/** A note for each way in which program headers lie, with how many do. */
class Lies {
  private readonly counts = new Map<string, number>();

  add(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  notes(): string[] {
    return [...this.counts].map(([what, count]) => `segments that ${what}: ${count}`);
  }
}

/**
 * Where memory is in an ELF64 core: what its PT_LOAD segments say of physical addresses (p_paddr), as
 * `dump-guest-memory` and kdump write them. Segments that cannot be are left out or cut off, with a note.
 * @throws InputError when it is no such core.
 */
export function elfLayout(fd: number, name: string, bytes: number): LaidOut {
  const header = readHeader(fd, name);
  const { offset, count } = programHeaders(fd, name, header);
  const table = new Uint8Array(count * PROGRAM_HEADER_BYTES);
  const length = readSync(fd, table, 0, table.length, offset);
  const whole = Math.floor(length / PROGRAM_HEADER_BYTES);
  const notes: string[] = [];
  if (whole < count) notes.push(`the file ends after ${whole} of its ${count} program headers`);
  const view = new DataView(table.buffer);
  const lies = new Lies();
  const segments: Segment[] = [];
  let loads = 0;
  let physical = 0;
  for (let i = 0; i < whole; i++) {
    const at = i * PROGRAM_HEADER_BYTES;
    if (view.getUint32(at, true) !== PT_LOAD) continue;
    loads++;
    if (view.getBigUint64(at + 24, true) !== 0n) physical++;
    const segment = segmentOf(view, at, bytes, lies);
    if (segment !== undefined) segments.push(segment);
  }
  if (loads > 1 && physical === 0) {
    const message =
      'none of its segments has a physical address: it is the core of a process, not of a machine';
    throw sourceError(name, 'memory-elf', message, 'QEMU’s dump-guest-memory and kdump write such cores');
  }
  if (segments.length === 0) throw sourceError(name, 'memory-elf', 'no segment of it (PT_LOAD) holds memory');
  const honest = withinFile(sortSegments(segments), Math.floor(bytes / PAGE), lies);
  return { segments: honest, notes: [...notes, ...lies.notes()] };
}

/**
 * Cuts segments off where together they have more pages than the file: they say that the same bytes are memory at several
 * places, and a search of all memory would read them over and over.
 */
function withinFile(segments: readonly Segment[], pages: number, lies: Lies): Segment[] {
  const kept: Segment[] = [];
  let left = pages;
  for (const segment of segments) {
    const frames = Math.min(segment.frames, left);
    left -= frames;
    if (frames > 0) kept.push({ ...segment, frames });
    if (frames < segment.frames) lies.add('together hold more than the file are cut off');
  }
  return kept;
}

function readHeader(fd: number, name: string): DataView {
  const bytes = new Uint8Array(HEADER_BYTES);
  const length = readSync(fd, bytes, 0, HEADER_BYTES, 0);
  if (!isElf(fd))
    throw sourceError(name, 'memory-elf', 'it is no ELF file', 'raw:FILE reads it as raw memory');
  const refuse = (message: string, hint: string) => sourceError(name, 'memory-elf', message, hint);
  if (bytes[4] === 1) {
    throw refuse(
      'it is an ELF32 core, which cannot hold memory above 4 GiB and is not read',
      'take an ELF64 one: a 64-bit guest’s dump-guest-memory, or `makedumpfile -E` of a 64-bit vmcore',
    );
  }
  if (length < HEADER_BYTES) throw refuse('it ends within its ELF header', 'copy it again: it is truncated');
  if (bytes[4] !== 2 || bytes[5] !== 1) {
    throw refuse(
      'it is no little-endian ELF64 file',
      'only those of x86-64 and of little-endian Arm are read',
    );
  }
  const header = new DataView(bytes.buffer);
  const type = header.getUint16(16, true);
  if (type !== ET_CORE) {
    throw refuse(
      `it is no core (e_type ${type}, not ${ET_CORE})`,
      'a dump of memory is needed, not a program',
    );
  }
  return header;
}

/** Where the program headers are, and how many. */
function programHeaders(fd: number, name: string, header: DataView): { offset: number; count: number } {
  const size = header.getUint16(54, true);
  if (size !== PROGRAM_HEADER_BYTES) {
    const message = `its program headers have ${size} bytes, those of ELF64 have ${PROGRAM_HEADER_BYTES}`;
    throw sourceError(name, 'memory-elf', message);
  }
  const offset = fileOffset(header.getBigUint64(32, true));
  const few = header.getUint16(56, true);
  const count = few === MANY_HEADERS ? extendedCount(fd, header) : few;
  if (offset === undefined || count === undefined) {
    throw sourceError(
      name,
      'memory-elf',
      'its headers are not in the file',
      'copy it again: it may be truncated',
    );
  }
  if (count > MOST_HEADERS) {
    const message = `it claims ${count} program headers; no dump has more than ${MOST_HEADERS}`;
    throw sourceError(name, 'memory-elf', message);
  }
  return { offset, count };
}

/** sh_info of section header 0. */
function extendedCount(fd: number, header: DataView): number | undefined {
  const offset = fileOffset(header.getBigUint64(40, true));
  if (offset === undefined) return undefined;
  const section = new Uint8Array(64);
  if (readSync(fd, section, 0, 64, offset) < 64) return undefined;
  return new DataView(section.buffer).getUint32(44, true);
}

function fileOffset(value: bigint): number | undefined {
  return value > 0n && value < 2n ** 52n ? Number(value) : undefined;
}

/** The whole pages of a segment that are in the file; undefined when there are none. */
function segmentOf(view: DataView, at: number, bytes: number, lies: Lies): Segment | undefined {
  const offset = view.getBigUint64(at + 8, true);
  const start = view.getBigUint64(at + 24, true);
  const inFile = view.getBigUint64(at + 32, true);
  if (inFile === 0n) return undefined;
  if (start + inFile > BigInt(FRAME_LIMIT) * BigInt(PAGE)) {
    lies.add('claim physical addresses beyond 52 bits are left out');
    return undefined;
  }
  if (offset >= BigInt(bytes)) {
    lies.add('begin beyond the end of the file are left out');
    return undefined;
  }
  const held = Math.min(Number(inFile), bytes - Number(offset));
  if (held < Number(inFile)) lies.add('end beyond the end of the file are cut off there');
  const first = Math.ceil(Number(start) / PAGE);
  const skipped = first * PAGE - Number(start);
  const frames = Math.floor((held - skipped) / PAGE);
  return frames > 0 ? { frame: first, frames, offset: Number(offset) + skipped } : undefined;
}
