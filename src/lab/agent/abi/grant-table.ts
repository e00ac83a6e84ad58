import type { Structure } from './structure.js';

/** Commands of grant_table_op. (Xen public/grant_table.h, GNTTABOP_*) */
export const GNTTABOP = { map_grant_ref: 0, unmap_grant_ref: 1, setup_table: 2 } as const;

export const GNTMAP_DEVICE_MAP = 1;
export const GNTMAP_HOST_MAP = 2;

export type MapGrantField = 'host_addr' | 'flags' | 'ref' | 'dom' | 'status' | 'handle' | 'dev_bus_addr';
export const MAP_GRANT_REF: Structure<MapGrantField> = {
  size: 32,
  fields: {
    host_addr: [0, 8],
    flags: [8, 4],
    ref: [12, 4],
    dom: [16, 2],
    status: [18, 2],
    handle: [20, 4],
    dev_bus_addr: [24, 8],
  },
};

export const UNMAP_GRANT_REF: Structure<'host_addr' | 'dev_bus_addr' | 'handle' | 'status'> = {
  size: 24,
  fields: { host_addr: [0, 8], dev_bus_addr: [8, 8], handle: [16, 4], status: [20, 2] },
};

/** A version 1 entry of the shared table. */
export const GRANT_ENTRY: Structure<'flags' | 'domid' | 'frame'> = {
  size: 8,
  fields: { flags: [0, 2], domid: [2, 2], frame: [4, 4] },
};
export const GRANT_ENTRIES_PER_FRAME = 512;
/** The bits that Xen sets while an entry is mapped. (GTF_reading, GTF_writing) */
export const GTF_IN_USE = 0x18;

/** `frame_list` has as many 64-bit frame numbers as `nr_frames` says. */
export const SETUP_TABLE: Structure<'dom' | 'nr_frames' | 'status' | 'frame_list'> = {
  size: 24,
  fields: { dom: [0, 2], nr_frames: [4, 4], status: [8, 2], frame_list: [16, 8] },
};
