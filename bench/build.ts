import { bootMachine } from '../src/program/build.js';
import { DEFAULT_MACHINE } from '../src/program/program.js';
import { CDF, createDomain } from '../src/xen/domain.js';
import { resolveEdition } from '../src/xen/editions/edition.js';
import { populatePhysmap } from '../src/xen/memory.js';

/** What building a PV domain with an IOMMU context costs in the model. */
export interface BuildFigures {
  readonly pages: number;
  readonly cpuSeconds: number;
  /** Resident memory of the process afterwards. */
  readonly residentMiB: number;
}

/** A PV domain of 2^20 pages (4 GiB), each typed and mapped in bit-exact second-level tables. */
export async function benchBuild(): Promise<BuildFigures> {
  const pages = 2 ** 20;
  const cpu = process.cpuUsage();
  const xen = bootMachine(
    {
      ...DEFAULT_MACHINE,
      ram: [{ first: 0x10000, last: 0x10000 + pages }],
      xenHeap: { first: 0x10, last: 0x10 + pages / 512 + 64 },
      dom0Mode: 'passthrough',
      dom0Pages: 1,
      limits: { domains: 2 },
    },
    resolveEdition('4.17').profile,
  );
  const config = { flags: CDF.iommu, iommuOpts: 0, maxVcpus: 1, maxPages: pages, directMapped: false };
  createDomain(xen, 1, config);
  for (let page = 0; page < pages; page++) {
    if (populatePhysmap(xen, 1, page) < 0) throw new Error(`page ${page} cannot be had`);
  }
  const { user, system } = process.cpuUsage(cpu);
  return { pages, cpuSeconds: (user + system) / 1e6, residentMiB: process.memoryUsage().rss / 2 ** 20 };
}

export function buildReport({ pages, cpuSeconds, residentMiB }: BuildFigures): string {
  return `Building a PV domain of ${pages.toLocaleString('en-US')} pages: ${cpuSeconds.toFixed(2)} CPU s, ${residentMiB.toFixed(0)} MiB resident`;
}
