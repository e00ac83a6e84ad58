import { closeSync, openSync } from 'node:fs';
import { MAP, type Native, PROT } from './native.js';

export const PAGE_BYTES = 4096;
const L1_TABLE_SPANS = 0x20_0000;

/** Virtual pages for a program's own mappings, and as many for its grants. */
export const SLOTS = 64;
export const GRANT_SLOTS = 64;
/** One more, through which the agent itself looks at a page. */
export const WINDOW = SLOTS + GRANT_SLOTS;

/**
 * Virtual pages of this process behind which is nothing: Xen writes their page-table entries, and the kernel below us
 * knows nothing of it. They lie in a mapping of the privcmd device, so that the kernel keeps out of them: it takes the
 * entries for frames that it has no page of, clears them when the process ends, and leaves them out of children. One
 * ordinary page beside them, in the same 2 MiB, makes their L1 table exist.
 */
export class ProcessSlots {
  private readonly base: number;

  constructor(native: Native) {
    const wide = native.map(
      0,
      2 * L1_TABLE_SPANS,
      PROT.none,
      MAP.private | MAP.anonymous | MAP.noreserve,
      -1,
    );
    this.base = Math.ceil(wide / L1_TABLE_SPANS) * L1_TABLE_SPANS;
    const writable = PROT.read | PROT.write;
    const device = openSync('/dev/xen/privcmd', 'r+');
    native.map(this.base, (WINDOW + 1) * PAGE_BYTES, writable, MAP.shared | MAP.fixed, device);
    closeSync(device);
    const neighbour = this.base + L1_TABLE_SPANS - PAGE_BYTES;
    native.map(neighbour, PAGE_BYTES, writable, MAP.private | MAP.anonymous | MAP.fixed, -1);
    new Uint8Array(native.view(neighbour, PAGE_BYTES))[0] = 1;
  }

  /** Address of a slot; those of grants follow the program's. */
  address(slot: number): number {
    return this.base + slot * PAGE_BYTES;
  }
}
