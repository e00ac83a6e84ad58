import type { Rights } from '../formats/address.js';

/** On what ground the rule gives rights, or gives none: the branch of it that decides. */
export const Ground = {
  quarantineReserved: 0,
  quarantine: 1,
  hwdomTrusted: 2,
  xensOwn: 3,
  reserved: 4,
  deviceMemory: 5,
  hostMap: 6,
  noMemory: 7,
  free: 8,
  leftBehind: 9,
  elsewhere: 10,
  notIdentity: 11,
  p2mOwn: 12,
  p2mForeign: 13,
  p2mGrant: 14,
  p2mStranger: 15,
  writable: 16,
  untyped: 17,
  hwdomPages: 18,
  notWritable: 19,
  grant: 20,
  special: 21,
  stranger: 22,
} as const;
export type Ground = (typeof Ground)[keyof typeof Ground];

/** The grounds in words. */
export const GROUNDS: Readonly<Record<Ground, string>> = {
  [Ground.quarantineReserved]: 'a region that firmware reserves for a device in quarantine',
  [Ground.quarantine]: 'quarantine leads nowhere, or to its scratch page',
  [Ground.hwdomTrusted]: 'dom0 is not strict: its devices may use all but Xen’s own frames',
  [Ground.xensOwn]: 'a frame of Xen’s own',
  [Ground.reserved]: 'a region that firmware reserves for a device of the domain',
  [Ground.deviceMemory]: 'device memory that the p2m maps here',
  [Ground.hostMap]: 'what boot maps for dom0 of addresses that are no RAM',
  [Ground.noMemory]: 'no RAM, and nobody gave it to the domain',
  [Ground.free]: 'the frame is free',
  [Ground.leftBehind]: 'the page is held until what the IOMMU remembers of it is flushed',
  [Ground.elsewhere]: 'the p2m does not lead there',
  [Ground.notIdentity]: 'a PV domain’s devices use machine addresses',
  [Ground.p2mOwn]: 'the p2m leads to a page of the domain’s own',
  [Ground.p2mForeign]: 'the p2m leads to a page of another’s that it mapped as foreign',
  [Ground.p2mGrant]: 'the p2m leads to a page that a live grant handle gives it',
  [Ground.p2mStranger]: 'another’s page, and no grant handle for it lives',
  [Ground.writable]: 'its own page, of type writable',
  [Ground.untyped]: 'its own page without a type, which this release maps',
  [Ground.hwdomPages]: 'dom0’s own page, which this release maps whatever its type',
  [Ground.notWritable]: 'its own page, and its type is not writable',
  [Ground.grant]: 'a live grant handle',
  [Ground.special]: 'a frame that Xen shares with it: no device may have it',
  [Ground.stranger]: 'another’s page, and no grant handle for it lives',
};

/** What the rule says: rights, and on what ground, in one number, as the search asks for millions of them. */
export type Ruling = number & { readonly __packed: 'ruling' };

/** Bits of a ruling that are rights; the others number the ground. */
const RIGHTS_BITS = 3;
const RIGHTS = (1 << RIGHTS_BITS) - 1;

/** These rights on this ground. */
export const on = (ground: Ground, rights: Rights): Ruling => ((ground << RIGHTS_BITS) | rights) as Ruling;

/** No other rights than these, on the same ground. */
export const within = (ruling: Ruling, rights: Rights): Ruling => (ruling & (rights | ~RIGHTS)) as Ruling;

export const rightsOf = (ruling: Ruling): Rights => ruling & RIGHTS;

export const groundOf = (ruling: Ruling): Ground => (ruling >> RIGHTS_BITS) as Ground;
