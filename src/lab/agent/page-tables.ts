import { DOMID, HYPERCALL } from './abi/hypercalls.js';
import { foreignDomains, MMU_UPDATE, MMUEXT_OP, UVMF_INVLPG_LOCAL } from './abi/mmu.js';
import type { Caller } from './caller.js';
import { isDom0 } from './dom0.js';

/** Domain ids as dom0 must say them: itself by its own name. */
const named = (domid: number): number => (isDom0(domid) ? DOMID.self : domid);

/** mmuext_op: commands on pages of `domid`, or of the issuer itself, one after the other until one is refused. */
export function mmuextOp(
  caller: Caller,
  operations: readonly { readonly cmd: number; readonly mfn: number }[],
  domid: number = DOMID.self,
): number {
  const at = caller.area.reserve(operations.length * MMUEXT_OP.size);
  operations.forEach((operation, i) => {
    caller.area.place(at + i * MMUEXT_OP.size, MMUEXT_OP, operation);
  });
  return caller.hypercall(HYPERCALL.mmuext_op, caller.area.address + at, operations.length, 0, named(domid));
}

/** A page-table entry to be written. */
export interface TableUpdate {
  readonly mfn: number;
  readonly index: number;
  readonly entry: bigint;
}

/** mmu_update of entries in tables of `tableOwner` that point to pages of `pageOwner`. */
export function mmuUpdate(
  caller: Caller,
  updates: readonly TableUpdate[],
  tableOwner: number = DOMID.self,
  pageOwner: number = tableOwner,
): number {
  const at = caller.area.reserve(updates.length * MMU_UPDATE.size);
  updates.forEach(({ mfn, index, entry }, i) => {
    const ptr = mfn * 4096 + index * 8;
    caller.area.place(at + i * MMU_UPDATE.size, MMU_UPDATE, { ptr, val: entry });
  });
  const owner = named(pageOwner);
  const domains = named(tableOwner) === DOMID.self ? owner : foreignDomains(tableOwner, owner);
  return caller.hypercall(HYPERCALL.mmu_update, caller.area.address + at, updates.length, 0, domains);
}

/** Changes what the issuer has at `address`; `owner` says whose page it is when that is somebody else. */
export function updateVaMapping(caller: Caller, address: number, entry: bigint, owner?: number): number {
  return owner === undefined
    ? caller.hypercall(HYPERCALL.update_va_mapping, address, entry, UVMF_INVLPG_LOCAL)
    : caller.hypercall(HYPERCALL.update_va_mapping_otherdomain, address, entry, UVMF_INVLPG_LOCAL, owner);
}
