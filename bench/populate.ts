import { bootMachine } from '../src/program/build.js';
import { DEFAULT_MACHINE } from '../src/program/program.js';
import { PAGE_WORDS } from '../src/store/store.js';
import { assignDevice } from '../src/xen/device-domctl.js';
import { CDF, createDomain, IOMMU_NO_SHAREPT } from '../src/xen/domain.js';
import { destroyDomain } from '../src/xen/domain-death.js';
import { resolveEdition } from '../src/xen/editions/edition.js';
import { populatePhysmap } from '../src/xen/memory.js';
import type { Xen } from '../src/xen/state.js';

/** What it costs to give a translated domain with a device its memory, and to take both away again. */
export interface PopulateFigures {
  readonly name: string;
  readonly pages: number;
  readonly order: number;
  readonly cpuSeconds: number;
  /** Frames of Xen's heap that hold tables when the domain has all its memory. */
  readonly tables: number;
  /** Words that are not zero then, in RAM and in the frame table. */
  readonly words: number;
  /** By how much the process grew. */
  readonly grownMiB: number;
}

const PAGES = 2 ** 20;
/** 4 GiB, aligned to 1 GiB. */
const FIRST_FRAME = 2 ** 20;

function bootWithGuest(iommu: 'vtd' | 'amdvi', noShare: boolean, tables: number): Xen {
  const xen = bootMachine(
    {
      ...DEFAULT_MACHINE,
      iommu,
      // The page behind is dom0's: frames are handed out lowest first, so it is below.
      ram: [{ first: FIRST_FRAME - 1, last: FIRST_FRAME + PAGES - 1 }],
      xenHeap: { first: 0x10, last: 0x10 + tables },
      dom0Mode: 'passthrough',
      dom0Pages: 1,
      devices: [{ name: 'nic', address: '0000:03:00.0' }],
      limits: { domains: 2 },
    },
    resolveEdition('4.17').profile,
  );
  const flags = CDF.hvm | CDF.hap | CDF.iommu;
  const iommuOpts = noShare ? IOMMU_NO_SHAREPT : 0;
  createDomain(xen, 1, { flags, iommuOpts, maxVcpus: 1, maxPages: PAGES, directMapped: false });
  if (assignDevice(xen, 0, 1, 0, 0) !== 0) throw new Error('the device cannot be assigned');
  xen.store.forget();
  return xen;
}

function usedTables(xen: Xen): number {
  let used = 0;
  for (let pdx = xen.xenHeap.first; pdx < xen.xenHeap.end; pdx++) {
    if (xen.frame.countInfo.get(pdx) !== 0) used++;
  }
  return used;
}

function nonZeroWords(xen: Xen): number {
  let words = 0;
  for (let i = 0; i < xen.store.pageCount * PAGE_WORDS; i++) if (xen.store.words[i] !== 0) words++;
  return words;
}

function populate(name: string, iommu: 'vtd' | 'amdvi', noShare: boolean, order: number): PopulateFigures {
  const xen = bootWithGuest(iommu, noShare, PAGES / 256 + 64);
  const before = { cpu: process.cpuUsage(), rss: process.memoryUsage().rss, words: nonZeroWords(xen) };
  const start = process.cpuUsage();
  for (let gfn = 0; gfn < PAGES; gfn += 2 ** order) {
    if (populatePhysmap(xen, 1, gfn, -1, order) < 0) throw new Error(`gfn ${gfn} cannot be had`);
  }
  const populated = process.cpuUsage(start);
  const grownMiB = (process.memoryUsage().rss - before.rss) / 2 ** 20;
  const [tables, words] = [usedTables(xen), nonZeroWords(xen) - before.words];
  const end = process.cpuUsage();
  if (destroyDomain(xen, 0, 1) !== 0 || xen.exists(1)) throw new Error('the domain does not go');
  const destroyed = process.cpuUsage(end);
  const micros = populated.user + populated.system + destroyed.user + destroyed.system;
  return { name, pages: PAGES, order, cpuSeconds: micros / 1e6, tables, words, grownMiB };
}

export async function benchPopulate(): Promise<PopulateFigures[]> {
  const machines = [
    ['shared EPT', 'vtd', false],
    ['EPT and VT-d', 'vtd', true],
    ['NPT and AMD-Vi', 'amdvi', true],
  ] as const;
  return machines.flatMap(([name, iommu, noShare]) =>
    [18, 9, 0].map((order) => populate(name, iommu, noShare, order)),
  );
}

export function populateReport(figures: readonly PopulateFigures[]): string {
  const pad = (value: string | number, width: number) => String(value).padStart(width);
  const rows = figures.map(
    ({ name, order, cpuSeconds, tables, words, grownMiB }) =>
      `  ${name.padEnd(15)} ${pad(order, 5)}  ${pad(cpuSeconds.toFixed(2), 6)}  ${pad(tables, 6)}  ${pad(words, 9)}  ${pad(grownMiB.toFixed(0), 5)}`,
  );
  return [
    `Giving a translated domain ${PAGES.toLocaleString('en-US')} pages and taking them away`,
    '                  order   CPU s  tables      words  + MiB',
    ...rows,
  ].join('\n');
}
