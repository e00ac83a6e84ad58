import { R, W } from '../formats/address.js';
import { IommuView } from '../formats/iommu-view.js';
import { FOUR_LEVELS } from '../formats/radix.js';
import { walkAll } from '../formats/walk-all.js';
import type { WordSource } from '../formats/words.js';
import { X86_64 } from '../formats/x86-pte.js';
import { LabError, type LabMachine } from '../lab/machine-api.js';

/** Which of dom0's own page tables its devices can reach. */
export interface Dom0Tables {
  /** Page-table frames found by following dom0's CR3. */
  readonly tables: number;
  readonly readable: number;
  readonly writable: number;
}

/** Slots of a PV guest's L4 table that are Xen's (dossier §3.2). */
const XEN_SLOTS = { first: 256, last: 271 };

/** A CR3 with fewer tables behind it is Xen's own, of an idle CPU. */
const LEAST_TABLES = 100;
const ATTEMPTS = 20;

/**
 * Follows dom0's CR3 through the memory of the stopped machine and looks each page-table frame up in a device's IOMMU
 * tables: relaxed, they are all there; strict, none may be (I2, dossier §2.4).
 * @param requester a device of dom0's.
 */
export async function dom0PageTables(machine: LabMachine, requester: number): Promise<Dom0Tables> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    await machine.stop();
    try {
      const found = await lookUp(machine, requester);
      if (found.tables >= LEAST_TABLES) return found;
    } finally {
      await machine.cont();
    }
    // dom0 runs again for a moment, so that the CPU is caught with its tables.
    await machine.agent.perform([{ call: 'hello' }]);
  }
  throw new LabError('dom0’s page tables cannot be found: CR3 is Xen’s own whenever it is looked at', 3);
}

async function lookUp(machine: LabMachine, requester: number): Promise<Dom0Tables> {
  if (machine.iommu === 'none') throw new LabError('the machine has no IOMMU', 2);
  const cr3 = /CR3=([0-9a-f]+)/.exec(await machine.monitor('info registers'))?.[1];
  if (cr3 === undefined) throw new LabError('QEMU’s `info registers` shows no CR3', 3);
  const { memory } = machine;
  memory.refresh();
  const view = new IommuView(memory, machine.iommu, machine.rootTable);
  view.select(requester);
  const root = Math.floor(Number.parseInt(cr3, 16) / 4096);
  const frames = new Set<number>();
  walkAll(X86_64, withoutXen(memory, root), root, FOUR_LEVELS, () => {}, {
    onTable: (frame) => void frames.add(frame),
  });
  let readable = 0;
  let writable = 0;
  for (const frame of frames) {
    const rights = view.rights(frame);
    if (rights & R) readable++;
    if (rights & W) writable++;
  }
  return { tables: frames.size, readable, writable };
}

/** Memory in which the L4 table at `root` has nothing in Xen's slots. */
function withoutXen(memory: WordSource, root: number): WordSource {
  const [first, end] = [root * 4096 + XEN_SLOTS.first * 8, root * 4096 + (XEN_SLOTS.last + 1) * 8];
  return { read32: (pa) => (pa >= first && pa < end ? 0 : memory.read32(pa)) };
}
