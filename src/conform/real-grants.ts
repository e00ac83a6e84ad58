import { GNTMAP, GrantType, GTF_READONLY } from '../formats/grant-v1.js';
import {
  CACHE_FLUSH,
  COPY,
  COPY_DEST_GREF,
  COPY_SOURCE_GREF,
  GET_STATUS_FRAMES,
  GET_VERSION,
  GNTTABOP,
  GRANT_ENTRY_BYTES,
  GRANT_ENTRY_V2_BYTES,
  QUERY_SIZE,
  SET_VERSION,
  SETUP_TABLE,
  SWAP,
  TRANSFER,
} from '../lab/agent/abi/grant-table.js';
import { DOMID } from '../lab/agent/abi/hypercalls.js';
import { type FieldValues, readField, type Structure, writeStructure } from '../lab/agent/abi/structure.js';
import type { GrantResult, Place } from '../lab/agent/protocol.js';
import type { Arguments } from '../program/arguments.js';
import { grantEntryFlags, grantMapFlags, grantUnmapHalves } from '../program/handlers/grants.js';
import type { Outcome } from '../program/handlers/handler.js';
import { Errno, errnoName } from '../xen/errno.js';
import { gfnOf } from '../xen/frames.js';
import { isVersion2 } from '../xen/grant-frames.js';
import { grantStatusName } from '../xen/grant-status.js';
import { SOMEWHERE } from '../xen/host-entry.js';
import { CannotRun, type RealHandler, type RealXen } from './real-xen.js';

/** What the kernel of a domain does to its own table cannot be tried on dom0's, which has a kernel of its own. */
function ownTable(args: Arguments): number {
  const slot = args.domain();
  if (slot === 0) throw new CannotRun('dom0’s grant table belongs to its kernel');
  return slot;
}

/** Frames by which the model lets a table grow, while the real one has more. */
const NO_ENTRY = 'EFAULT';

/** A grant status, signed; positive ones are none that Xen should give (XSA-316). */
function statusOf(rc: number, status: number): Outcome {
  if (rc < 0) return { status: errnoName(rc) };
  const signed = (status << 16) >> 16;
  return { status: signed > 0 ? `status ${signed}` : grantStatusName(signed) };
}

/** One operation of grant_table_op by a domain: Xen's return value, and its structure. */
async function grantTableOp<Field extends string>(
  real: RealXen,
  slot: number,
  command: number,
  structure: Structure<Field>,
  values: FieldValues<Field>,
  list?: { readonly frames: number; readonly at: number },
): Promise<{ rc: number; get(field: Field): number }> {
  const bytes = Buffer.alloc(structure.size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  writeStructure(view, 0, structure, values);
  const [result] = await real.agent.perform([
    {
      call: 'grant_table_op',
      domid: real.domid(slot),
      command,
      argument: bytes.toString('hex'),
      frames: list?.frames ?? 0,
      listAt: list?.at ?? 0,
    },
  ]);
  const answer = Buffer.from(result.argument, 'hex');
  const after = new DataView(answer.buffer, answer.byteOffset, answer.length);
  return { rc: result.rc, get: (field) => readField(after, 0, structure, field) };
}

/** An entry as the domain's table has it, by the version of the table. */
async function writeEntry(
  real: RealXen,
  slot: number,
  ref: number,
  entry: { readonly flags: number; readonly domid: number; readonly part: number; readonly frame: number },
  model: Outcome,
): Promise<Outcome> {
  if (model.status === NO_ENTRY) return model;
  const isV2 = isVersion2(real.model, slot);
  const bytes = Buffer.alloc(isV2 ? GRANT_ENTRY_V2_BYTES : GRANT_ENTRY_BYTES);
  bytes.writeUInt16LE(entry.flags, 0);
  bytes.writeUInt16LE(entry.domid, 2);
  if (isV2) {
    bytes.writeUInt32LE(entry.part >>> 0, 4);
    bytes.writeBigUInt64LE(BigInt(entry.frame), 8);
  } else bytes.writeUInt32LE(entry.frame, 4);
  const [{ rc }] = await real.agent.perform([
    { call: 'grant', domid: real.domid(slot), ref, entry: bytes.toString('hex') },
  ]);
  return { status: errnoName(rc) };
}

/** How a domain of the real machine calls a page: a translated one by its GFN. */
async function ownName(real: RealXen, slot: number, frame: number): Promise<number> {
  const { model } = real;
  return model.isTranslated(slot) ? gfnOf(model, model.ram.indexOf(frame)) : await real.mfn(frame);
}

/** Where a statement wants a grant mapped. */
async function placeOf(real: RealXen, args: Arguments): Promise<Place> {
  if (args.has('pte')) {
    const { pdx, index } = args.entry('pte');
    return { slot: -1, pte: (await real.mfn(real.model.ram.frameAt(pdx))) * 4096 + index * 8 };
  }
  return { slot: args.has('va') ? args.number('va', 0) : -1, pte: -1 };
}

const realHandle = (real: RealXen, args: Arguments): number =>
  real.handles.get(`${args.domain()}:${args.handle()}`) ?? 0xffff;

const grantResult = ({ rc, status }: GrantResult): Outcome => statusOf(rc, status);

/** One end of a copy: a grant of a domain's, or a page of the caller's. */
async function copyEnd(
  real: RealXen,
  args: Arguments,
  end: 'from' | 'to',
): Promise<{ name: number; domid: number; isRef: boolean; offset: number }> {
  const isRef = args.has(`${end}_ref`);
  const named = args.has(`${end}_domain`);
  return {
    name: isRef
      ? args.number(`${end}_ref`, 0)
      : args.has(end)
        ? await ownName(real, args.domain(), args.frame(end))
        : 0xff_ffff_ffff,
    domid: named ? real.domid(args.domain(`${end}_domain`)) : DOMID.self,
    isRef,
    offset: args.number(`${end}_offset`, 0),
  };
}

/** Whose table a statement asks about, as its domain says it. */
function asked(real: RealXen, args: Arguments): { slot: number; dom: number } {
  const slot = args.domain();
  const of = args.has('of') ? args.domain('of') : slot;
  if (of === 0) throw new CannotRun('dom0’s grant table belongs to its kernel');
  return { slot, dom: of === slot ? DOMID.self : real.domid(of) };
}

/** Room for the frame numbers that Xen answers with. */
const frameList = (frames: number, { fields }: Structure<'frame_list'>): { frames: number; at: number } => ({
  frames: Math.min(Math.max(frames, 1), 64),
  at: fields.frame_list[0],
});

/** Grant operations on a real Xen, one function each. */
export const REAL_GRANT_HANDLERS: Readonly<Record<string, RealHandler>> = {
  grant: async (real, args, model) => {
    const slot = ownTable(args);
    const entry = {
      flags: grantEntryFlags(args),
      domid: real.domid(args.domain('to')),
      part: args.flag('sub_page') ? (args.number('length', 0) << 16) | args.number('offset', 0) : 0,
      frame: await ownName(real, slot, args.frame()),
    };
    return writeEntry(real, slot, args.number('ref', 0), entry, model);
  },
  grant_transitive: async (real, args, model) => {
    const entry = {
      flags: GrantType.TRANSITIVE | (args.flag('readonly') ? GTF_READONLY : 0),
      domid: real.domid(args.domain('to')),
      part: real.domid(args.domain('via')),
      frame: args.number('viaref', 0),
    };
    return writeEntry(real, ownTable(args), args.number('ref', 0), entry, model);
  },
  accept_transfer: async (real, args, model) => {
    const domid = real.domid(args.domain('from'));
    const entry = { flags: GrantType.ACCEPT_TRANSFER, domid, part: 0, frame: args.number('gfn', 0) };
    return writeEntry(real, ownTable(args), args.number('ref', 0), entry, model);
  },
  end_grant: async (real, args, model) => {
    const slot = ownTable(args);
    if (model.status === NO_ENTRY) return model;
    const version = isVersion2(real.model, slot) ? 2 : 1;
    const [{ rc }] = await real.agent.perform([
      { call: 'end_grant', domid: real.domid(slot), ref: args.number('ref', 0), version },
    ]);
    return { status: rc === -Errno.EBUSY ? 'in_use' : errnoName(rc) };
  },
  map_grant_ref: async (real, args, model) => {
    const slot = args.domain();
    if (['no_space', 'no_device_space'].includes(model.status))
      throw new CannotRun('no handle is left: the lab has more');
    const [result] = await real.agent.perform([
      {
        call: 'map_grant_ref',
        domid: real.domid(slot),
        granter: real.domid(args.domain('granter')),
        ref: args.number('ref', 0),
        flags: grantMapFlags(args),
        gfn: args.number('gfn', 0),
        ...(await placeOf(real, args)),
      },
    ]);
    const handle = real.names.handles.get(args.text('handle'));
    if (result.rc >= 0 && result.status === 0 && handle !== undefined)
      real.handles.set(`${slot}:${handle}`, result.handle);
    return grantResult(result);
  },
  unmap_grant_ref: async (real, args) => {
    if (args.has('gfn')) throw new CannotRun('a host address other than the one that was mapped');
    const halves = grantUnmapHalves(args);
    const [result] = await real.agent.perform([
      {
        call: 'unmap_grant_ref',
        domid: real.domid(args.domain()),
        handle: realHandle(real, args),
        host: (halves & GNTMAP.host) !== 0,
        device: (halves & GNTMAP.device) !== 0,
        busAddress: args.has('dev_bus_addr') ? await real.mfn(args.frame('dev_bus_addr')) : -1,
        ...(await placeOf(real, args)),
      },
    ]);
    return grantResult(result);
  },
  unmap_and_replace: async (real, args) => {
    const { limits } = real.model.spec;
    const row = args.domain() * limits.handles + args.handle();
    if (real.model.maptrack.flags.get(row) !== 0 && real.model.maptrack.hostEntry.get(row) === SOMEWHERE)
      throw new CannotRun('a mapping that the program gave no place, in whose place nothing can come');
    const [result] = await real.agent.perform([
      {
        call: 'unmap_and_replace',
        domid: real.domid(args.domain()),
        handle: realHandle(real, args),
        with: args.number('with', 0),
        ...(await placeOf(real, args)),
      },
    ]);
    return grantResult(result);
  },
  grant_copy: async (real, args) => {
    const [from, to] = [await copyEnd(real, args, 'from'), await copyEnd(real, args, 'to')];
    const { rc, get } = await grantTableOp(real, args.domain(), GNTTABOP.copy, COPY, {
      source: from.name,
      source_domid: from.domid,
      source_offset: from.offset,
      dest: to.name,
      dest_domid: to.domid,
      dest_offset: to.offset,
      len: args.number('length', 4),
      flags: (from.isRef ? COPY_SOURCE_GREF : 0) | (to.isRef ? COPY_DEST_GREF : 0),
    });
    return statusOf(rc, get('status'));
  },
  grant_transfer: async (real, args) => {
    const slot = args.domain();
    const { rc, get } = await grantTableOp(real, slot, GNTTABOP.transfer, TRANSFER, {
      mfn: await ownName(real, slot, args.frame()),
      domid: real.domid(args.domain('to')),
      ref: args.number('ref', 0),
    });
    return statusOf(rc, get('status'));
  },
  swap_grant_ref: async (real, args) => {
    const { rc, get } = await grantTableOp(real, ownTable(args), GNTTABOP.swap_grant_ref, SWAP, {
      ref_a: args.number('a', 0),
      ref_b: args.number('b', 0),
    });
    return statusOf(rc, get('status'));
  },
  grant_cache_flush: async (real, args) => {
    const { rc } = await grantTableOp(real, args.domain(), GNTTABOP.cache_flush, CACHE_FLUSH, {
      dev_bus_addr: (await real.mfn(args.frame())) * 4096,
      offset: args.number('offset', 0),
      length: args.number('length', 4096),
      op: (args.flag('clean') ? 1 : 0) | (args.flag('inval') ? 2 : 0) | args.number('raw_op', 0),
    });
    return { status: errnoName(rc) };
  },
  grant_set_version: async (real, args) => {
    const version = args.number('version', 0);
    const { rc } = await grantTableOp(real, ownTable(args), GNTTABOP.set_version, SET_VERSION, { version });
    return { status: errnoName(rc) };
  },
  grant_get_version: async (real, args) => {
    const { slot, dom } = asked(real, args);
    const { rc, get } = await grantTableOp(real, slot, GNTTABOP.get_version, GET_VERSION, { dom });
    return { status: rc < 0 ? errnoName(rc) : `version ${get('version')}` };
  },
  grant_setup_table: async (real, args) => {
    const { slot, dom } = asked(real, args);
    const frames = args.number('frames', 0);
    const values = { dom, nr_frames: frames };
    const list = frameList(frames, SETUP_TABLE);
    const { rc, get } = await grantTableOp(real, slot, GNTTABOP.setup_table, SETUP_TABLE, values, list);
    return statusOf(rc, get('status'));
  },
  grant_query_size: async (real, args) => {
    const { slot, dom } = asked(real, args);
    const { rc, get } = await grantTableOp(real, slot, GNTTABOP.query_size, QUERY_SIZE, { dom });
    const answer = statusOf(rc, get('status'));
    return answer.status === 'ok'
      ? { status: `${get('nr_frames')} of ${get('max_nr_frames')} frames` }
      : answer;
  },
  grant_get_status_frames: async (real, args) => {
    const { slot, dom } = asked(real, args);
    const frames = args.number('frames', 0);
    const list = frameList(frames, GET_STATUS_FRAMES);
    const values = { dom, nr_frames: frames };
    const command = GNTTABOP.get_status_frames;
    const { rc, get } = await grantTableOp(real, slot, command, GET_STATUS_FRAMES, values, list);
    return statusOf(rc, get('status'));
  },
};
