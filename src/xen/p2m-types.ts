import { R, type Rights, W, X } from '../formats/address.js';
import type { Xen } from './state.js';

/**
 * Types of p2m entries. Up to 11 these are the numbers that Arm keeps in bits 55 to 58 of its entries; x86 has numbers of
 * its own, and types that Arm has not.
 */
export const P2mType = {
  invalid: 0,
  ramRw: 1,
  ramRo: 2,
  mmioDirect: 3,
  mmioDirectNc: 4,
  mmioDirectC: 5,
  foreignRw: 6,
  foreignRo: 7,
  grantMapRw: 8,
  grantMapRo: 9,
  iommuMapRw: 10,
  iommuMapRo: 11,
  logDirty: 12,
  mmioDm: 13,
  populateOnDemand: 14,
  pagingOut: 15,
  paged: 16,
  pagingIn: 17,
  shared: 18,
  broken: 19,
  ioreqServer: 20,
} as const;

export type P2mTypeName = keyof typeof P2mType;

const TYPE_NAMES = Object.keys(P2mType);

/** The name of a type without Xen's `p2m_`: `ram_rw`. */
export const p2mTypeText = (type: number): string =>
  (TYPE_NAMES[type] ?? String(type)).replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The type that a number stands for in x86 entries (asm/p2m.h, p2m_type_t). */
const FROM_X86: readonly number[] = [
  P2mType.ramRw,
  P2mType.invalid,
  P2mType.logDirty,
  P2mType.ramRo,
  P2mType.mmioDm,
  P2mType.mmioDirect,
  P2mType.populateOnDemand,
  P2mType.grantMapRw,
  P2mType.grantMapRo,
  P2mType.pagingOut,
  P2mType.paged,
  P2mType.pagingIn,
  P2mType.shared,
  P2mType.broken,
  P2mType.foreignRw,
  P2mType.ioreqServer,
];
const TO_X86: readonly number[] = Array.from({ length: 21 }, (_, type) =>
  Math.max(FROM_X86.indexOf(type), 0),
);

export const typeOfX86 = (number: number): number => FROM_X86[number] ?? P2mType.invalid;
export const numberInX86 = (type: number): number => TO_X86[type]!;

/** Types whose entries have no frame. */
const FRAMELESS =
  (1 << P2mType.invalid) |
  (1 << P2mType.mmioDm) |
  (1 << P2mType.populateOnDemand) |
  (1 << P2mType.paged) |
  (1 << P2mType.pagingIn);

export const hasFrame = (type: number): boolean => ((FRAMELESS >>> type) & 1) === 0;

/** p2m_is_ram: memory of the domain's own. */
const RAM =
  (1 << P2mType.ramRw) |
  (1 << P2mType.ramRo) |
  (1 << P2mType.logDirty) |
  (1 << P2mType.pagingOut) |
  (1 << P2mType.paged) |
  (1 << P2mType.pagingIn) |
  (1 << P2mType.shared) |
  (1 << P2mType.ioreqServer);

export const isRamType = (type: number): boolean => ((RAM >>> type) & 1) !== 0;

/** p2m_is_special: entries that only those who made them may change. */
const SPECIAL =
  (1 << P2mType.grantMapRw) |
  (1 << P2mType.grantMapRo) |
  (1 << P2mType.foreignRw) |
  (1 << P2mType.foreignRo) |
  (1 << P2mType.mmioDirect);

export const isSpecialType = (type: number): boolean => ((SPECIAL >>> type) & 1) !== 0;

export const isForeignType = (type: number): boolean =>
  type === P2mType.foreignRw || type === P2mType.foreignRo;

/** p2m_access_t: what mem_access leaves of a type's rights. The low three bits are those rights. */
export const Access = {
  n: 0,
  r: 1,
  w: 2,
  rw: 3,
  x: 4,
  rx: 5,
  wx: 6,
  rwx: 7,
  rx2rw: 8,
  n2rwx: 9,
  r_pw: 10,
} as const;

export type AccessName = keyof typeof Access;

const ACCESS_RIGHTS: readonly Rights[] = [...Array.from({ length: 8 }, (_, rights) => rights), R | X, 0, R];

const accessRights = (access: number): Rights => ACCESS_RIGHTS[access]!;

/** What an x86 type lets the CPU do, and with it a device that shares the table (dossier §4.2). */
const X86_RIGHTS: readonly Rights[] = Array.from({ length: 21 }, (_, type) => {
  switch (type) {
    case P2mType.ramRw:
    case P2mType.mmioDirect:
      return R | W | X;
    case P2mType.grantMapRw:
    case P2mType.foreignRw:
    case P2mType.ioreqServer:
      return R | W;
    case P2mType.logDirty:
    case P2mType.ramRo:
    case P2mType.shared:
      return R | X;
    case P2mType.grantMapRo:
      return R;
    default:
      return 0;
  }
});

/** ept_p2m_type_to_flags and p2m_type_to_flags: the rights of an x86 entry. NPT ignores access. */
export function x86Rights(xen: Xen, slot: number, type: number, access: number, frame: number): Rights {
  let rights = X86_RIGHTS[type]!;
  if (type === P2mType.mmioDirect && isReadOnlyMmio(xen, frame)) rights &= ~W;
  if (type === P2mType.ioreqServer && xen.domain.ioreqWrites.get(slot) !== 0) rights &= ~W;
  return rights & accessRights(access);
}

/** What Arm's types let CPU and device do (dossier §4.5). */
const ARM_RIGHTS: readonly Rights[] = [
  0,
  R | W | X,
  R | X,
  R | W,
  R | W,
  R | W,
  R | W,
  R,
  R | W,
  R,
  R | W,
  R,
];

/** p2m_set_permission: what the type gives and mem_access leaves, for the CPU and for devices alike (dossier §4.5). */
export const armRights = (type: number, access: number): Rights =>
  (ARM_RIGHTS[type] ?? 0) & accessRights(access);

/** What a type lets the CPU do where mem_access takes nothing away. */
export const typeRights = (xen: Xen, slot: number, type: number, frame: number): Rights =>
  xen.spec.arch === 'arm' ? armRights(type, Access.rwx) : x86Rights(xen, slot, type, Access.rwx, frame);

/** p2m_get_iommu_flags: the rights of the entry in tables that mirror an x86 p2m (dossier §4.1). */
export function iommuRights(xen: Xen, type: number, access: number, frame: number): Rights {
  switch (type) {
    case P2mType.ramRw:
    case P2mType.grantMapRw:
    case P2mType.logDirty:
    case P2mType.foreignRw:
      return R | W;
    case P2mType.ramRo:
    case P2mType.grantMapRo:
      return R;
    case P2mType.mmioDirect: {
      const rights = xen.profile.mmioIommuRights === 'access' ? accessRights(access) & (R | W) : R | W;
      return isReadOnlyMmio(xen, frame) ? rights & ~W : rights;
    }
    default:
      return 0;
  }
}

/** mmio_ro_ranges: device memory that no guest may write, such as MSI-X tables. */
function isReadOnlyMmio(xen: Xen, frame: number): boolean {
  const { readOnlyMmio } = xen.spec;
  if (readOnlyMmio === undefined) return false;
  for (const { base, count } of readOnlyMmio) if (frame >= base && frame < base + count) return true;
  return false;
}
