import { accessByCpu, cleanBySetWay } from '../../xen/arm-set-way.js';
import { CONTINUES, pageOf } from '../../xen/calls/call.js';
import {
  beginPopulatePhysmap,
  decreaseReservation,
  memoryExchange,
  populatePhysmap,
} from '../../xen/memory.js';
import { addToPhysmap, type MapSpace } from '../../xen/physmap.js';
import type { Xen } from '../../xen/state.js';
import type { Arguments } from '../arguments.js';
import type { Names } from '../names.js';
import { type Beginning, beginHandler } from './calls.js';
import { errno, existing, type Handlers, type Outcome, running } from './handler.js';

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

/** The page that was taken first has its name from then on, whatever becomes of it. */
const beginPopulate: Beginning = (xen, args, names, call) => {
  const [gfn, count, wanted] = [args.number('gfn', 0), args.number('count', 1), wantedPage(args, 'page')];
  const slot = existing(xen, args, 'EBUSY');
  const status = beginPopulatePhysmap(xen, call, slot, gfn, count, wanted);
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

/** Memory of domains. */
export const MEMORY_HANDLERS: Handlers = {
  memory_exchange: exchange,
  add_to_physmap: (xen, args) => {
    const [space, index] = [args.text('space') as MapSpace, args.number('index', 0)];
    return errno(addToPhysmap(xen, args.domain(), space, index, args.number('gfn', 0)));
  },
  clean_by_set_way: (xen, args) => ({
    status: cleanBySetWay(xen, running(xen, args)) ? 'ok' : 'undefined',
  }),
  cpu_access: (xen, args) => ({
    status: accessByCpu(xen, running(xen, args), args.number('gfn', 0)) ? 'ok' : 'abort',
  }),
  populate_physmap: populate,
  'begin populate_physmap': beginHandler(beginPopulate),
  decrease_reservation: (xen, args) =>
    errno(
      decreaseReservation(
        xen,
        existing(xen, args, 'EINVAL'),
        args.has('page') ? args.pdx() : -1,
        args.number('gfn', -1),
      ),
    ),
};
