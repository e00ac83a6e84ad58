import { parseBdf, renderBdf } from '../../toolstack/bdf.js';

/** What is wrong with an entry of a list of PCI devices, and what would be right. */
export interface BadEntry {
  readonly entry: string;
  /** From 1. */
  readonly position: number;
  readonly problem: string;
  /** The nearest entry that is one; null where nothing is near. */
  readonly right: string | null;
}

/** Entries of a list that are looked at, and characters of one. */
const ENTRIES_AT_MOST = 256;
const ENTRY_AT_MOST = 40;

/** A parameter's value: to the first blank, or to the closing quote where it is quoted. */
function valueAt(text: string): string {
  const quoted = /^\s{0,4}"/.exec(text);
  if (quoted !== null) return text.slice(quoted[0].length).split('"', 1)[0]!;
  return text.split(/[\s"']/, 1)[0]!;
}

/**
 * Looks through the value of `xen-pciback.hide=`, which is `([DDDD:]BB:DD.F)` again and again, also `(BB:DD.*)`, `(BB:*.*)`
 * (drivers/xen/xen-pciback/pci_stub.c). The driver stops at the first entry that is none and does not load.
 */
export function badHideEntry(text: string): { bad: BadEntry | null; devices: string[] } {
  const list = valueAt(text);
  const devices: string[] = [];
  let at = 0;
  for (let position = 1; position <= ENTRIES_AT_MOST; position++) {
    while (list[at] === ' ') at++;
    if (at >= list.length || !/[(0-9a-f]/i.test(list[at]!)) break;
    const close = list.indexOf(')', at);
    const end = close < 0 ? list.length : close + 1;
    const entry = list.slice(at, Math.min(end, at + ENTRY_AT_MOST));
    // A variable of a script or a format: nobody's list.
    if (/[$%<{]/.test(entry)) break;
    const problem =
      list[at] !== '(' ? 'it does not begin with `(`' : close < 0 ? 'its `)` is missing' : problemOf(entry);
    if (problem !== null) return { bad: { entry, position, problem, right: nearest(entry) }, devices };
    const bdf = parseBdf(entry.slice(1, -1));
    if (bdf.ok) devices.push(renderBdf(bdf.bdf));
    at = end;
  }
  return { bad: null, devices };
}

function problemOf(entry: string): string | null {
  const inner = entry.slice(1, -1).trim();
  if (/^(?:[0-9a-f]{1,4}:)?[0-9a-f]{1,2}:\*\.\*$/i.test(inner)) return null;
  const result = parseBdf(inner);
  if (!result.ok) return result.error.message;
  return result.end === inner.length ? null : `\`${inner[result.end]}\` stands behind the address`;
}

/** What entries look like, for those that cannot be guessed. */
export const HIDE_SHAPE = '([segment:]bus:device.function), as lspci -D prints it: (0000:0b:00.1)';

/**
 * A malformed address, mended where only the separators before its function are wrong: `0b::00.1` is meant to be `0b:00.1`.
 * Null where it is not clear which number is the function.
 */
export function nearest(entry: string): string | null {
  if (!/\.[0-7]\)?$/.test(entry.trimEnd())) return null;
  const numbers = entry.match(/[0-9a-f]{1,4}/gi) ?? [];
  if (numbers.length !== 3 && numbers.length !== 4) return null;
  const [fn, device, bus, segment] = numbers.toReversed() as [string, string, string, string?];
  const bdf = parseBdf(`${segment === undefined ? '' : `${segment}:`}${bus}:${device}.${fn}`);
  return bdf.ok ? renderBdf(bdf.bdf) : null;
}
