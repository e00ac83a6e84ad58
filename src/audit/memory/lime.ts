import { readSync } from 'node:fs';
import type { LaidOut } from './raw.js';
import type { Segment } from './segments.js';
import { sourceError } from './source-error.js';

const PAGE = 4096;
const HEADER_BYTES = 32;
/** `EMiL`, the magic number's bytes. */
const MAGIC = 0x4c694d45;
const MOST_RANGES = 1 << 16;

/** Whether a file begins as LiME and version 1 of AVML write theirs. */
export function isLime(fd: number): boolean {
  const magic = new Uint8Array(4);
  return readSync(fd, magic, 0, 4, 0) === 4 && new DataView(magic.buffer).getUint32(0, true) === MAGIC;
}

/**
 * Where memory is in a LiME image: before each range a header of 32 bytes with its first and its last address. What
 * follows a header that cannot be is left out, with a note. @throws InputError when nothing is left.
 */
export function limeLayout(fd: number, name: string, bytes: number): LaidOut {
  const segments: Segment[] = [];
  const notes: string[] = [];
  const header = new DataView(new ArrayBuffer(HEADER_BYTES));
  let at = 0;
  while (at + HEADER_BYTES <= bytes && segments.length < MOST_RANGES) {
    readSync(fd, header, 0, HEADER_BYTES, at);
    const start = header.getBigUint64(8, true);
    const last = header.getBigUint64(16, true);
    const known = header.getUint32(0, true) === MAGIC && header.getUint32(4, true) === 1;
    if (!known || last < start || last >= 2n ** 52n) {
      notes.push(`what follows byte 0x${at.toString(16)} is no range of LiME’s and is left out`);
      break;
    }
    const length = Number(last - start) + 1;
    const held = Math.min(length, bytes - at - HEADER_BYTES);
    if (held < length) notes.push(`the file ends within the range at 0x${start.toString(16)}`);
    const first = Math.ceil(Number(start) / PAGE);
    const skipped = first * PAGE - Number(start);
    const frames = Math.floor((held - skipped) / PAGE);
    if (frames > 0) segments.push({ frame: first, frames, offset: at + HEADER_BYTES + skipped });
    at += HEADER_BYTES + length;
  }
  if (segments.length === 0)
    throw sourceError(name, 'memory-lime', 'no range of this LiME image holds memory');
  return { segments, notes };
}
