import { GNTMAP } from '../../formats/grant-v1.js';
import { clearGrantEntry, writeGrantEntry } from '../../xen/grant-entry.js';
import { mapGrantRef } from '../../xen/grant-map.js';
import { unmapGrantRef } from '../../xen/grant-unmap.js';
import type { Arguments } from '../arguments.js';
import { grantStatus, type Handlers, running } from './handler.js';

/** The GNTMAP flags that a map_grant_ref statement asks for. */
export function grantMapFlags(args: Arguments): number {
  const named = args.flag('host') || args.flag('device');
  return (
    (args.flag('device') ? GNTMAP.device : 0) |
    (args.flag('host') || !named ? GNTMAP.host : 0) |
    (args.flag('readonly') ? GNTMAP.readonly : 0)
  );
}

/** Grants. */
export const GRANT_HANDLERS: Handlers = {
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
};
