import { describe, expect, it } from 'vitest';
import type { LabMachine } from '../lab/machine-api.js';
import { resolveEdition } from '../xen/editions/edition.js';
import { dom0PageTables } from './dom0-tables.js';
import { SimulatedMachine } from './simulated.fixture.js';

/** dom0's tables, in frames of the simulated machine: an L4, an L3, an L2, and L1s. */
const L4 = 0x4000;
const L1_TABLES = 120;
const TABLES = 3 + L1_TABLES;
/** An L4 without anything in it, as idle CPUs have but for Xen's slots. */
const IDLE = 0x40f0;
/** A table of Xen's, out of every device's reach. */
const XENS = 0x3001;
const PRESENT = 7;

/** A machine whose dom0 has such tables; `cr3` is what the monitor shows, look after look. */
function machine(mode: 'relaxed' | 'strict', cr3: readonly string[]) {
  const { memory, rootTable } = new SimulatedMachine(resolveEdition('4.17'), mode).judge().machine;
  const entry = (table: number, index: number, frame: number) =>
    memory!.write32(table * 4096 + index * 8, (frame * 4096) | PRESENT);
  entry(L4, 0, L4 + 1);
  entry(L4, 256, XENS);
  entry(L4, 271, XENS);
  entry(IDLE, 256, XENS);
  entry(L4 + 1, 5, L4 + 2);
  for (let i = 0; i < L1_TABLES; i++) entry(L4 + 2, i, L4 + 3 + i);

  const seen = { looks: 0, stopped: 0, continued: 0 };
  const lab = {
    iommu: 'vtd',
    memory,
    rootTable,
    stop: async () => void seen.stopped++,
    cont: async () => void seen.continued++,
    monitor: async () => cr3[Math.min(seen.looks++, cr3.length - 1)]!,
    agent: { perform: async () => [{}] },
  } as unknown as LabMachine;
  return { lab, seen };
}

const registers = (frame: number) =>
  `RAX=0000000000000000 RBX=ffff82d0405e7fff\nCR0=80050033 CR2=0 CR3=${(frame * 4096).toString(16).padStart(16, '0')} CR4=001426e0`;
const EDU = 0x20;

describe('dom0’s own page tables', () => {
  it('are all in reach of a relaxed dom0’s devices, Xen’s slots not being dom0’s', async () => {
    const { lab } = machine('relaxed', [registers(L4)]);
    expect(await dom0PageTables(lab, EDU)).toEqual({ tables: TABLES, readable: TABLES, writable: TABLES });
  });

  it('are none of them in reach of a strict one’s', async () => {
    const { lab } = machine('strict', [registers(L4)]);
    expect(await dom0PageTables(lab, EDU)).toEqual({ tables: TABLES, readable: 0, writable: 0 });
  });

  it('are looked for again while CR3 is Xen’s own, the machine running in between', async () => {
    const { lab, seen } = machine('strict', [registers(IDLE), registers(IDLE), registers(L4)]);
    expect(await dom0PageTables(lab, EDU)).toMatchObject({ tables: TABLES });
    expect(seen).toEqual({ looks: 3, stopped: 3, continued: 3 });
  });

  it.each([
    ['always is Xen’s own', [registers(IDLE)], /cannot be found/],
    ['is not shown', ['no such command'], /shows no CR3/],
  ])('cannot be judged when CR3 %s; the machine goes on', async (_, cr3, message) => {
    const { lab, seen } = machine('relaxed', cr3);
    await expect(dom0PageTables(lab, EDU)).rejects.toThrow(message);
    expect(seen.continued).toBe(seen.stopped);
  });

  it('are in nobody’s reach to judge without an IOMMU', async () => {
    const { lab } = machine('relaxed', [registers(L4)]);
    await expect(dom0PageTables({ ...lab, iommu: 'none' }, EDU)).rejects.toMatchObject({ exitCode: 2 });
  });
});
