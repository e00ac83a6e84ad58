import { errnoName } from '../../xen/errno.js';
import { CACHE_CLEAN, CACHE_INVAL, grantCacheFlush } from '../../xen/grant-cache-flush.js';
import { type CopyEnd, grantCopy, judgeCopyAnswer, NO_DOMAIN, SELF } from '../../xen/grant-copy.js';
import { beginGrantCopy } from '../../xen/grant-copy-steps.js';
import { beginSetGrantVersion } from '../../xen/grant-frame-steps.js';
import { getStatusFrames, grantFrameCount, mayAskAbout, setupTable } from '../../xen/grant-frames.js';
import { GNTST, grantStatusName } from '../../xen/grant-status.js';
import { grantTransfer } from '../../xen/grant-transfer.js';
import { getGrantVersion, setGrantVersion, swapGrantRefs } from '../../xen/grant-version.js';
import type { Xen } from '../../xen/state.js';
import type { Arguments } from '../arguments.js';
import { type Beginning, beginHandler } from './calls.js';
import { ownName } from './grants.js';
import { errno, grantStatus, type Handlers, type Outcome, running } from './handler.js';

/** Whose table is asked about: the caller's, unless `of` names a domain. */
function asked(xen: Xen, args: Arguments): { caller: number; slot: number } {
  const caller = running(xen, args);
  return { caller, slot: args.has('of') ? args.domain('of') : caller };
}

/** One end of a copy, `from` or `to`. A page that nobody names is none: bad_page. */
function copyEnd(xen: Xen, caller: number, args: Arguments, end: 'from' | 'to'): CopyEnd {
  const named = args.has(`${end}_domain`);
  const domain = named ? existingOrNone(xen, args.domain(`${end}_domain`)) : SELF;
  return {
    domain,
    ref: args.has(`${end}_ref`) ? args.number(`${end}_ref`, 0) : -1,
    frame: args.has(end) ? ownName(xen, caller, args.frame(end)) : -1,
    offset: args.number(`${end}_offset`, 0),
  };
}

const existingOrNone = (xen: Xen, slot: number): number => (xen.exists(slot) ? slot : NO_DOMAIN);

function copy(xen: Xen, args: Arguments): Outcome {
  const caller = running(xen, args);
  const [from, to] = [copyEnd(xen, caller, args, 'from'), copyEnd(xen, caller, args, 'to')];
  const status = grantCopy(xen, caller, from, to, args.number('length', 4));
  judgeCopyAnswer(xen, status);
  return grantStatus(status);
}

const beginCopy: Beginning = (xen, args, _names, call) => {
  const caller = running(xen, args);
  const [from, to] = [copyEnd(xen, caller, args, 'from'), copyEnd(xen, caller, args, 'to')];
  const status = beginGrantCopy(xen, call, from, to, args.number('length', 4));
  judgeCopyAnswer(xen, status);
  return status;
};

/** A transfer that is switched off answers with an errno, any other with a grant status. */
function transfer(xen: Xen, args: Arguments): Outcome {
  const caller = running(xen, args);
  const frame = ownName(xen, caller, args.frame());
  const status = grantTransfer(xen, caller, frame, args.domain('to'), args.number('ref', 0));
  return status < GNTST.no_space ? { status: errnoName(status) } : grantStatus(status);
}

function cacheFlush(xen: Xen, args: Arguments): Outcome {
  const caller = running(xen, args);
  const op =
    (args.flag('clean') ? CACHE_CLEAN : 0) |
    (args.flag('inval') ? CACHE_INVAL : 0) |
    args.number('raw_op', 0);
  const [offset, length] = [args.number('offset', 0), args.number('length', 4096)];
  return errno(grantCacheFlush(xen, caller, args.frame(), offset, length, op));
}

/** Copies, transfers, and the tables themselves. */
export const GRANT_TABLE_HANDLERS: Handlers = {
  grant_copy: copy,
  'begin grant_copy': beginHandler(beginCopy, running, grantStatusName),
  grant_transfer: transfer,
  swap_grant_ref: (xen, args) =>
    grantStatus(swapGrantRefs(xen, running(xen, args), args.number('a', 0), args.number('b', 0))),
  grant_cache_flush: cacheFlush,
  grant_set_version: (xen, args) =>
    errno(setGrantVersion(xen, running(xen, args), args.number('version', 0))),
  'begin grant_set_version': beginHandler(
    (xen, args, _names, call) => beginSetGrantVersion(xen, call, args.number('version', 0)),
    running,
  ),
  grant_get_version: (xen, args) => {
    const { caller, slot } = asked(xen, args);
    const version = getGrantVersion(xen, caller, slot);
    return version < 0 ? errno(version) : { status: `version ${version}` };
  },
  grant_setup_table: (xen, args) => {
    const { caller, slot } = asked(xen, args);
    return grantStatus(setupTable(xen, caller, slot, args.number('frames', 0)));
  },
  grant_query_size: (xen, args) => {
    const { caller, slot } = asked(xen, args);
    const refused = mayAskAbout(xen, caller, slot);
    if (refused !== 0) return grantStatus(refused);
    return { status: `${grantFrameCount(xen, slot)} of ${xen.spec.limits.grantFrames} frames` };
  },
  grant_get_status_frames: (xen, args) => {
    const { caller, slot } = asked(xen, args);
    return grantStatus(getStatusFrames(xen, caller, slot, args.number('frames', 0)));
  },
};
