import type { Structure } from './structure.js';

/** Commands of memory_op. (Xen public/memory.h, XENMEM_*) */
export const XENMEM = {
  decrease_reservation: 1,
  populate_physmap: 6,
  add_to_physmap: 7,
  exchange: 11,
  acquire_resource: 28,
} as const;

export type ReservationField = 'extent_start' | 'nr_extents' | 'extent_order' | 'mem_flags' | 'domid';
export const RESERVATION: Structure<ReservationField> = {
  size: 32,
  fields: {
    extent_start: [0, 8],
    nr_extents: [8, 8],
    extent_order: [16, 4],
    mem_flags: [20, 4],
    domid: [24, 2],
  },
};

/** `exchange` is what goes in, what comes out, and how many were exchanged. */
export const EXCHANGE_IN = 0;
export const EXCHANGE_OUT = RESERVATION.size;
export const EXCHANGE: Structure<'nr_exchanged'> = { size: 72, fields: { nr_exchanged: [64, 8] } };

export const ADD_TO_PHYSMAP: Structure<'domid' | 'size' | 'space' | 'idx' | 'gpfn'> = {
  size: 24,
  fields: { domid: [0, 2], size: [2, 2], space: [4, 4], idx: [8, 8], gpfn: [16, 8] },
};

export type AcquireField = 'domid' | 'type' | 'id' | 'nr_frames' | 'frame' | 'frame_list';
export const ACQUIRE_RESOURCE: Structure<AcquireField> = {
  size: 32,
  fields: {
    domid: [0, 2],
    type: [2, 2],
    id: [4, 4],
    nr_frames: [8, 4],
    frame: [16, 8],
    frame_list: [24, 8],
  },
};
/** Resource type of {@link XENMEM.acquire_resource}: grant table, by id its shared and its status frames. */
export const RESOURCE_GRANT_TABLE = 1;
export const GRANT_TABLE_SHARED = 0;
export const GRANT_TABLE_STATUS = 1;
