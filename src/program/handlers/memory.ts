import { accessByCpu, cleanBySetWay } from '../../xen/arm-set-way.js';
import { CONTINUES, pageOf } from '../../xen/calls/call.js';
import { claimPages } from '../../xen/claims.js';
import { Errno } from '../../xen/errno.js';
import { beginExchange } from '../../xen/exchange-steps.js';
import { beginAddToPhysmap } from '../../xen/grant-frame-steps.js';
import { writeGuestBuffer } from '../../xen/guest-buffer.js';
import { type SettableAccess, setMemAccess } from '../../xen/mem-access.js';
import { type SettableType, setMemType } from '../../xen/mem-type.js';
import {
  beginPopulatePhysmap,
  decreaseReservation,
  memoryExchange,
  populatePhysmap,
} from '../../xen/memory.js';
import { memoryMapping } from '../../xen/mmio-map.js';
import { p2mLookup } from '../../xen/p2m.js';
import { addToPhysmap, type MapSpace } from '../../xen/physmap.js';
import { markPopulateOnDemand, podDecrease, populateOnAccess, setPodTarget } from '../../xen/pod.js';
import type { Xen } from '../../xen/state.js';
import { Kind } from '../../xen/tables/domain.js';
import type { Arguments } from '../arguments.js';
import type { Names } from '../names.js';
import { type Beginning, beginHandler } from './calls.js';
import { errno, existing, type Handlers, type Outcome, running } from './handler.js';

function populate(xen: Xen, args: Arguments, names: Names): Outcome {
  const slot = existing(xen, args, 'EBUSY');
  const wanted = wantedPage(args, 'page');
  const count = args.number('count', 1);
  const order = Math.min(args.number('order', 0), 64);
  const gfn = args.number('gfn', 0);
  for (let i = 0; i < count; i++) {
    const offset = i * 2 ** order;
    const pdx = populatePhysmap(xen, slot, gfn + offset, wanted < 0 ? -1 : wanted + offset, order);
    if (pdx < 0) return errno(pdx);
    if (i === 0 && wanted < 0) names.pages.set(args.text('page'), xen.ram.frameAt(pdx));
  }
  return { status: 'ok' };
}

/** The page that was taken first has its name from then on, whatever becomes of it. */
const beginAdd: Beginning = (xen, args, _names, call) => {
  const [space, index] = [args.text('space') as MapSpace, args.number('index', 0)];
  const more = { size: args.number('size', 1), of: args.has('of') ? args.domain('of') : -1 };
  return beginAddToPhysmap(xen, call, args.domain(), space, index, args.number('gfn', 0), more);
};

const beginPopulate: Beginning = (xen, args, names, call) => {
  const [gfn, count, wanted] = [args.number('gfn', 0), args.number('count', 1), wantedPage(args, 'page')];
  const slot = existing(xen, args, 'EBUSY');
  const order = Math.min(args.number('order', 0), 64);
  const status = beginPopulatePhysmap(xen, call, slot, gfn, count, wanted, order);
  if (status === CONTINUES && wanted < 0)
    names.pages.set(args.text('page'), xen.ram.frameAt(pageOf(xen, call)));
  return status;
};

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

/** The page that is given back is known by no name meanwhile, and the new one gets none. */
const beginExchangePage: Beginning = (xen, args, _names, call) =>
  beginExchange(xen, call, existing(xen, args), args.pdx(), wantedPage(args, 'newpage'));

/** Memory of domains. */
export const MEMORY_HANDLERS: Handlers = {
  memory_exchange: exchange,
  'begin memory_exchange': beginHandler(beginExchangePage, running),
  set_mem_access: (xen, args) => {
    const [gfn, count] = [args.number('gfn', -1), args.number('count', 1)];
    return errno(setMemAccess(xen, 0, args.domain(), args.text('access') as SettableAccess, gfn, count));
  },
  populate_on_demand: (xen, args) => {
    const slot = existing(xen, args, 'EBUSY');
    const [gfn, order] = [args.number('gfn', 0), Math.min(args.number('order', 0), 30)];
    const status = xen.isDying(slot) ? -Errno.EBUSY : markPopulateOnDemand(xen, slot, gfn, order);
    return errno(status < 0 ? -Errno.EBUSY : 0);
  },
  set_pod_target: (xen, args) => errno(setPodTarget(xen, args.domain(), args.number('pages', 0))),
  claim_pages: (xen, args) => errno(claimPages(xen, args.domain(), args.number('pages', 0))),
  set_mem_type: (xen, args) => {
    const [gfn, count] = [args.number('gfn', 0), args.number('count', 1)];
    return errno(setMemType(xen, 0, args.domain(), args.text('type') as SettableType, gfn, count));
  },
  memory_mapping: (xen, args) => {
    const [gfn, mfn, count] = [args.number('gfn', 0), args.number('mfn', 0), args.number('count', 1)];
    return errno(memoryMapping(xen, args.domain(), gfn, mfn, count, args.text('action') === 'add'));
  },
  add_to_physmap: (xen, args) => {
    const [space, index] = [args.text('space') as MapSpace, args.number('index', 0)];
    const more = { size: args.number('size', 1), of: args.has('of') ? args.domain('of') : -1 };
    return errno(addToPhysmap(xen, args.domain(), space, index, args.number('gfn', 0), more));
  },
  'begin add_to_physmap': beginHandler(beginAdd),
  clean_by_set_way: (xen, args) => ({
    status: cleanBySetWay(xen, running(xen, args)) ? 'ok' : 'undefined',
  }),
  hypercall_output: (xen, args) => errno(writeGuestBuffer(xen, running(xen, args), args.number('gfn', 0))),
  cpu_access: (xen, args) => {
    const [slot, gfn] = [running(xen, args), args.number('gfn', 0)];
    const access = xen.domain.kind.get(slot) === Kind.hvm ? populateOnAccess : accessByCpu;
    return { status: access(xen, slot, gfn) ? 'ok' : 'abort' };
  },
  populate_physmap: populate,
  'begin populate_physmap': beginHandler(beginPopulate),
  decrease_reservation: (xen, args) => {
    const slot = existing(xen, args, 'EINVAL');
    const [pdx, gfn] = [args.has('page') ? args.pdx() : -1, args.number('gfn', -1)];
    const order = args.number('order', 0);
    if (order > 18) return errno(-Errno.EINVAL);
    const podDone = gfn < 0 ? 0 : podDecrease(xen, slot, gfn, order);
    for (let i = 0; i < 2 ** order; i++) {
      // What waited for a page, or has gone into the cache, is dealt with.
      if (podDone > 0 && p2mLookup(xen, slot, gfn + i) < 0) continue;
      const status = decreaseReservation(xen, slot, pdx < 0 ? -1 : pdx + i, gfn < 0 ? -1 : gfn + i);
      if (status !== 0) return errno(status);
    }
    return { status: 'ok' };
  },
};
