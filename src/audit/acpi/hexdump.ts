import { TABLE_AT_MOST } from '../../formats/acpi/find-tables.js';
import { TableBytes } from '../../formats/acpi/table-bytes.js';
import { byteCount, bytesOfGroups, type HexLine } from './hex-lines.js';
import { knownAt } from './signature.js';

interface Placed {
  readonly line: HexLine;
  /** Groups, those of wrapped lines included. */
  readonly groups: string[];
  /** A `*` follows: the line is repeated up to the offset of the next. */
  repeated: boolean;
}

/** Offsets further apart than this belong to different dumps. */
const GAP_AT_MOST = 0x1_0000;
const BYTES_A_LINE = 16;
/** A table begins with its signature and its length, four bytes each. */
const LENGTH_ENDS = 8;

/** A hexdump that is being collected line by line. Lines may be missing, wrapped, or replaced by a `*`. */
export class Hexdump {
  /** Line of the text at which it begins. */
  readonly line: number;
  private readonly lines: Placed[] = [];
  private bytes = 0;

  constructor(line: number) {
    this.line = line;
  }

  /** Whether the line goes on where the dump is; false when it begins another one. */
  takes(line: HexLine): boolean {
    const last = this.lines.at(-1);
    if (last === undefined) return true;
    if ((line.offset === null) !== (last.line.offset === null)) return false;
    // xxd shortens the last word of a dump, which may stand alone in its line.
    const shorter = line.groups.length === 1 && line.width < last.line.width;
    if (line.width !== last.line.width && !shorter) return false;
    if (line.offset === null) return true;
    const step = Number.parseInt(line.offset, 16) - Number.parseInt(last.line.offset!, 16);
    return step > 0 && step <= GAP_AT_MOST;
  }

  add(line: HexLine): void {
    if (this.bytes >= TABLE_AT_MOST) return;
    this.lines.push({ line, groups: [...line.groups], repeated: false });
    this.bytes += byteCount(line);
  }

  /** Whether the table at the start is longer than what is there of it. For dumps of single bytes. */
  lacksBytes(): boolean {
    if (this.bytes < LENGTH_ENDS) return true;
    const start = bytesOfGroups(
      this.lines.slice(0, LENGTH_ENDS).flatMap(({ groups }) => groups.slice(0, LENGTH_ENDS)),
      false,
    );
    return this.bytes < new DataView(Uint8Array.from(start).buffer).getUint32(LENGTH_ENDS - 4, true);
  }

  /** The `*` of hexdump, od and xxd -a. */
  repeat(): void {
    const last = this.lines.at(-1);
    if (last !== undefined) last.repeated = true;
  }

  /** Takes bytes of a line that a mail program has wrapped; false when the line before is not short of bytes. */
  wrapped(line: HexLine): boolean {
    const last = this.lines.at(-1);
    if (last === undefined || last.line.offset === null || last.line.width !== 2 || last.line.ended)
      return false;
    if (line.width !== 2 || line.packed || last.groups.length + line.groups.length > BYTES_A_LINE)
      return false;
    last.groups.push(...line.groups);
    this.bytes += line.groups.length;
    return true;
  }

  /** The bytes, from the first line's offset on; those of lines that are not there are missing. */
  content(): TableBytes {
    if (this.lines.length === 0) return new TableBytes(new Uint8Array());
    const littleEndian = this.isLittleEndian();
    const parts = this.lines.map(({ groups }) => bytesOfGroups(groups, littleEndian));
    const offsets = this.offsets(parts);
    const base = offsets[0]!;
    // Offsets only grow, so the last line ends the dump.
    const length = Math.min(TABLE_AT_MOST, offsets.at(-1)! - base + parts.at(-1)!.length);
    const bytes = new Uint8Array(length);
    const known = new Uint8Array(length);
    parts.forEach((part, i) => {
      const at = offsets[i]! - base;
      const until = this.lines[i]!.repeated ? (offsets[i + 1] ?? offsets[i]!) - base : at + part.length;
      for (let to = at; to < Math.min(until, length) && part.length > 0; to++) {
        bytes[to] = part[(to - at) % part.length]!;
        known[to] = 1;
      }
    });
    return new TableBytes(bytes, known);
  }

  /** hexdump and od print words as numbers, xxd as bytes: the order that gives a signature is the right one. */
  private isLittleEndian(): boolean {
    const { line, groups } = this.lines[0]!;
    if (line.width === 2) return false;
    return knownAt(Uint8Array.from(bytesOfGroups(groups, true)), 0);
  }

  /** Offsets as numbers: od counts in octal or decimal unless told otherwise; the steps from line to line tell. */
  private offsets(parts: readonly (readonly number[])[]): number[] {
    if (this.lines[0]!.line.offset === null) {
      let at = 0;
      return parts.map((part) => {
        const here = at;
        at += part.length;
        return here;
      });
    }
    const read = (radix: number) => this.lines.map(({ line }) => Number.parseInt(line.offset!, radix));
    const fitting = (offsets: readonly number[]) =>
      offsets.filter((at, i) => i > 0 && at === offsets[i - 1]! + parts[i - 1]!.length).length;
    const hex = read(16);
    const others = [8, 10].filter((radix) => {
      const digits = radix === 8 ? /^[0-7]+$/ : /^[0-9]+$/;
      return this.lines.every(({ line }) => digits.test(line.offset!));
    });
    return others
      .map(read)
      .reduce((best, offsets) => (fitting(offsets) > fitting(best) ? offsets : best), hex);
  }
}
