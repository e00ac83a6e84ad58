import type { Structure } from './structure.js';

export type VcpuField =
  | 'flags'
  | 'rbx'
  | 'rip'
  | 'cs'
  | 'rflags'
  | 'rsp'
  | 'ss'
  | 'kernel_ss'
  | 'kernel_sp'
  | 'cr3';

/**
 * A PV vCPU's registers (vcpu_guest_context): FPU 512 bytes, flags, user_regs (200 bytes from 520), 256 trap entries of
 * 16 bytes from 720, LDT, GDT, kernel stack, control registers (CR0 at 4984), debug registers, callbacks, segment bases.
 * Named are the fields that the agent sets.
 */
export const VCPU_GUEST_CONTEXT: Structure<VcpuField> = {
  size: 5168,
  fields: {
    flags: [512, 8],
    rbx: [560, 8],
    rip: [648, 8],
    cs: [656, 2],
    rflags: [664, 8],
    rsp: [672, 8],
    ss: [680, 2],
    kernel_ss: [4968, 8],
    kernel_sp: [4976, 8],
    cr3: [5008, 8],
  },
};

/** (VGCF_in_kernel | VGCF_online) */
export const VGCF_KERNEL_ONLINE = 4 | 32;

/** Xen's own flat segments for 64-bit PV kernels. (FLAT_KERNEL_CS, FLAT_KERNEL_SS) */
export const FLAT_CS = 0xe033;
export const FLAT_SS = 0xe02b;
