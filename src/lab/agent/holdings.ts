import type { Dom0 } from './dom0.js';
import type { Guest } from './guest.js';
import type { MappedResource } from './native.js';
import { Windows } from './windows.js';

/** A domain that the agent made. */
export interface MadeDomain {
  readonly domid: number;
  readonly translated: boolean;
  /** MFN of the L1 table with its slots; -1 without one. */
  readonly slotTable: number;
  /** All pages of it that the agent keeps for itself. */
  readonly ownPages: readonly number[];
  readonly guest: Guest | undefined;
  /** Slots for grants that are in use. */
  readonly grantSlots: Set<number>;
}

/** A grant that is mapped by way of the agent. */
export interface GrantMapping {
  readonly domid: number;
  readonly granter: number;
  readonly handle: number;
  /** Address it is mapped at; 0 when it is not. */
  readonly address: number;
  /** Slot behind that address, counted from the first slot for grants; -1 for none. */
  readonly slot: number;
  /** Whether it is mapped for devices. */
  readonly device: boolean;
  readonly busAddress: number;
}

/** Everything that the agent keeps between calls, to be given back by `reset`. */
export class Holdings {
  readonly dom0: Dom0;
  readonly windows: Windows;
  /** Whether `reset` leaves alone the domains that others made. */
  readonly sparing: boolean;
  readonly domains = new Map<number, MadeDomain>();
  readonly grantMappings = new Map<string, GrantMapping>();
  /** dom0's slots that were written, and those of grants that are in use. */
  readonly slotsInUse = new Set<number>();
  readonly grantSlots = new Set<number>();
  /** Frames of grant tables, by `domid:frame`. */
  readonly grantFrames = new Map<string, MappedResource>();
  /** MFNs of dom0's pages that its kernel does not know of. */
  readonly ownPages = new Set<number>();
  /** Devices that were taken from dom0. */
  readonly takenDevices = new Set<number>();
  /** How many of dom0's grant mappings nobody can end any more: Xen keeps them as long as dom0 lives. */
  endlessMappings = 0;

  constructor(dom0: Dom0, sparing: boolean) {
    this.dom0 = dom0;
    this.windows = new Windows(dom0);
    this.sparing = sparing;
  }

  /** Lets go of what the agent maps of a domain for its own use. */
  dropMaps(domid: number): void {
    this.domains.get(domid)?.guest?.close();
    this.domains.delete(domid);
    for (const [key, frame] of this.grantFrames) {
      if (!key.startsWith(`${domid}:`)) continue;
      frame.close();
      this.grantFrames.delete(key);
    }
  }
}

/** The lowest slot not in `used`. @throws Error when there is none. */
export function takeSlot(used: Set<number>, count: number): number {
  for (let slot = 0; slot < count; slot++) {
    if (used.has(slot)) continue;
    used.add(slot);
    return slot;
  }
  throw new Error(`all ${count} slots for grants are in use`);
}
