import type { Structure } from './structure.js';

/** Commands of sysctl. (Xen public/sysctl.h, XEN_SYSCTL_*) */
export const SYSCTL = { getdomaininfolist: 6, debug_keys: 7 } as const;

export const SYSCTL_HEADER: Structure<'cmd' | 'interface_version'> = {
  size: 136,
  fields: { cmd: [0, 4], interface_version: [4, 4] },
};
export const SYSCTL_BODY = 8;

export const GETDOMAININFOLIST: Structure<'first_domain' | 'max_domains' | 'buffer' | 'num_domains'> = {
  size: 24,
  fields: { first_domain: [0, 2], max_domains: [4, 4], buffer: [8, 8], num_domains: [16, 4] },
};
export const DEBUG_KEYS: Structure<'keys' | 'nr_keys'> = {
  size: 16,
  fields: { keys: [0, 8], nr_keys: [8, 4] },
};
