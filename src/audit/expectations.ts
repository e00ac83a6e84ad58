import { InputError } from '../text/diagnostic.js';
import type { SourceText } from '../text/source.js';
import type { NamedBytes } from './findings/finding.js';

/** Physical addresses have at most 52 bits. */
const ADDRESS_LIMIT = 2 ** 52;

const NUMBER = /^(0x[0-9a-f]{1,14}|[0-9]{1,15})([kmgt]?)$/i;
const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** An address or a size: `0x82000000`, `3G`; undefined where it is none. */
export function addressOf(text: string): number | undefined {
  const match = NUMBER.exec(text);
  if (match === null) return undefined;
  const value = Number(match[1]) * UNITS[match[2]!.toLowerCase()]!;
  return value <= ADDRESS_LIMIT ? value : undefined;
}

/**
 * A range as the command line names it: `START-END` (END exclusive), `START+SIZE`, either with `=NAME` behind it.
 * @throws InputError about `option` when it is none.
 */
export function rangeOption(option: string, text: string, name: string): NamedBytes {
  const match = /^([^-+=]+)([-+])([^-+=]+)(?:=(.+))?$/.exec(text);
  const first = addressOf(match?.[1]?.trim() ?? '');
  const second = addressOf(match?.[3]?.trim() ?? '');
  const start = first ?? Number.NaN;
  const end = match?.[2] === '+' ? start + (second ?? Number.NaN) : (second ?? Number.NaN);
  if (start < end && end <= ADDRESS_LIMIT) return { name: match?.[4] ?? name, start, end };
  throw new InputError({
    severity: 'error',
    code: 'usage',
    message: `\`${text}\` is no range`,
    file: option,
    line: 1,
    column: 1,
    hint: 'START-END (END exclusive) or START+SIZE, such as 0x82000000-0x82800000 or 2G+8M, perhaps with =NAME',
  });
}

const SBDF = /(?:([0-9a-f]{4}):)?([0-9a-f]{2}):([01][0-9a-f])\.([0-7])/gi;
const GROUP_PATH = /iommu_groups\/(\d+)\//;

/**
 * Groups of devices: a line a group (`0000:00:1f.0 0000:00:1f.3`), or the output of
 * `find /sys/kernel/iommu_groups -type l`, a device a line. `#` begins a comment.
 * @throws InputError that names the line without a device.
 */
export function parseGroups(source: SourceText): string[][] {
  const groups = new Map<string, string[]>();
  source.text.split('\n').forEach((line, index) => {
    const text = line.replace(/#.*/, '').trim();
    if (text === '') return;
    const sbdfs = [...text.matchAll(SBDF)].map(([, segment = '0000', bus, device, fn]) =>
      `${segment}:${bus}:${device}.${fn}`.toLowerCase(),
    );
    if (sbdfs.length === 0) {
      throw new InputError(
        {
          severity: 'error',
          code: 'no-device',
          message: 'no device in this line of groups',
          file: source.name,
          line: index + 1,
          column: 1,
          hint: 'a group a line, such as 0000:00:1f.0 0000:00:1f.3, or what `find /sys/kernel/iommu_groups -type l` prints',
        },
        source,
      );
    }
    const key = GROUP_PATH.exec(text)?.[1] ?? `line ${index}`;
    groups.set(key, [...(groups.get(key) ?? []), ...sbdfs]);
  });
  return [...groups.values()];
}
