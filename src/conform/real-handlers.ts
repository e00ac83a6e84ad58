import type { StatusResult } from '../lab/agent/protocol.js';
import { PIN_COMMANDS } from '../lab/agent/protocol.js';
import type { Arguments } from '../program/arguments.js';
import { createFlags } from '../program/handlers/domains.js';
import type { Outcome } from '../program/handlers/handler.js';
import { errnoName } from '../xen/errno.js';
import { PTE_PRESENT, PTE_RW } from '../xen/page-table.js';
import { realDma } from './real-dma.js';
import { REAL_GRANT_HANDLERS } from './real-grants.js';
import { CannotRun, type RealHandler, type RealXen } from './real-xen.js';

/** (Xen public/memory.h) */
const XENMAPSPACE_GMFN = 2;

const status = ({ rc }: StatusResult): Outcome => ({ status: errnoName(rc) });

const pin =
  (command: number): RealHandler =>
  async (real, args) => {
    const domid = real.domid(args.domain());
    const mfn = await real.mfn(args.frame());
    const issuer = real.issuerOf(args.domain());
    const [result] = await real.agent.perform([{ call: 'mmuext_op', domid, command, mfn, issuer }]);
    return status(result);
  };

const deviceCall =
  (call: 'assign_device' | 'test_assign_device' | 'deassign_device'): RealHandler =>
  async (real, args) => {
    const [result] = await real.agent.perform([
      {
        call,
        domid: real.domid(args.domain()),
        sbdf: real.device(args.text('device')),
        flags: args.number('flags', 0),
      },
    ]);
    return status(result);
  };

const create: RealHandler = async (real, args, model) => {
  const name = args.text('domain');
  const slot = real.names.domains.get(name);
  const domid = model.status === 'ok' && slot !== undefined ? slot : args.number('domid', 0);
  if (args.number('iommu_opts', 0) !== 0 && real.model.profile.iommuContext === 'at-first-assignment')
    throw new CannotRun('iommu_opts: createdomain has had them since 4.13');
  const [result] = await real.agent.perform([
    {
      call: 'createdomain',
      flags: createFlags(real.model, args),
      iommuOpts: args.number('iommu_opts', 0),
      maxVcpus: args.number('max_vcpus', 1),
      maxPages: args.number('max_pages', 64),
      domid,
      guest: real.guests && !args.flag('hvm'),
      maxGrantFrames: real.model.spec.limits.grantFrames,
      ...(args.has('max_grant_version') ? { maxGrantVersion: args.number('max_grant_version', 0) } : {}),
    },
  ]);
  if (result.rc >= 0) {
    real.slotTables.set(result.domid, result.slotTable);
    // Pages that the program had and the agent now has: a name of them means a free page, as on the model.
    for (const mfn of result.ownPages) real.bindings.release(mfn);
  }
  return status(result);
};

/** Whether the domain's kernel page table, read from memory, maps a page writable. */
function hasWritableMapping(real: RealXen, slot: number, mfn: number): boolean {
  const { memory } = real.machine;
  const table = real.slotTables.get(real.domid(slot));
  if (memory === undefined || table === undefined || table < 0)
    throw new CannotRun('a store needs the domain’s page tables, which cannot be read here');
  memory.refresh();
  const { vaSlots } = real.model.spec.limits;
  for (let entry = table * 4096; entry < table * 4096 + vaSlots * 8; entry += 8) {
    const [lo, hi] = [memory.read32(entry), memory.read32(entry + 4)];
    const frame = (lo >>> 12) + (hi & 0xf_ffff) * 0x10_0000;
    if (frame === mfn && (lo & PTE_PRESENT) !== 0 && (lo & PTE_RW) !== 0) return true;
  }
  return false;
}

/** The entry an operation writes: its low 12 bits, and the frame it points to. */
async function entryOf(real: RealXen, args: Arguments): Promise<{ flags: number; mfn: number }> {
  if (!args.has('page')) return { flags: 0, mfn: 0 };
  return { flags: args.entryWords()[0] & 0xfff, mfn: await real.mfn(args.frame()) };
}

/** Table and index of an entry argument. */
async function placeOf(real: RealXen, args: Arguments): Promise<{ mfn: number; index: number }> {
  const { pdx, index } = args.entry();
  return { mfn: await real.mfn(real.model.ram.frameAt(pdx)), index };
}

/**
 * The statement's counterpart on a real Xen, one function an operation; those that give pages are in allocation.ts. What is
 * missing exists on the model only.
 */
export const REAL_HANDLERS: Readonly<Record<string, RealHandler>> = {
  createdomain: create,
  destroydomain: async (real, args) => {
    const domid = real.domid(args.domain());
    const [result] = await real.agent.perform([{ call: 'destroydomain', domid }]);
    return status(result);
  },
  add_to_physmap: async (real, args) => {
    if (args.text('space') !== 'gmfn')
      throw new CannotRun('pages that Xen shares with a guest: which they are cannot be seen from here');
    const [result] = await real.agent.perform([
      {
        call: 'add_to_physmap',
        domid: real.domid(args.domain()),
        space: XENMAPSPACE_GMFN,
        index: args.number('index', 0),
        gfn: args.number('gfn', 0),
      },
    ]);
    return status(result);
  },
  max_mem: async (real, args) => {
    const slot = args.domain();
    if (slot === 0) throw new CannotRun('dom0’s limit: the dom0 of the machine lives by it');
    const [result] = await real.agent.perform([
      { call: 'max_mem', domid: real.domid(slot), pages: args.number('pages', 0) },
    ]);
    return status(result);
  },
  decrease_reservation: async (real, args) => {
    if (args.number('order', 0) > 0)
      throw new CannotRun('an extent of many pages: the lab asks for single ones');
    const frame = args.has('page') ? await real.mfn(args.frame()) : args.number('gfn', 0);
    const [result] = await real.agent.perform([
      { call: 'decrease_reservation', domid: real.domid(args.domain()), frame },
    ]);
    return status(result);
  },
  pin_l1_table: pin(PIN_COMMANDS.l1),
  pin_l2_table: pin(PIN_COMMANDS.l2),
  pin_l3_table: pin(PIN_COMMANDS.l3),
  pin_l4_table: pin(PIN_COMMANDS.l4),
  unpin_table: pin(PIN_COMMANDS.unpin),
  mmu_update: async (real, args) => {
    const { mfn, index } = await placeOf(real, args);
    const { flags, mfn: target } = await entryOf(real, args);
    const entry = ((BigInt(target) << 12n) | BigInt(flags)).toString(16);
    const domid = real.domid(args.domain());
    const issuer = real.issuerOf(args.domain());
    const [result] = await real.agent.perform([{ call: 'mmu_update', domid, mfn, index, entry, issuer }]);
    return status(result);
  },
  update_va_mapping: async (real, args) => {
    const domid = real.domid(args.domain());
    const [result] = await real.agent.perform([
      {
        call: 'update_va_mapping',
        domid,
        slot: args.number('va', 0),
        mfn: args.has('page') ? await real.mfn(args.frame()) : -1,
        writable: args.writable,
        of: args.has('of') ? real.domid(args.domain('of')) : domid,
        issuer: real.issuerOf(args.domain()),
      },
    ]);
    return status(result);
  },
  store: async (real, args) => {
    const { mfn, index } = await placeOf(real, args);
    const { flags, mfn: target } = await entryOf(real, args);
    if (!hasWritableMapping(real, args.domain(), mfn)) return { status: 'EFAULT' };
    const { memory } = real.machine;
    memory!.write32(mfn * 4096 + index * 8, ((target << 12) | flags) >>> 0);
    memory!.write32(mfn * 4096 + index * 8 + 4, Math.floor(target / 0x10_0000));
    return { status: 'ok' };
  },
  ...REAL_GRANT_HANDLERS,
  assign_device: deviceCall('assign_device'),
  test_assign_device: deviceCall('test_assign_device'),
  deassign_device: deviceCall('deassign_device'),
  // Since 4.13 there is nothing between the beginning of an assignment and its end.
  'begin assign_device': async (real, args, model) => {
    if (model.status.startsWith('at ')) throw new CannotRun(HALF_WAY);
    return deviceCall('assign_device')(real, args, model);
  },
  'begin destroydomain': halfWay,
  'begin populate_physmap': halfWay,
  'begin pin_l1_table': halfWay,
  'begin pin_l2_table': halfWay,
  'begin pin_l3_table': halfWay,
  'begin pin_l4_table': halfWay,
  'begin update_va_mapping': halfWay,
  'begin mmu_update': halfWay,
  'begin memory_exchange': halfWay,
  tlb_flush: noKernel,
  clear_page: noKernel,
  copy_page: noKernel,
  new_baseptr: noKernel,
  new_user_baseptr: noKernel,
  set_gdt: noKernel,
  step: onlyIdle,
  finish: onlyIdle,
  dma: realDma,
};

const HALF_WAY = 'the hypercall of the real machine cannot be stopped half-way';

async function halfWay(): Promise<Outcome> {
  throw new CannotRun(HALF_WAY);
}

/** Hypercalls that Xen takes from the domain itself only. */
async function noKernel(): Promise<Outcome> {
  throw new CannotRun('guests of the real machine run no kernel that could do this for itself');
}

async function onlyIdle(_real: RealXen, _args: Arguments, model: Outcome): Promise<Outcome> {
  if (model.status === 'idle') return model;
  throw new CannotRun('the hypercall of the real machine cannot be stopped half-way');
}
