import type { NamedRange } from '../../logs/facts.js';

/**
 * Lines of a memory map as Xen prints it, ` [0000000000100000, 000000007fffffff] (usable)` or with ` - ` and an exclusive
 * end up to 4.13, and as Linux does, `BIOS-e820: [mem 0x0000000000100000-0x000000007fffffff] usable`.
 */
const XEN = /\[([0-9a-f]{16}), ([0-9a-f]{16})\] \(([A-Za-z0-9 ]{1,32})\)/;
const OLD_XEN = /([0-9a-f]{16}) - ([0-9a-f]{16}) \(([A-Za-z0-9 ]{1,32})\)/;
const LINUX = /BIOS-e820: \[mem 0x([0-9a-f]{16})-0x([0-9a-f]{16})\] ([A-Za-z0-9 ]{1,32})/;

const LINE_AT_MOST = 1024;
/** Firmware reports some dozens of ranges; a log of several boots has more. */
const RANGES_AT_MOST = 1024;

/** The memory map that a log holds, in the log's order; empty when it holds none. */
export function e820Of(log: string): NamedRange[] {
  const found: NamedRange[] = [];
  let line = 0;
  for (const text of log.split('\n')) {
    line++;
    const part = text.slice(0, LINE_AT_MOST);
    const inclusive = XEN.exec(part) ?? LINUX.exec(part);
    const match = inclusive ?? OLD_XEN.exec(part);
    if (match === null || found.length >= RANGES_AT_MOST) continue;
    const [, start, end, what] = match as unknown as [string, string, string, string];
    found.push({
      start: BigInt(`0x${start}`),
      end: BigInt(`0x${end}`) + (inclusive === null ? 0n : 1n),
      what: what.trim(),
      devices: [],
      line,
    });
  }
  return found;
}
