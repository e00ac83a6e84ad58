import {
  GNTMAP,
  GrantType,
  GTF_PAT,
  GTF_PCD,
  GTF_PWT,
  GTF_READONLY,
  GTF_SUB_PAGE,
} from '../../formats/grant-v1.js';
import { gfnOf } from '../../xen/frames.js';
import {
  clearGrantEntry,
  writeAcceptTransfer,
  writeGrantEntry,
  writeTransitiveGrant,
} from '../../xen/grant-entry.js';
import { hasEntry } from '../../xen/grant-frames.js';
import { judgeMapAnswer, mapGrantRef } from '../../xen/grant-map.js';
import { beginMapGrant, beginUnmapGrant, takenHandle } from '../../xen/grant-map-steps.js';
import { grantStatusName } from '../../xen/grant-status.js';
import { unmapAndReplace, unmapGrantRef, WHERE_MAPPED } from '../../xen/grant-unmap.js';
import { SOMEWHERE, tableEntry, vaEntry } from '../../xen/host-entry.js';
import type { Xen } from '../../xen/state.js';
import type { Arguments } from '../arguments.js';
import { type Beginning, beginHandler } from './calls.js';
import { grantStatus, type Handlers, type Outcome, running } from './handler.js';

/** The GNTMAP flags that a map_grant_ref statement asks for. */
export function grantMapFlags(args: Arguments): number {
  const named = args.flag('host') || args.flag('device');
  return (
    (args.flag('device') ? GNTMAP.device : 0) |
    (args.flag('host') || !named ? GNTMAP.host : 0) |
    (args.flag('readonly') ? GNTMAP.readonly : 0) |
    (args.flag('application') ? GNTMAP.application : 0) |
    (args.has('pte') ? GNTMAP.containsPte : 0) |
    args.number('raw_flags', 0)
  );
}

/** The mappings that an unmap_grant_ref statement names: both, where it names none. */
export function grantUnmapHalves(args: Arguments): number {
  const host = args.flag('host') ? GNTMAP.host : 0;
  const device = args.flag('device') ? GNTMAP.device : 0;
  return host + device === 0 && !args.flag('nothing') ? GNTMAP.host | GNTMAP.device : host | device;
}

const EXTRA_FLAGS = { sub_page: GTF_SUB_PAGE, pwt: GTF_PWT, pcd: GTF_PCD, pat: GTF_PAT } as const;

/** The flags of the entry that a grant statement writes. */
export function grantEntryFlags(args: Arguments): number {
  let flags = GrantType.PERMIT_ACCESS | (args.flag('readonly') ? GTF_READONLY : 0);
  for (const [name, flag] of Object.entries(EXTRA_FLAGS)) if (args.flag(name)) flags |= flag;
  return flags;
}

/** How a domain calls a frame: by its GFN if it is translated, else by the frame number. */
export function ownName(xen: Xen, slot: number, frame: number): number {
  if (!xen.isTranslated(slot)) return frame;
  const pdx = xen.ram.indexOf(frame);
  return pdx < 0 ? -1 : gfnOf(xen, pdx);
}

/** The L1 entry that a statement names by `va=` or `pte=`. */
function hostEntry(args: Arguments): number {
  if (args.has('pte')) {
    const { pdx, index } = args.entry('pte');
    return tableEntry(pdx, index);
  }
  return args.has('va') ? vaEntry(args.number('va', 0)) : SOMEWHERE;
}

/** Lets the domain's kernel write an entry of its own table; where there is none, it would fault. */
function writes(xen: Xen, args: Arguments, write: (slot: number, ref: number) => void): Outcome {
  const slot = running(xen, args);
  const ref = args.number('ref', 0);
  if (!hasEntry(xen, slot, ref)) return { status: 'EFAULT' };
  write(slot, ref);
  return { status: 'ok' };
}

const beginMap: Beginning = (xen, args, names, call) => {
  const granter = args.domain('granter');
  const [ref, gfn] = [args.number('ref', 0), args.number('gfn', 0)];
  const status = beginMapGrant(xen, call, granter, ref, grantMapFlags(args), gfn, hostEntry(args));
  // The handle is taken, and its number known, before anything is mapped.
  if (status >= 0) names.handles.set(args.text('handle'), takenHandle(xen, call));
  return status;
};

const beginUnmap: Beginning = (xen, args, _names, call) => {
  const busAddress = args.has('dev_bus_addr') ? args.frame('dev_bus_addr') : -1;
  const gfn = args.number('gfn', WHERE_MAPPED);
  return beginUnmapGrant(xen, call, args.handle(), grantUnmapHalves(args), busAddress, gfn, hostEntry(args));
};

/** What a domain writes into its grant table, and what it maps and unmaps of others'. */
export const GRANT_HANDLERS: Handlers = {
  grant: (xen, args) =>
    writes(xen, args, (slot, ref) => {
      const [offset, length] = [args.number('offset', 0), args.number('length', 0)];
      const to = xen.domidOf(args.domain('to'));
      const frame = ownName(xen, slot, args.frame());
      writeGrantEntry(xen, slot, ref, to, frame, false, grantEntryFlags(args), offset, length);
    }),
  grant_transitive: (xen, args) =>
    writes(xen, args, (slot, ref) => {
      const [to, via] = [xen.domidOf(args.domain('to')), xen.domidOf(args.domain('via'))];
      writeTransitiveGrant(xen, slot, ref, to, via, args.number('viaref', 0), args.flag('readonly'));
    }),
  accept_transfer: (xen, args) =>
    writes(xen, args, (slot, ref) =>
      writeAcceptTransfer(xen, slot, ref, xen.domidOf(args.domain('from')), args.number('gfn', 0)),
    ),
  end_grant: (xen, args) => {
    const slot = running(xen, args);
    const ref = args.number('ref', 0);
    if (!hasEntry(xen, slot, ref)) return { status: 'EFAULT' };
    return { status: clearGrantEntry(xen, slot, ref) ? 'ok' : 'in_use' };
  },
  map_grant_ref: (xen, args, names) => {
    const granter = args.domain('granter');
    const caller = running(xen, args);
    const [ref, gfn] = [args.number('ref', 0), args.number('gfn', 0)];
    const handle = mapGrantRef(xen, caller, granter, ref, grantMapFlags(args), gfn, hostEntry(args));
    judgeMapAnswer(xen, caller, handle);
    if (handle >= 0) names.handles.set(args.text('handle'), handle);
    return grantStatus(handle);
  },
  unmap_grant_ref: (xen, args) => {
    const caller = running(xen, args);
    const busAddress = args.has('dev_bus_addr') ? args.frame('dev_bus_addr') : -1;
    const gfn = args.number('gfn', WHERE_MAPPED);
    const halves = grantUnmapHalves(args);
    return grantStatus(unmapGrantRef(xen, caller, args.handle(), halves, busAddress, gfn, hostEntry(args)));
  },
  'begin map_grant_ref': beginHandler(beginMap, running, grantStatusName),
  'begin unmap_grant_ref': beginHandler(beginUnmap, running, grantStatusName),
  unmap_and_replace: (xen, args) => {
    const caller = running(xen, args);
    const replacement = vaEntry(args.number('with', 0));
    return grantStatus(unmapAndReplace(xen, caller, args.handle(), hostEntry(args), replacement));
  },
};
