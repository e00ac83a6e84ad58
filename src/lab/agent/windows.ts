import { PTE_READ_ONLY, PTE_WRITABLE, pageTableEntry } from './abi/mmu.js';
import type { Dom0 } from './dom0.js';
import { updateVaMapping } from './page-tables.js';
import { FIRST_WINDOW, ProcessSlots, WINDOWS } from './process-slots.js';

/** A page of somebody else, in place. */
export interface Window {
  readonly bytes: ArrayBuffer;
  readonly slot: number;
}

/**
 * Pages of other domains, mapped into this process by hypercalls alone. What the kernel offers for it takes several times
 * as long, and it would stand between Xen's answer and us.
 */
export class Windows {
  private readonly dom0: Dom0;
  private readonly free = Array.from({ length: WINDOWS }, (_, i) => FIRST_WINDOW + i);
  private reserved: ProcessSlots | undefined;

  constructor(dom0: Dom0) {
    this.dom0 = dom0;
  }

  /** The process's slots, made when they are first needed. */
  get slots(): ProcessSlots {
    this.reserved ??= new ProcessSlots(this.dom0.native);
    return this.reserved;
  }

  /** Maps a frame (a GFN of a translated domain) of `owner`, or of dom0 when that is not said; -errno when Xen refuses. */
  open(mfn: number, owner: number | undefined, writable = true): Window | number {
    const slot = this.free.pop();
    if (slot === undefined) throw new Error(`all ${WINDOWS} windows of the agent are in use`);
    const entry = pageTableEntry(mfn, writable ? PTE_WRITABLE : PTE_READ_ONLY);
    const rc = updateVaMapping(this.dom0, this.slots.address(slot), entry, owner);
    if (rc === 0) return { bytes: this.slots.bytes(slot), slot };
    this.free.push(slot);
    return rc;
  }

  /** @throws Error when Xen refuses. */
  openOrThrow(mfn: number, owner: number): Window {
    const window = this.open(mfn, owner);
    if (typeof window === 'number')
      throw new Error(`page 0x${mfn.toString(16)} of domain ${owner} cannot be mapped (errno ${-window})`);
    return window;
  }

  close({ slot }: Window): void {
    updateVaMapping(this.dom0, this.slots.address(slot), 0n);
    this.free.push(slot);
  }
}
