import type { Symmetry } from '../../src/check/model.js';
import type { Layout, Table } from '../../src/store/table.js';

/**
 * What may change places without anybody noticing: any two pages, and the two domains. A symmetry says of each word which
 * word takes its place, and of each value what stands there then: rows move, and references to rows follow them.
 */

/** How pages and domains change places. */
interface Renaming {
  readonly page: readonly number[];
  readonly domain: readonly number[];
}

/** Where a row of each table goes. */
const ROWS: Readonly<Record<string, (row: number, { page, domain }: Renaming) => number>> = {
  page: (row, { page }) => page[row]!,
  iommu: (row, { page, domain }) =>
    domain[Math.floor(row / page.length)]! * page.length + page[row % page.length]!,
  cpu: (row, { domain }) => domain[row]!,
  device: (row) => row,
};

/** The fields that refer to a page or a domain, as index + 1. */
const REFERENCES: Readonly<Record<string, keyof Renaming>> = {
  'page.owner': 'domain',
  'cpu.page': 'page',
  'device.owner': 'domain',
};

/** All renamings of a machine but the one that changes nothing. */
export function renamings(layout: Layout, pages: number, domains: number): Symmetry[] {
  const all = permutations(pages).flatMap((page) =>
    permutations(domains).map((domain) => ({ page, domain })),
  );
  return all.slice(1).map((renaming) => symmetryOf(layout, renaming));
}

function symmetryOf(layout: Layout, renaming: Renaming): Symmetry {
  const words = Int32Array.from(layout.store.words, (_, index) => index);
  const references: (readonly number[] | undefined)[] = [];
  for (const table of layout.tables) {
    const width = table.fieldNames.length;
    for (let row = 0; row < table.rows; row++) {
      table.fieldNames.forEach((field, offset) => {
        const to = ROWS[table.name]!(row, renaming);
        words[wordOf(table, row, offset, width)] = wordOf(table, to, offset, width);
        const kind = REFERENCES[`${table.name}.${field}`];
        if (kind !== undefined) references[wordOf(table, row, offset, width)] = renaming[kind];
      });
    }
  }
  return {
    word: (index) => words[index]!,
    value: (index, value) => {
      const reference = references[index];
      return reference === undefined || value === 0 ? value : reference[value - 1]! + 1;
    },
  };
}

const wordOf = ({ base }: Table, row: number, offset: number, width: number): number =>
  base + row * width + offset;

/** All orders of 0 to `count` - 1, the usual one first. */
function permutations(count: number): number[][] {
  if (count === 0) return [[]];
  return permutations(count - 1)
    .flatMap((shorter) =>
      Array.from({ length: count }, (_, at) => [...shorter.slice(0, at), count - 1, ...shorter.slice(at)]),
    )
    .sort((a, b) => (a.join() < b.join() ? -1 : 1));
}
