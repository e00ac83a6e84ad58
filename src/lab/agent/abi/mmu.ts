import type { Structure } from './structure.js';

/** One operation of mmuext_op. (Xen public/xen.h, struct mmuext_op) */
export const MMUEXT_OP: Structure<'cmd' | 'mfn' | 'arg2'> = {
  size: 24,
  fields: { cmd: [0, 4], mfn: [8, 8], arg2: [16, 8] },
};
export const MMUEXT = { pin_l1_table: 0, unpin_table: 4, clear_page: 16 } as const;

/** One operation of mmu_update: the low bits of `ptr` say which kind, 0 being a normal update. */
export const MMU_UPDATE: Structure<'ptr' | 'val'> = { size: 16, fields: { ptr: [0, 8], val: [8, 8] } };

/** mmu_update's last argument: the owner of what entries point to, and above it the owner of the table plus 1. */
export const foreignDomains = (tableOwner: number, pageOwner: number): number =>
  (tableOwner + 1) * 0x1_0000 + pageOwner;

/** Flush the one entry from this CPU's TLB. (UVMF_INVLPG | UVMF_LOCAL) */
export const UVMF_INVLPG_LOCAL = 2;

/** Bits of x86 page-table entries. */
export const PTE = { present: 1, writable: 2, user: 4, accessed: 0x20, dirty: 0x40 } as const;
export const PTE_TABLE = PTE.present | PTE.writable | PTE.user | PTE.accessed;
export const PTE_READ_ONLY = PTE.present | PTE.user | PTE.accessed;
export const PTE_WRITABLE = PTE_READ_ONLY | PTE.writable | PTE.dirty;

/** The entry that maps `mfn`. */
export const pageTableEntry = (mfn: number, flags: number): bigint => (BigInt(mfn) << 12n) | BigInt(flags);
