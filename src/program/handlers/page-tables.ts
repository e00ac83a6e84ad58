import { rightsText } from '../../formats/address.js';
import { PGT } from '../../formats/x86-page-info.js';
import { hwdomRights } from '../../xen/boot.js';
import { flushCpuTlb } from '../../xen/cpu-tlb.js';
import { beginMmuUpdate, beginUnmap } from '../../xen/entry-steps.js';
import { ownerOf } from '../../xen/frames.js';
import { populateRights } from '../../xen/late-context.js';
import { updateLinearMapping } from '../../xen/linear-mapping.js';
import { typeOf } from '../../xen/page-info.js';
import { machphysUpdate, mmuUpdate, pinTable, unpinTable, updateVaMapping } from '../../xen/page-table.js';
import { typeRights } from '../../xen/page-type.js';
import type { Xen } from '../../xen/state.js';
import { beginMapWritable, beginPinTable } from '../../xen/type-steps.js';
import { clearOrCopyPage, guestStore, newBaseptr, setGdt } from '../../xen/vcpu.js';
import { type Arguments, Nameless } from '../arguments.js';
import { type Beginning, beginHandler } from './calls.js';
import { errno, existing, type Handler, type Handlers, type Outcome, running } from './handler.js';

const pinHandler =
  (type: number): Handler =>
  (xen, args) =>
    errno(pinTable(xen, existing(xen, args), args.pdx(), type));

const beginPin = (type: number): Handler =>
  beginHandler(
    (xen, args, _names, call) => beginPinTable(xen, call, args.domain(), args.pdx(), type),
    running,
  );

/** Only writable mappings of one's own pages, and taking one away, take their time. */
const beginUpdateVaMapping: Beginning = (xen, args, _names, call) => {
  const [slot, va] = [args.domain(), args.number('va', 0)];
  if (args.has('page') && args.writable && pageOwner(xen, args) === slot)
    return beginMapWritable(xen, call, slot, va, args.pdx());
  if (!args.has('page')) return beginUnmap(xen, call, slot, va);
  return mapVa(xen, args);
};

const beginMmu: Beginning = (xen, args, _names, call) => {
  const { pdx, index } = args.entry();
  const target = args.has('page') ? args.pdx() : -1;
  return beginMmuUpdate(xen, call, args.domain(), pdx, index, target, args.writable);
};

function mapVa(xen: Xen, args: Arguments): number {
  const slot = running(xen, args);
  const pdx = args.has('page') ? args.pdx() : -1;
  return updateVaMapping(xen, slot, args.number('va', 0), pdx, args.writable, pageOwner(xen, args));
}

/** What is to be copied: a frame that is no RAM is nobody's page. */
function copiedPage(xen: Xen, args: Arguments): number {
  const pdx = xen.ram.indexOf(args.frame('source'));
  if (pdx < 0) throw new Nameless('EINVAL');
  return pdx;
}

/** Whose page is mapped: one's own, another domain's, or dom_io's. */
function pageOwner(xen: Xen, args: Arguments): number {
  const owner = args.domain(args.has('of') ? 'of' : 'domain');
  if (owner !== xen.domIo && !xen.exists(owner)) throw new Nameless('ESRCH');
  return owner;
}

/** What each of the three sites of dossier §3.5 decides for a page; a site that the design deleted says so. */
function checks(xen: Xen, args: Arguments): Outcome {
  const pdx = args.pdx();
  const late = xen.profile.iommuContext === 'at-first-assignment';
  const type = typeOf(xen.frame.typeInfo.get(pdx));
  const owner = ownerOf(xen, pdx);
  // The late walk comes to pages of a domain only.
  const walked = owner < 0 ? 0 : populateRights(xen, owner, pdx);
  return {
    status: [
      rightsText(typeRights(type)),
      late ? rightsText(walked) : 'deleted',
      late ? rightsText(hwdomRights(xen, pdx)) : 'deleted',
    ].join(' '),
  };
}

/** Page tables and page types. */
export const PAGE_TABLE_HANDLERS: Handlers = {
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
  'begin mmu_update': beginHandler(beginMmu, running),
  'begin pin_l1_table': beginPin(PGT.l1),
  'begin pin_l2_table': beginPin(PGT.l2),
  'begin pin_l3_table': beginPin(PGT.l3),
  'begin pin_l4_table': beginPin(PGT.l4),
  update_va_mapping: (xen, args) => errno(mapVa(xen, args)),
  'begin update_va_mapping': beginHandler(beginUpdateVaMapping, running),
  update_linear_mapping: (xen, args) =>
    errno(
      updateLinearMapping(
        xen,
        running(xen, args),
        Math.min(args.number('l1_index', 0), 511),
        ...args.entryWords(),
      ),
    ),
  machphys_update: (xen, args) =>
    errno(machphysUpdate(xen, running(xen, args), args.pdx(), pageOwner(xen, args))),
  new_baseptr: (xen, args) => errno(newBaseptr(xen, running(xen, args), args.pdx(), 'baseptr')),
  new_user_baseptr: (xen, args) =>
    errno(newBaseptr(xen, running(xen, args), args.has('page') ? args.pdx() : -1, 'userBaseptr')),
  set_gdt: (xen, args) => errno(setGdt(xen, running(xen, args), args.pdx(), args.number('entries', 512))),
  clear_page: (xen, args) => errno(clearOrCopyPage(xen, running(xen, args), args.pdx())),
  copy_page: (xen, args) =>
    errno(clearOrCopyPage(xen, running(xen, args), args.pdx(), copiedPage(xen, args))),
  tlb_flush: (xen, args) => {
    const slot = running(xen, args);
    if (!xen.isPv(slot)) return { status: 'ENOSYS' };
    flushCpuTlb(xen, slot);
    return { status: 'ok' };
  },
  store: (xen, args) => {
    const { pdx, index } = args.entry();
    return errno(guestStore(xen, running(xen, args), pdx, index, ...args.entryWords()));
  },
  checks,
};
