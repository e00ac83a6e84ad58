import { bootMachine } from '../src/program/build.js';
import { DEFAULT_MACHINE } from '../src/program/program.js';
import { CONTINUES } from '../src/xen/calls/call.js';
import { stepCall } from '../src/xen/calls/dispatch.js';
import { assignDevice } from '../src/xen/device-domctl.js';
import { CDF, createDomain } from '../src/xen/domain.js';
import { DESIGNS } from '../src/xen/editions/edition.js';
import { populatePhysmap } from '../src/xen/memory.js';
import { updateVaMapping } from '../src/xen/page-table.js';
import type { Xen } from '../src/xen/state.js';

/** What it costs to give a running PV domain of `pages` pages its first device, in one design. */
export interface EnableFigures {
  readonly design: string;
  readonly pages: number;
  /** Steps of the hypercall, between any two of which the guest may run. */
  readonly steps: number;
  /** Times the hypercall was executed from its start. */
  readonly executions: number;
  readonly cpuSeconds: number;
}

const FIRST_FRAME = 0x10000;

function bootWithGuest(design: string, pages: number): Xen {
  const profile = DESIGNS[design]!;
  const tables = Math.ceil(pages / 512) * 4 + 64;
  const xen = bootMachine(
    {
      ...DEFAULT_MACHINE,
      ram: [{ first: FIRST_FRAME, last: FIRST_FRAME + pages }],
      xenHeap: { first: 0x10, last: 0x10 + tables },
      dom0Mode: 'passthrough',
      dom0Pages: 1,
      devices: [{ name: 'nic', address: '0000:03:00.0' }],
      limits: { domains: 2 },
    },
    profile,
  );
  const flags = profile.iommuContext === 'at-creation' ? CDF.iommu : 0;
  createDomain(xen, 1, { flags, iommuOpts: 0, maxVcpus: 1, maxPages: pages, directMapped: false });
  for (let page = 0; page < pages; page++) {
    const pdx = populatePhysmap(xen, 1, page);
    // The guest has had every page mapped writable, as a kernel has: each is a candidate for the IOMMU table.
    updateVaMapping(xen, 1, 0, pdx, true, 1);
  }
  updateVaMapping(xen, 1, 0, -1, false, 1);
  xen.store.forget();
  return xen;
}

function enable(design: string, pages: number): EnableFigures {
  const xen = bootWithGuest(design, pages);
  const cpu = process.cpuUsage();
  let status = assignDevice(xen, 0, 1, 0, 0);
  let steps = 1;
  let executions = 1;
  while (status === CONTINUES) {
    status = stepCall(xen, 0);
    steps++;
    if (status === CONTINUES && xen.call.step.get(0) === 1) executions++;
  }
  if (status !== 0) throw new Error(`${design}, ${pages} pages: the assignment failed with ${status}`);
  const { user, system } = process.cpuUsage(cpu);
  return { design, pages, steps, executions, cpuSeconds: (user + system) / 1e6 };
}

/** Steps against pages, for the design that enables late and the one that declares up front. */
export async function benchEnable(): Promise<EnableFigures[]> {
  const sizes = Array.from({ length: 7 }, (_, i) => 2 ** (8 + 2 * i));
  return sizes.flatMap((pages) => ['late-enable', 'up-front'].map((design) => enable(design, pages)));
}

export function enableReport(figures: readonly EnableFigures[]): string {
  const number = (value: number, width: number) => value.toLocaleString('en-US').padStart(width);
  const rows = figures
    .filter(({ design }) => design === 'late-enable')
    .map((late) => {
      const upFront = figures.find(({ design, pages }) => design === 'up-front' && pages === late.pages)!;
      return `${number(late.pages, 9)}  ${number(late.steps, 11)}  ${number(late.executions, 11)}  ${number(upFront.steps, 8)}`;
    });
  return [
    'First assignment of a device to a running PV domain: steps of the hypercall',
    '    pages  late-enable  (executions)  up-front',
    ...rows,
  ].join('\n');
}
