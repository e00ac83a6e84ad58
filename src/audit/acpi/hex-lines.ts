/**
 * Lines of hexdumps, whatever made them: iasl, acpidump, xxd, hexdump with and without -C, od -tx1, and bare bytes as C
 * arrays or `xxd -p` print them. A line is taken apart by looking at each character once.
 */
export interface HexLine {
  /** The digits of the offset as they stand there; null for bare bytes. */
  readonly offset: string | null;
  /** Digits of each group: 2 for single bytes, 4, 8 or 16 for words. */
  readonly width: number;
  /** The groups' digits. */
  readonly groups: readonly string[];
  /** Whether the bytes stand without spaces, as `xxd -p` prints them. */
  readonly packed: boolean;
  /** Whether something that is no hex follows: then the bytes of the line are complete. */
  readonly ended: boolean;
}

const HEX = /^[0-9a-f]+$/i;
const OFFSET = /^(?:0x)?([0-9a-f]{4,16})(?::|(?=[ \t]))/i;
/** Dumps have 16 bytes a line, seldom 32; what follows is text. */
const BYTES_A_LINE = 32;
/** `hexdump -x` leaves four spaces between its words. */
const GAP_AT_MOST = 4;
/** `xxd -p` has 30, C arrays 12. */
const BARE_BYTES_A_LINE = 64;

/** A line of a hexdump with an offset, or null. */
export function hexLine(line: string): HexLine | null {
  const text = line.trimStart();
  const offset = OFFSET.exec(text);
  if (offset === null) return null;
  const rest = groupsOf(text.slice(offset[0].length), BYTES_A_LINE);
  return rest.groups.length === 0 ? null : { offset: offset[1]!, packed: false, ...rest };
}

/** A line of nothing but bytes, or null: `49 56 52 53`, `0x49, 0x56,`, `49565253f6010000`. */
export function bareLine(line: string): HexLine | null {
  const text = line.trim().replace(/[,;]$/, '');
  if (text.length > 2 && text.length % 2 === 0 && HEX.test(text)) {
    const groups = text.slice(0, 2 * BARE_BYTES_A_LINE).match(/../g)!;
    return { offset: null, width: 2, groups, packed: true, ended: false };
  }
  const rest = groupsOf(text, BARE_BYTES_A_LINE);
  return rest.groups.length === 0 || rest.width !== 2 ? null : { offset: null, packed: false, ...rest };
}

/**
 * Groups of equal width from the start of `text`. `hexdump -C` leaves two spaces after eight bytes; any other wide gap
 * separates the bytes from their picture in ASCII.
 */
function groupsOf(text: string, bytesAtMost: number): Omit<HexLine, 'offset' | 'packed'> {
  const groups: string[] = [];
  let width = 0;
  let bytes = 0;
  let usualGap = 1;
  let at = 0;
  while (bytes < bytesAtMost) {
    let end = at;
    while (text[end] === ' ' || text[end] === '\t') end++;
    const gap = end - at;
    if (end === text.length) return { width, groups, ended: false };
    if (groups.length === 1 && width > 2 && gap <= GAP_AT_MOST) usualGap = gap;
    const most = bytes === 8 ? Math.max(2, usualGap) : usualGap;
    if (groups.length > 0 && gap > most) return { width, groups, ended: true };
    at = end;
    while (end < text.length && text[end] !== ' ' && text[end] !== '\t') end++;
    const digits = text.slice(at, end).replace(/^0x/i, '').replace(/,$/, '');
    if (!HEX.test(digits) || digits.length > 16) return { width, groups, ended: true };
    if (groups.length === 0) {
      if (![2, 4, 8, 16].includes(digits.length)) return { width, groups, ended: true };
      width = digits.length;
    } else if (digits.length !== width) {
      // xxd shortens the last group of a dump that ends within it.
      if (digits.length > width || digits.length % 2 !== 0 || width === 2)
        return { width, groups, ended: true };
      groups.push(digits);
      return { width, groups, ended: true };
    }
    groups.push(digits);
    bytes += digits.length / 2;
    at = end;
  }
  return { width, groups, ended: true };
}

/** The bytes of a line's groups: in the order of the digits, or of little-endian words as hexdump and od print them. */
export function bytesOfGroups(groups: readonly string[], littleEndian: boolean): number[] {
  return groups.flatMap((digits) => {
    const bytes = digits.match(/../g)?.map((pair) => Number.parseInt(pair, 16)) ?? [];
    return littleEndian ? bytes.reverse() : bytes;
  });
}

/** How many bytes a line has. */
export const byteCount = ({ groups }: HexLine): number =>
  groups.reduce((sum, digits) => sum + digits.length / 2, 0);
