import type { Structure } from './structure.js';

/** Commands of domctl. (Xen public/domctl.h, XEN_DOMCTL_*) */
export const DOMCTL = {
  createdomain: 1,
  destroydomain: 2,
  pausedomain: 3,
  unpausedomain: 4,
  getdomaininfo: 5,
  shadow_op: 10,
  max_mem: 11,
  setvcpucontext: 12,
  max_vcpus: 15,
  assign_device: 37,
  test_assign_device: 45,
  deassign_device: 47,
  set_gnttab_limits: 80,
  set_paging_mempool_size: 86,
} as const;

/** What every domctl begins with; a command's own structure follows at {@link DOMCTL_BODY}. */
export const DOMCTL_HEADER: Structure<'cmd' | 'interface_version' | 'domain'> = {
  size: 144,
  fields: { cmd: [0, 4], interface_version: [4, 4], domain: [8, 2] },
};
export const DOMCTL_BODY = 16;

export type CreateField =
  | 'ssidref'
  | 'handle_lo'
  | 'handle_hi'
  | 'flags'
  | 'iommu_opts'
  | 'max_vcpus'
  | 'max_evtchn_port'
  | 'max_grant_frames'
  | 'max_maptrack_frames'
  | 'grant_opts'
  | 'altp2m_opts'
  | 'vmtrace_size'
  | 'cpupool_id'
  | 'emulation_flags'
  | 'misc_flags';

/** Up to 4.12 there were no options for the IOMMU; limits came in 4.12. */
const CREATE_BEFORE_IOMMU_OPTS = {
  ssidref: [0, 4],
  handle_lo: [4, 8],
  handle_hi: [12, 8],
  flags: [20, 4],
} as const;

/** Fields that `createdomain` has had at the same place since iommu_opts came (4.13). */
const CREATE_HEAD = {
  ...CREATE_BEFORE_IOMMU_OPTS,
  iommu_opts: [24, 4],
  max_vcpus: [28, 4],
  max_evtchn_port: [32, 4],
  max_grant_frames: [36, 4],
  max_maptrack_frames: [40, 4],
} as const;

/** 4-byte fields one after the other from offset 44 on. */
function createTail(...names: CreateField[]): Structure<CreateField> {
  const tail = names.map((name, i) => [name, [44 + 4 * i, 4]]);
  return {
    size: 44 + 4 * names.length,
    fields: { ...CREATE_HEAD, ...Object.fromEntries(tail) } as Structure<CreateField>['fields'],
  };
}

/** Fields of 4 bytes from offset 24 on, for releases without iommu_opts. */
function createBefore(...names: CreateField[]): Structure<CreateField> {
  const tail = names.map((name, i) => [name, [24 + 4 * i, 4]]);
  return {
    size: 24 + 4 * names.length,
    fields: { ...CREATE_BEFORE_IOMMU_OPTS, ...Object.fromEntries(tail) } as Structure<CreateField>['fields'],
  };
}

/** `createdomain` by the version of the domctl interface. */
export const CREATEDOMAIN: Readonly<Record<number, Structure<CreateField>>> = {
  16: createBefore('emulation_flags'),
  17: createBefore(
    'max_vcpus',
    'max_evtchn_port',
    'max_grant_frames',
    'max_maptrack_frames',
    'emulation_flags',
  ),
  18: createTail('emulation_flags'),
  19: createTail('vmtrace_size', 'emulation_flags', 'misc_flags'),
  20: createTail('grant_opts', 'vmtrace_size', 'emulation_flags', 'misc_flags'),
  21: createTail('grant_opts', 'vmtrace_size', 'cpupool_id', 'emulation_flags', 'misc_flags'),
  22: createTail('grant_opts', 'vmtrace_size', 'cpupool_id', 'emulation_flags', 'misc_flags'),
  23: createTail('grant_opts', 'altp2m_opts', 'vmtrace_size', 'cpupool_id', 'emulation_flags', 'misc_flags'),
  24: createTail('grant_opts', 'altp2m_opts', 'vmtrace_size', 'cpupool_id', 'emulation_flags', 'misc_flags'),
};

/** Flags of createdomain that the agent itself has to know. (XEN_DOMCTL_CDF_*) */
export const CDF_HVM = 1;
export const CDF_HAP = 2;
/** (Xen public/arch-x86/xen.h, XEN_X86_EMU_LAPIC) */
export const EMULATE_LAPIC = 1;

/** Up to 4.11 a domain has no grant table before its limits were said. */
export const GNTTAB_LIMITS: Structure<'grant_frames' | 'maptrack_frames'> = {
  size: 8,
  fields: { grant_frames: [0, 4], maptrack_frames: [4, 4] },
};

export const MAX_VCPUS: Structure<'max'> = { size: 4, fields: { max: [0, 4] } };
export const MAX_MEM: Structure<'max_memkb'> = { size: 8, fields: { max_memkb: [0, 8] } };
export const ASSIGN_DEVICE: Structure<'dev' | 'flags' | 'machine_sbdf'> = {
  size: 24,
  fields: { dev: [0, 4], flags: [4, 4], machine_sbdf: [8, 4] },
};
export const VCPUCONTEXT: Structure<'vcpu' | 'ctxt'> = {
  size: 16,
  fields: { vcpu: [0, 4], ctxt: [8, 8] },
};
/** Since 4.17 (and the stable releases that got XSA-410's follow-up). */
export const PAGING_MEMPOOL: Structure<'size'> = { size: 8, fields: { size: [0, 8] } };
export const SHADOW_OP: Structure<'op' | 'mode' | 'mb'> = {
  size: 40,
  fields: { op: [0, 4], mode: [4, 4], mb: [8, 4] },
};
export const SHADOW_OP_SET_ALLOCATION = 31;

/** The beginning of a domain's description, the same in all releases; {@link DOMAININFO_BYTES} says how long it is. */
export const DOMAININFO: Structure<'domain' | 'flags' | 'tot_pages' | 'max_pages' | 'shared_info_frame'> = {
  size: 56,
  fields: {
    domain: [0, 2],
    flags: [4, 4],
    tot_pages: [8, 8],
    max_pages: [16, 8],
    shared_info_frame: [48, 8],
  },
};
export const DOMINF_DYING = 1;
export const DOMINF_SHUTDOWN = 4;

/** Bytes of a domain's description by the version of the domctl interface. */
export const DOMAININFO_BYTES: Readonly<Record<number, number>> = {
  16: 104,
  17: 104,
  18: 104,
  19: 104,
  20: 112,
  21: 112,
  22: 112,
  23: 112,
  24: 112,
};
