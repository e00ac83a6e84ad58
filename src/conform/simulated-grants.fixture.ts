import {
  CACHE_FLUSH,
  COPY,
  COPY_DEST_GREF,
  COPY_SOURCE_GREF,
  type CopyField,
  GET_STATUS_FRAMES,
  GET_VERSION,
  GNTTABOP,
  QUERY_SIZE,
  SET_VERSION,
  SETUP_TABLE,
  SWAP,
  TRANSFER,
} from '../lab/agent/abi/grant-table.js';
import { DOMID } from '../lab/agent/abi/hypercalls.js';
import { readField, type Structure } from '../lab/agent/abi/structure.js';
import type { CallOf, GrantOpResult, Place } from '../lab/agent/protocol.js';
import { grantCacheFlush } from '../xen/grant-cache-flush.js';
import { type CopyEnd, grantCopy, NO_DOMAIN, SELF } from '../xen/grant-copy.js';
import {
  entryAddress,
  getStatusFrames,
  grantFrameCount,
  mayAskAbout,
  setupTable,
} from '../xen/grant-frames.js';
import { GNTST } from '../xen/grant-status.js';
import { grantTransfer } from '../xen/grant-transfer.js';
import { getGrantVersion, setGrantVersion, swapGrantRefs } from '../xen/grant-version.js';
import { SOMEWHERE, tableEntry, vaEntry } from '../xen/host-entry.js';
import type { Xen } from '../xen/state.js';

/** Writes an entry as the agent does: as bytes into the table. */
export function simulateEntry(xen: Xen, slot: number, { ref, entry }: CallOf<'grant'>): void {
  const bytes = Buffer.from(entry, 'hex');
  const at = entryAddress(xen, slot, ref);
  for (let offset = bytes.length - 4; offset >= 0; offset -= 4)
    xen.ram.write32(at + offset, bytes.readInt32LE(offset));
}

/** The model's way to name where a grant is mapped. */
export function simulatedPlace(xen: Xen, { slot, pte }: Place): number {
  if (pte >= 0) return tableEntry(xen.ram.indexOf(Math.floor(pte / 4096)), (pte % 4096) / 8);
  return slot >= 0 ? vaEntry(slot) : SOMEWHERE;
}

const named = (xen: Xen, caller: number, domid: number): number =>
  domid === DOMID.self ? caller : xen.slotOf(domid);

/** grant_table_op on the model, from Xen's structure and back into it. */
export function simulateGrantOp(xen: Xen, caller: number, call: CallOf<'grant_table_op'>): GrantOpResult {
  const bytes = Buffer.from(call.argument, 'hex');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const of = <Field extends string>(structure: Structure<Field>) => ({
    get: (field: Field) => readField(view, 0, structure, field),
    put: (field: Field, value: number) => {
      const [offset, size] = structure.fields[field];
      if (size === 2) view.setInt16(offset, value, true);
      else view.setInt32(offset, value, true);
    },
  });
  const rc = OPERATIONS[call.command]!(xen, caller, of);
  return { rc, argument: bytes.toString('hex') };
}

type Access = <Field extends string>(
  structure: Structure<Field>,
) => { get(field: Field): number; put(field: Field, value: number): void };

function copyEnd(
  xen: Xen,
  caller: number,
  get: (field: CopyField) => number,
  end: 'source' | 'dest',
): CopyEnd {
  const isRef = (get('flags') & (end === 'source' ? COPY_SOURCE_GREF : COPY_DEST_GREF)) !== 0;
  const domid = get(`${end}_domid`);
  const slot = named(xen, caller, domid);
  return {
    domain: domid === DOMID.self ? SELF : slot < 0 || !xen.exists(slot) ? NO_DOMAIN : slot,
    ref: isRef ? get(end) : -1,
    frame: isRef ? -1 : get(end),
    offset: get(`${end}_offset`),
  };
}

const OPERATIONS: Readonly<Record<number, (xen: Xen, caller: number, of: Access) => number>> = {
  [GNTTABOP.copy]: (xen, caller, of) => {
    const { get, put } = of(COPY);
    const [from, to] = [copyEnd(xen, caller, get, 'source'), copyEnd(xen, caller, get, 'dest')];
    put('status', grantCopy(xen, caller, from, to, get('len')));
    return 0;
  },
  [GNTTABOP.transfer]: (xen, caller, of) => {
    const { get, put } = of(TRANSFER);
    const status = grantTransfer(xen, caller, get('mfn'), xen.slotOf(get('domid')), get('ref'));
    if (status < GNTST.no_space) return status;
    put('status', status);
    return 0;
  },
  [GNTTABOP.swap_grant_ref]: (xen, caller, of) => {
    const { get, put } = of(SWAP);
    put('status', swapGrantRefs(xen, caller, get('ref_a'), get('ref_b')));
    return 0;
  },
  [GNTTABOP.cache_flush]: (xen, caller, of) => {
    const { get } = of(CACHE_FLUSH);
    const frame = Math.floor(get('dev_bus_addr') / 4096);
    return grantCacheFlush(xen, caller, frame, get('offset'), get('length'), get('op'));
  },
  [GNTTABOP.set_version]: (xen, caller, of) => setGrantVersion(xen, caller, of(SET_VERSION).get('version')),
  [GNTTABOP.get_version]: (xen, caller, of) => {
    const { get, put } = of(GET_VERSION);
    const version = getGrantVersion(xen, caller, named(xen, caller, get('dom')));
    if (version >= 0) put('version', version);
    return Math.min(version, 0);
  },
  [GNTTABOP.setup_table]: (xen, caller, of) => {
    const { get, put } = of(SETUP_TABLE);
    put('status', setupTable(xen, caller, named(xen, caller, get('dom')), get('nr_frames')));
    return 0;
  },
  [GNTTABOP.get_status_frames]: (xen, caller, of) => {
    const { get, put } = of(GET_STATUS_FRAMES);
    put('status', getStatusFrames(xen, caller, named(xen, caller, get('dom')), get('nr_frames')));
    return 0;
  },
  [GNTTABOP.query_size]: (xen, caller, of) => {
    const { get, put } = of(QUERY_SIZE);
    const slot = named(xen, caller, get('dom'));
    const refused = mayAskAbout(xen, caller, slot);
    put('status', refused);
    if (refused !== 0) return 0;
    put('nr_frames', grantFrameCount(xen, slot));
    put('max_nr_frames', xen.spec.limits.grantFrames);
    return 0;
  },
};
