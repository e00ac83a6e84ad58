import type { Structure } from './structure.js';

/** Commands of grant_table_op. (Xen public/grant_table.h, GNTTABOP_*) */
export const GNTTABOP = {
  map_grant_ref: 0,
  unmap_grant_ref: 1,
  setup_table: 2,
  transfer: 4,
  copy: 5,
  query_size: 6,
  unmap_and_replace: 7,
  set_version: 8,
  get_status_frames: 9,
  get_version: 10,
  swap_grant_ref: 11,
  cache_flush: 12,
} as const;

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

/** Version 1: 8 bytes an entry of the shared table, its use flags in it. */
export const GRANT_ENTRY_BYTES = 8;
/** Version 2: 16 bytes an entry, the use flags in status frames of their own, 16 bits a reference. */
export const GRANT_ENTRY_V2_BYTES = 16;
export const GRANT_STATUS_BYTES = 2;
/** The bits that Xen sets while an entry is mapped. (GTF_reading, GTF_writing) */
export const GTF_IN_USE = 0x18;

/** `frame_list` has as many 64-bit frame numbers as `nr_frames` says. */
export const SETUP_TABLE: Structure<'dom' | 'nr_frames' | 'status' | 'frame_list'> = {
  size: 24,
  fields: { dom: [0, 2], nr_frames: [4, 4], status: [8, 2], frame_list: [16, 8] },
};

export type CopyField =
  | 'source'
  | 'source_domid'
  | 'source_offset'
  | 'dest'
  | 'dest_domid'
  | 'dest_offset'
  | 'len'
  | 'flags'
  | 'status';
export const COPY: Structure<CopyField> = {
  size: 40,
  fields: {
    source: [0, 8],
    source_domid: [8, 2],
    source_offset: [10, 2],
    dest: [16, 8],
    dest_domid: [24, 2],
    dest_offset: [26, 2],
    len: [32, 2],
    flags: [34, 2],
    status: [36, 2],
  },
};
/** What an end of a copy is: a grant reference rather than a page. */
export const COPY_SOURCE_GREF = 1;
export const COPY_DEST_GREF = 2;

export const TRANSFER: Structure<'mfn' | 'domid' | 'ref' | 'status'> = {
  size: 24,
  fields: { mfn: [0, 8], domid: [8, 2], ref: [12, 4], status: [16, 2] },
};

export const QUERY_SIZE: Structure<'dom' | 'nr_frames' | 'max_nr_frames' | 'status'> = {
  size: 16,
  fields: { dom: [0, 2], nr_frames: [4, 4], max_nr_frames: [8, 4], status: [12, 2] },
};

export const UNMAP_AND_REPLACE: Structure<'host_addr' | 'new_addr' | 'handle' | 'status'> = {
  size: 24,
  fields: { host_addr: [0, 8], new_addr: [8, 8], handle: [16, 4], status: [20, 2] },
};

export const SET_VERSION: Structure<'version'> = { size: 4, fields: { version: [0, 4] } };

export const GET_STATUS_FRAMES: Structure<'nr_frames' | 'dom' | 'status' | 'frame_list'> = {
  size: 16,
  fields: { nr_frames: [0, 4], dom: [4, 2], status: [6, 2], frame_list: [8, 8] },
};

export const GET_VERSION: Structure<'dom' | 'version'> = {
  size: 8,
  fields: { dom: [0, 2], version: [4, 4] },
};

export const SWAP: Structure<'ref_a' | 'ref_b' | 'status'> = {
  size: 12,
  fields: { ref_a: [0, 4], ref_b: [4, 4], status: [8, 2] },
};

export const CACHE_FLUSH: Structure<'dev_bus_addr' | 'offset' | 'length' | 'op'> = {
  size: 16,
  fields: { dev_bus_addr: [0, 8], offset: [8, 2], length: [10, 2], op: [12, 4] },
};
