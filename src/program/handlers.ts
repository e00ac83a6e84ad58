import { rightsText } from '../formats/address.js';
import { GNTMAP } from '../formats/grant-v1.js';
import { PGT } from '../formats/x86-page-info.js';
import { hwdomRights } from '../xen/boot.js';
import { STEP_NAMES, Step, TOOLSTACK } from '../xen/call-steps.js';
import { assignDevice, CONTINUES, deassignDevice, stepCall, testAssignDevice } from '../xen/devices.js';
import { CDF, type CreateFlag, createDomain } from '../xen/domain.js';
import { destroyDomain } from '../xen/domain-death.js';
import { errnoName } from '../xen/errno.js';
import { faultLines } from '../xen/fault-lines.js';
import {
  clearGrantEntry,
  grantStatusName,
  mapGrantRef,
  unmapGrantRef,
  writeGrantEntry,
} from '../xen/grant-table.js';
import { populateRights } from '../xen/late-context.js';
import { decreaseReservation, memoryExchange, populatePhysmap, setMaxPages } from '../xen/memory.js';
import { typeOf } from '../xen/page-info.js';
import { guestStore, mmuUpdate, pinTable, unpinTable, updateVaMapping } from '../xen/page-table.js';
import { typeRights } from '../xen/page-type.js';
import { addToPhysmap, type MapSpace } from '../xen/physmap.js';
import type { Xen } from '../xen/state.js';
import { type Arguments, Nameless, OperationError } from './arguments.js';
import { deviceAccess } from './device-access.js';
import { equalsSnapshot, type Names, takeSnapshot } from './names.js';

/** What an operation answered. */
export interface Outcome {
  readonly status: string;
  /** Log lines of faults, without `(XEN) `, one text a fault. */
  readonly faults?: readonly string[];
  /** Steps a hypercall took, where it was run step by step. */
  readonly steps?: number;
}

type Handler = (xen: Xen, args: Arguments, names: Names) => Outcome;

const errno = (status: number): Outcome => ({ status: errnoName(status) });
const grantStatus = (status: number): Outcome => ({ status: grantStatusName(status) });

/** The slot of a domain that exists, dead or alive; without one the operation answers `otherwise`. */
function existing(xen: Xen, args: Arguments, otherwise = 'ESRCH'): number {
  const slot = args.domain();
  if (!xen.exists(slot)) throw new Nameless(otherwise);
  return slot;
}

/** The slot of a domain that does something itself: the CPUs of a dead one never run again. */
function running(xen: Xen, args: Arguments): number {
  const slot = existing(xen, args);
  if (xen.isDying(slot)) throw new Nameless('not running');
  return slot;
}

const pinHandler =
  (type: number): Handler =>
  (xen, args) =>
    errno(pinTable(xen, existing(xen, args), args.pdx(), type));

/** Runs the hypercall under way until it ends, or `stop` says so after a step. */
function runCall(xen: Xen, stop: (steps: number) => boolean): Outcome {
  if (xen.call.step.get(TOOLSTACK) === Step.none) return { status: 'idle' };
  let status = CONTINUES;
  let steps = 0;
  while (status === CONTINUES && !stop(steps)) {
    status = stepCall(xen, TOOLSTACK);
    steps++;
  }
  return {
    status: status === CONTINUES ? `at ${STEP_NAMES[xen.call.step.get(TOOLSTACK)]}` : errnoName(status),
    steps,
  };
}

function assign(xen: Xen, args: Arguments): Outcome {
  const status = assignDevice(xen, TOOLSTACK, args.domain(), args.device(), args.number('flags', 0));
  if (status !== CONTINUES) return { status: errnoName(status), steps: 1 };
  const rest = runCall(xen, () => false);
  return { ...rest, steps: (rest.steps ?? 0) + 1 };
}

/** The flags that a createdomain statement asks for. */
export function createFlags(xen: Xen, args: Arguments): number {
  const arm = xen.spec.arch === 'arm';
  let flags = args.number('raw_flags', 0) | (arm ? CDF.hvm | CDF.hap : 0);
  for (const flag of Object.keys(CDF) as CreateFlag[]) if (args.flag(flag)) flags |= CDF[flag];
  return flags;
}

/** The GNTMAP flags that a map_grant_ref statement asks for. */
export function grantMapFlags(args: Arguments): number {
  const named = args.flag('host') || args.flag('device');
  return (
    (args.flag('device') ? GNTMAP.device : 0) |
    (args.flag('host') || !named ? GNTMAP.host : 0) |
    (args.flag('readonly') ? GNTMAP.readonly : 0)
  );
}

function create(xen: Xen, args: Arguments, names: Names): Outcome {
  const slot = createDomain(xen, args.number('domid', -1), {
    flags: createFlags(xen, args),
    iommuOpts: args.number('iommu_opts', 0),
    maxVcpus: args.number('max_vcpus', 1),
    maxPages: args.number('max_pages', 64),
    directMapped: false,
  });
  if (slot >= 0) {
    // The newest name of a domid comes last.
    names.domains.delete(args.text('domain'));
    names.domains.set(args.text('domain'), slot);
  }
  return errno(slot);
}

function populate(xen: Xen, args: Arguments, names: Names): Outcome {
  const slot = existing(xen, args, 'EBUSY');
  const wanted = wantedPage(args, 'page');
  const count = args.number('count', 1);
  let gfn = args.number('gfn', 0);
  for (let i = 0; i < count; i++) {
    const pdx = populatePhysmap(xen, slot, gfn++, wanted < 0 ? -1 : wanted + i);
    if (pdx < 0) return errno(pdx);
    if (i === 0 && wanted < 0) names.pages.set(args.text('page'), xen.ram.frameAt(pdx));
  }
  return { status: 'ok' };
}

/** The index of the frame that a new page must get, or -1 where it only gets a name. */
function wantedPage(args: Arguments, name: string): number {
  return Number.isInteger(Number(args.text(name))) ? args.pdx(name) : -1;
}

function exchange(xen: Xen, args: Arguments, names: Names): Outcome {
  const wanted = wantedPage(args, 'newpage');
  const pdx = memoryExchange(xen, existing(xen, args), args.pdx(), wanted);
  if (pdx >= 0 && wanted < 0) names.pages.set(args.text('newpage'), xen.ram.frameAt(pdx));
  return errno(pdx);
}

/** Whose page is mapped: one's own, another domain's, or dom_io's. */
function pageOwner(xen: Xen, args: Arguments): number {
  const owner = args.domain(args.has('of') ? 'of' : 'domain');
  if (owner !== xen.domIo && !xen.exists(owner)) throw new Nameless('ESRCH');
  return owner;
}

function dma(xen: Xen, args: Arguments): Outcome {
  const write = args.text('access') === 'write';
  const value = args.number('value', 0xdeadbeef);
  if (deviceAccess(xen, args.device(), args.address(), write, value)) return { status: 'ok' };
  return { status: 'fault', faults: [faultLines(xen, xen.unit!.lastFault()).join('\n')] };
}

/** What each of the three sites of dossier §3.5 decides for a page; a site that the design deleted says so. */
function checks(xen: Xen, args: Arguments): Outcome {
  const pdx = args.pdx();
  const late = xen.profile.iommuContext === 'at-first-assignment';
  const type = typeOf(xen.frame.typeInfo.get(pdx));
  const owner = xen.frame.owner.get(pdx) - 1;
  return {
    status: [
      rightsText(typeRights(type)),
      late ? rightsText(populateRights(xen, owner, pdx)) : 'deleted',
      late ? rightsText(hwdomRights(xen, pdx)) : 'deleted',
    ].join(' '),
  };
}

/** One function an operation of the table in operations.ts. */
export const HANDLERS: Readonly<Record<string, Handler>> = {
  createdomain: create,
  destroydomain: (xen, args) => errno(destroyDomain(xen, TOOLSTACK, args.domain())),
  max_mem: (xen, args) => errno(setMaxPages(xen, args.domain(), args.number('pages', 0))),
  memory_exchange: exchange,
  add_to_physmap: (xen, args) => {
    const [space, index] = [args.text('space') as MapSpace, args.number('index', 0)];
    return errno(addToPhysmap(xen, args.domain(), space, index, args.number('gfn', 0)));
  },
  populate_physmap: populate,
  decrease_reservation: (xen, args) =>
    errno(
      decreaseReservation(
        xen,
        existing(xen, args, 'EINVAL'),
        args.has('page') ? args.pdx() : -1,
        args.number('gfn', -1),
      ),
    ),
  pin_l1_table: pinHandler(PGT.l1),
  pin_l2_table: pinHandler(PGT.l2),
  pin_l3_table: pinHandler(PGT.l3),
  pin_l4_table: pinHandler(PGT.l4),
  unpin_table: (xen, args) => errno(unpinTable(xen, existing(xen, args), args.pdx())),
  mmu_update: (xen, args) => {
    const slot = existing(xen, args);
    const { pdx, index } = args.entry();
    return errno(mmuUpdate(xen, slot, pdx, index, ...args.entryWords()));
  },
  update_va_mapping: (xen, args) => {
    const slot = running(xen, args);
    const pdx = args.has('page') ? args.pdx() : -1;
    return errno(updateVaMapping(xen, slot, args.number('va', 0), pdx, args.writable, pageOwner(xen, args)));
  },
  store: (xen, args) => {
    const { pdx, index } = args.entry();
    return errno(guestStore(xen, running(xen, args), pdx, index, ...args.entryWords()));
  },
  grant: (xen, args) => {
    const { domain, to, frame } = { domain: running(xen, args), to: args.domain('to'), frame: args.frame() };
    const named = xen.isTranslated(domain) ? xen.frame.gfn.get(xen.ram.indexOf(frame)) - 1 : frame;
    writeGrantEntry(xen, domain, args.number('ref', 0), xen.domidOf(to), named, args.flag('readonly'));
    return { status: 'ok' };
  },
  end_grant: (xen, args) => ({
    status: clearGrantEntry(xen, running(xen, args), args.number('ref', 0)) ? 'ok' : 'in_use',
  }),
  map_grant_ref: (xen, args, names) => {
    const granter = args.domain('granter');
    const ref = args.number('ref', 0);
    const handle = mapGrantRef(
      xen,
      running(xen, args),
      granter,
      ref,
      grantMapFlags(args),
      args.number('gfn', 0),
    );
    if (handle >= 0) names.handles.set(args.text('handle'), handle);
    return grantStatus(handle);
  },
  unmap_grant_ref: (xen, args) => {
    const named = args.flag('host') || args.flag('device');
    const clear = named
      ? (args.flag('host') ? GNTMAP.host : 0) | (args.flag('device') ? GNTMAP.device : 0)
      : GNTMAP.host | GNTMAP.device;
    const busAddress = args.has('dev_bus_addr') ? args.frame('dev_bus_addr') : -1;
    return grantStatus(unmapGrantRef(xen, running(xen, args), args.handle(), clear, busAddress));
  },
  assign_device: assign,
  test_assign_device: (xen, args) => errno(testAssignDevice(xen, TOOLSTACK, args.domain(), args.device(), 0)),
  deassign_device: (xen, args) => errno(deassignDevice(xen, TOOLSTACK, args.domain(), args.device())),
  begin: (xen, args) => {
    if (xen.call.step.get(TOOLSTACK) !== Step.none)
      throw new OperationError('a hypercall is under way already');
    const status = assignDevice(xen, TOOLSTACK, args.domain(), args.device(), 0);
    return {
      status: status === CONTINUES ? `at ${STEP_NAMES[xen.call.step.get(TOOLSTACK)]}` : errnoName(status),
    };
  },
  step: (xen, args) => {
    if (!args.has('until')) return runCall(xen, (steps) => steps === 1);
    const until = args.text('until');
    return runCall(xen, () => STEP_NAMES[xen.call.step.get(TOOLSTACK)] === until);
  },
  finish: (xen, args) => {
    const limit = args.number('max_steps', 10_000_000);
    return runCall(xen, (steps) => steps === limit);
  },
  dma,
  checks,
  mark: (xen, args, names) => {
    names.marks.set(args.text('name'), takeSnapshot(xen));
    return { status: 'ok' };
  },
  same_state: (xen, args, names) => {
    const snapshot = names.marks.get(args.text('name'));
    if (snapshot === undefined) throw new OperationError(`there is no mark \`${args.text('name')}\``);
    return { status: equalsSnapshot(xen, snapshot) ? 'ok' : 'different' };
  },
};
