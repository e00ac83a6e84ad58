import { R, type Rights, W } from '../formats/address.js';
import type { RegionKind } from './machine.js';
import type { Xen } from './state.js';

/**
 * What a PV dom0's tables have at boot of the memory that is not RAM: reserved regions of the firmware's memory map, holes
 * in it, device memory that may be read only. (arch_iommu_hwdom_init, up to 4.11 vtd_set_hwdom_mapping; dossier §3.6)
 */

/** Frames below 4 GiB: as far as inclusive mappings go. */
const FRAMES_BELOW_4G = 2 ** 20;
/** Frames below 1 MiB: unusable ones are not denied to dom0 there. */
const FRAMES_BELOW_1M = 0x100;

/** Where the local APIC is. */
export const LAPIC_FRAME = 0xfee00;
/** Addresses whose writes are interrupts, whatever tables say. */
const isInterruptRange = (frame: number): boolean => frame >= 0xfee00 && frame <= 0xfeeff;

/** The kind of a frame that is no RAM: what the machine declares of it, or a hole. */
function kindOf(xen: Xen, frame: number): RegionKind {
  for (const { range, kind } of xen.spec.regions ?? [])
    if (frame >= range.base && frame < range.base + range.count) return kind;
  return 'hole';
}

/** Whether dom0 may not map the frame for its CPUs either: the local APIC, and what is declared so (I/O APICs, HPET). */
function isDenied(xen: Xen, frame: number): boolean {
  if (frame === LAPIC_FRAME) return true;
  for (const { range, denied } of xen.spec.regions ?? [])
    if (denied && frame >= range.base && frame < range.base + range.count) return true;
  return kindOf(xen, frame) === 'unusable' && frame >= FRAMES_BELOW_1M;
}

function isReadOnly(xen: Xen, frame: number): boolean {
  for (const { base, count } of xen.spec.readOnlyMmio ?? [])
    if (frame >= base && frame < base + count) return true;
  return false;
}

/** dom0-iommu=map-inclusive, up to 4.11 iommu_inclusive_mapping, which was on. */
function isInclusive(xen: Xen): boolean {
  return xen.spec.hwdomInclusive ?? xen.profile.hwdomInclusiveDefault === 'on';
}

/** Whether the kind of memory is mapped, by dom0-iommu's suboptions. */
function isWanted(xen: Xen, frame: number, kind: RegionKind): boolean {
  const inclusive = isInclusive(xen) && frame < FRAMES_BELOW_4G;
  return inclusive || (kind === 'reserved' && (xen.spec.hwdomReserved ?? true));
}

/** The rights on a frame that is no RAM in the tables of a PV dom0, strict or relaxed, as its release makes them. */
export function hwdomFrameRights(xen: Xen, frame: number): Rights {
  const kind = kindOf(xen, frame);
  switch (xen.profile.hwdomMap) {
    case 'ram-and-inclusive':
      return earlyRights(xen, frame, kind);
    case 'by-type':
    case 'without-interrupts':
    case 'read-only-mmio':
      return rightsFrameByFrame(xen, frame, kind);
    case 'rangeset':
      if (isReadOnly(xen, frame)) return isDenied(xen, frame) ? 0 : R;
      if (kind === 'unusable' || isInterruptRange(frame)) return 0;
      return isWanted(xen, frame, kind) ? R | W : 0;
    case 'rangeset-as-permitted':
      if (isDenied(xen, frame)) return 0;
      if (isReadOnly(xen, frame)) return R;
      return isWanted(xen, frame, kind) ? R | W : 0;
  }
}

/** 4.11: only a relaxed dom0's, only VT-d, only below 4 GiB. AMD's driver went by frames that are memory. */
function earlyRights(xen: Xen, frame: number, kind: RegionKind): Rights {
  if (xen.spec.hwdomMode === 'strict' || xen.vtd === undefined || kind === 'unusable') return 0;
  return isInclusive(xen) && frame < FRAMES_BELOW_4G ? R | W : 0;
}

/** hwdom_iommu_map. Above 4 GiB only frames that are memory are looked at. */
function rightsFrameByFrame(xen: Xen, frame: number, kind: RegionKind): Rights {
  const { hwdomMap } = xen.profile;
  if (frame >= FRAMES_BELOW_4G || kind === 'unusable') return 0;
  if (hwdomMap !== 'by-type' && isInterruptRange(frame)) return 0;
  if (hwdomMap === 'read-only-mmio' && isReadOnly(xen, frame) && !isDenied(xen, frame)) return R;
  return isWanted(xen, frame, kind) ? R | W : 0;
}

/** Calls `map` for every frame that is no RAM and that the machine says something of. */
export function eachDeclaredFrame(xen: Xen, map: (frame: number) => void): void {
  const ranges = [...(xen.spec.regions ?? []).map(({ range }) => range), ...(xen.spec.readOnlyMmio ?? [])];
  const frames = new Set<number>();
  for (const { base, count } of ranges) for (let i = 0; i < count; i++) frames.add(base + i);
  for (const frame of [...frames].sort((a, b) => a - b)) if (xen.ram.indexOf(frame) < 0) map(frame);
}
