/** Consecutive memory of a machine that lies in one of QEMU's memory regions. */
export interface RamRegion {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** The region's name: that of a memory backend for what was given with `-object`. */
  readonly name: string;
  /** Byte in the region where it begins. */
  readonly offset: number;
}

const VIEW = 'FlatView #';
const SYSTEM_MEMORY = ' AS "memory", ';
const REGION = /^ {1,4}([0-9a-f]{16})-([0-9a-f]{16}) \(prio -?\d+, (?:ram|rom|ramd|romd|nv-ram)\): ([^\n]*)$/;
/** What may stand behind a region's name. */
const OFFSET = / @([0-9a-f]{16})/;

/**
 * The RAM of system memory as the monitor's `info mtree -f` prints it, in the order of addresses. Device memory is left
 * out; what firmware locked against writes (`rom`) is part of it.
 */
export function ramRegions(printed: string): RamRegion[] {
  const views = printed.split(VIEW);
  const view = views.find((text) => text.includes(SYSTEM_MEMORY)) ?? '';
  const regions: RamRegion[] = [];
  for (const line of view.split(/\r?\n/)) {
    const match = REGION.exec(line);
    if (match === null) continue;
    const [start, last] = [Number.parseInt(match[1]!, 16), Number.parseInt(match[2]!, 16)];
    const rest = match[3]!;
    const offset = OFFSET.exec(rest);
    const name = (offset === null ? rest.replace(/ KVM$/, '') : rest.slice(0, offset.index)).trim();
    if (last >= start && last < 2 ** 52) {
      regions.push({ start, end: last + 1, name, offset: Number.parseInt(offset?.[1] ?? '0', 16) });
    }
  }
  return regions;
}
