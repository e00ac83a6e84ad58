import { closeSync, openSync } from 'node:fs';
import { MAP, type Native, PROT } from './native.js';

export const PAGE_BYTES = 4096;
const L1_TABLE_SPANS = 0x20_0000;

/** Virtual pages for a program's own mappings, and as many for its grants. */
export const SLOTS = 64;
export const GRANT_SLOTS = 256;
/** Those through which the agent itself looks at pages of others. */
export const FIRST_WINDOW = SLOTS + GRANT_SLOTS;
export const WINDOWS = 128;

/**
 * Virtual pages of this process behind which is nothing: Xen writes their page-table entries, and the kernel below us
 * knows nothing of it. They lie in a mapping of the privcmd device, so that the kernel keeps out of them: it takes the
 * entries for frames that it has no page of, clears them when the process ends, and leaves them out of children. One
 * ordinary page beside them, in the same 2 MiB, makes their L1 table exist.
 */
export class ProcessSlots {
  private readonly base: number;
  private readonly native: Native;
  private readonly views = new Map<number, ArrayBuffer>();

  constructor(native: Native) {
    const wide = native.map(
      0,
      2 * L1_TABLE_SPANS,
      PROT.none,
      MAP.private | MAP.anonymous | MAP.noreserve,
      -1,
    );
    this.native = native;
    this.base = Math.ceil(wide / L1_TABLE_SPANS) * L1_TABLE_SPANS;
    const writable = PROT.read | PROT.write;
    const device = openSync('/dev/xen/privcmd', 'r+');
    native.map(this.base, (FIRST_WINDOW + WINDOWS) * PAGE_BYTES, writable, MAP.shared | MAP.fixed, device);
    closeSync(device);
    const neighbour = this.base + L1_TABLE_SPANS - PAGE_BYTES;
    native.map(neighbour, PAGE_BYTES, writable, MAP.private | MAP.anonymous | MAP.fixed, -1);
    new Uint8Array(native.view(neighbour, PAGE_BYTES))[0] = 1;
  }

  /** Address of a slot; those of grants follow the program's, and the agent's own come last. */
  address(slot: number): number {
    return this.base + slot * PAGE_BYTES;
  }

  /** The bytes at a slot, which may be touched only while something is mapped there. */
  bytes(slot: number): ArrayBuffer {
    let view = this.views.get(slot);
    if (view === undefined) {
      view = this.native.view(this.address(slot), PAGE_BYTES);
      this.views.set(slot, view);
    }
    return view;
  }
}
