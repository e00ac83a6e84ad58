import { CREATEDOMAIN, DOMAININFO_BYTES } from './domctl.js';

/** What differs between releases of Xen in the calls that the agent makes. */
export interface ReleaseAbi {
  readonly domctl: number;
  readonly sysctl: number;
  readonly createdomain: (typeof CREATEDOMAIN)[number];
  readonly domainInfoBytes: number;
  /** Whether the limits of a domain's grant table have their own domctl, without which it has none. */
  readonly limitsGrantsLater: boolean;
  /** Whether the size of the paging pool has its own domctl. */
  readonly hasPagingMempool: boolean;
}

/** Interface versions by release of Xen 4.x. (XEN_DOMCTL_INTERFACE_VERSION, XEN_SYSCTL_INTERFACE_VERSION) */
export const INTERFACES: Readonly<Record<number, { readonly domctl: number; readonly sysctl: number }>> = {
  11: { domctl: 0x10, sysctl: 0x11 },
  12: { domctl: 0x11, sysctl: 0x12 },
  13: { domctl: 0x12, sysctl: 0x12 },
  14: { domctl: 0x12, sysctl: 0x13 },
  15: { domctl: 0x13, sysctl: 0x13 },
  16: { domctl: 0x14, sysctl: 0x14 },
  17: { domctl: 0x15, sysctl: 0x15 },
  18: { domctl: 0x16, sysctl: 0x15 },
  19: { domctl: 0x17, sysctl: 0x15 },
  20: { domctl: 0x17, sysctl: 0x15 },
  21: { domctl: 0x17, sysctl: 0x16 },
  22: { domctl: 0x18, sysctl: 0x16 },
};

function abiOf(minor: number): ReleaseAbi {
  const { domctl, sysctl } = INTERFACES[minor]!;
  return {
    domctl,
    sysctl,
    createdomain: CREATEDOMAIN[domctl]!,
    domainInfoBytes: DOMAININFO_BYTES[domctl]!,
    limitsGrantsLater: minor <= 11,
    hasPagingMempool: minor >= 17,
  };
}

/** ABIs to try on a Xen that calls itself `major.minor`: its own first, then its neighbours', nearest first. */
export function candidateAbis(major: number, minor: number): ReleaseAbi[] {
  const known = Object.keys(INTERFACES).map(Number);
  const distance = (one: number): number => (major === 4 ? Math.abs(one - minor) : 100 - one);
  return known.sort((a, b) => distance(a) - distance(b)).map(abiOf);
}

/** The releases whose interface is known, for messages. */
export function knownReleases(): string {
  const minors = Object.keys(INTERFACES).map(Number);
  return `4.${Math.min(...minors)} to 4.${Math.max(...minors)}`;
}
