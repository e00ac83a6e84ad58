import { R, type Rights, W } from '../formats/address.js';
import {
  AMDVI_ENTRY_BYTES,
  AMDVI_TABLES,
  abortDevice,
  deviceRoot,
  deviceTranslationValid,
  deviceValid,
  writeDeviceEntry,
} from '../formats/amdvi.js';
import { AmdviEvent, AmdviFault, eventWord1 } from '../formats/amdvi-events.js';
import { AmdviLookup, DeviceEntryStatus } from '../formats/amdvi-lookup.js';
import { Walker, WalkStatus } from '../formats/radix.js';
import type { Tree } from '../formats/walk-entries.js';
import { flag, hex, type Layout, optional } from '../store/table.js';
import type { IommuFault, IommuUnit } from './iommu.js';
import { Iotlb, orderOf } from './iotlb.js';
import type { Ram } from './ram.js';

/** Frames from here up are no physical addresses: what passes untranslated must lie below. */
const FRAME_LIMIT = 2 ** 40;
/** Inputs from here up have no place in the IOTLB; only five or six levels have them. */
const REMEMBERED = 2 ** 45;

/**
 * An AMD-Vi unit: device table and I/O page tables in RAM, an IOTLB tagged by domain id, and the last event. It has up to
 * six levels, no device-TLBs, no guest translation and no exclusion range, and reads every device table entry anew (its
 * cache of them is always empty, which hardware may choose). Events are never suppressed; Xen sets neither SE nor SA.
 * (AMD IOMMU spec 3.08 §2.2, §2.5.)
 */
export class AmdviUnit implements IommuUnit {
  readonly iotlb: Iotlb;
  frame = -1;
  iotlbRow = -1;
  private readonly ram: Ram;
  private readonly walker: Walker;
  private readonly lookup: AmdviLookup;
  private readonly registers;

  // Where the last access came from and what became of it; registers, not state that outlives the step.
  private code = 0;
  private flags = 0;
  private requester = 0;
  private address = 0;
  private write = false;
  /** Whether what the last look-up found lets accesses pass as they are. */
  private untranslated = false;

  /** @param devices entries of the device table. */
  constructor(layout: Layout, ram: Ram, iotlbSize: number, devices: number, name = 'AMD-Vi') {
    this.ram = ram;
    this.walker = new Walker(AMDVI_TABLES, ram);
    this.lookup = new AmdviLookup(ram, devices);
    this.iotlb = new Iotlb(layout, name, iotlbSize);
    this.registers = layout.table(
      `${name} unit`,
      1,
      { deviceTable: optional(hex), enabled: flag },
      () => `${name} unit`,
    ).columns;
  }

  /** Sets the base of the device table to frame `frame` and turns the unit on (IommuEn). */
  enable(frame: number): void {
    this.registers.deviceTable.set(0, frame + 1);
    this.registers.enabled.set(0, 1);
  }

  /** Frame of the device table, or -1 before {@link enable}. */
  get deviceTable(): number {
    return this.registers.deviceTable.get(0) - 1;
  }

  private entryAddress(requester: number): number {
    return this.deviceTable * 4096 + requester * AMDVI_ENTRY_BYTES;
  }

  /** Points a requester's entry at page tables of `mode` levels. */
  setTables(requester: number, root: number, mode: number, did: number): void {
    const entry = { valid: true, translationValid: true, mode, root, did };
    writeDeviceEntry(this.ram, this.entryAddress(requester), entry);
  }

  /** The same with V = 0: the unit ignores the entry and everything passes. */
  setIgnored(requester: number, root: number, mode: number, did: number): void {
    const entry = { valid: false, translationValid: true, mode, root, did };
    writeDeviceEntry(this.ram, this.entryAddress(requester), entry);
  }

  /** Clears V and TV: until the entry is written again, everything passes. */
  forward(requester: number): void {
    const at = this.entryAddress(requester);
    this.ram.write32(at, this.ram.read32(at) & ~3);
  }

  /** Aborts everything a requester sends: V = 1, TV = 0. */
  abort(requester: number): void {
    abortDevice(this.ram, this.entryAddress(requester));
  }

  /** Whether a requester's entry has V and TV set. */
  isTranslated(requester: number): boolean {
    const word0 = this.ram.read32(this.entryAddress(requester));
    return deviceValid(word0) && deviceTranslationValid(word0);
  }

  /** Frame of the root table in a requester's entry, whether or not it counts. */
  rootOf(requester: number): number {
    const at = this.entryAddress(requester);
    return deviceRoot(this.ram.read32(at), this.ram.read32(at + 4));
  }

  /** Finds a requester's entry: a {@link DeviceEntryStatus}. A unit that is off lets everything pass. */
  private find(requester: number): number {
    if (!this.registers.enabled.get(0)) {
      this.untranslated = true;
      return DeviceEntryStatus.IGNORED;
    }
    const status = this.lookup.find(this.deviceTable * 4096, requester);
    this.untranslated = status === DeviceEntryStatus.IGNORED || this.lookup.shape === undefined;
    return status;
  }

  translate(requester: number, address: number, write: boolean): boolean {
    this.requester = requester;
    this.address = address;
    this.write = write;
    this.code = AmdviEvent.IO_PAGE_FAULT;
    this.flags = this.translateInput(requester, Math.floor(address / 4096), write ? W : R);
    return this.flags < 0;
  }

  /** The flags of the fault, or -1 when there is none. An entry is checked for presence, permission, then encoding. */
  private translateInput(requester: number, input: number, need: Rights): number {
    this.iotlbRow = -1;
    const direction = need === W ? AmdviFault.WRITE : 0;
    const status = this.find(requester);
    const { lookup, walker } = this;
    if (status === DeviceEntryStatus.ABORTED || status === DeviceEntryStatus.OUTSIDE) return direction;
    if (status === DeviceEntryStatus.ILLEGAL || status === DeviceEntryStatus.GUEST) {
      this.code = AmdviEvent.ILLEGAL_DEV_TABLE_ENTRY;
      return direction | AmdviFault.RESERVED;
    }
    const denied = direction | AmdviFault.PRESENT | AmdviFault.PERMISSION;
    if (status === DeviceEntryStatus.OK && (lookup.rights & need) === 0) return denied;
    if (this.untranslated) {
      this.frame = input;
      return -1;
    }
    const cached = this.iotlb.find(lookup.did, input);
    if (cached >= 0 && (this.iotlb.rights(cached) & need) !== 0) {
      this.iotlbRow = cached;
      this.frame = this.iotlb.frameFor(cached, input);
      return -1;
    }
    const end = walker.walk(lookup.root, lookup.shape!, input);
    if (end === WalkStatus.BEYOND) return direction;
    if ((walker.pathRights & need) === 0) return denied;
    if (end === WalkStatus.NOT_PRESENT) return direction;
    if (end === WalkStatus.RESERVED) return direction | AmdviFault.PRESENT | AmdviFault.RESERVED;
    this.frame = walker.frame;
    if (input < REMEMBERED) {
      this.iotlb.fill(lookup.did, input, walker.frame, walker.rights, orderOf(walker.span));
    }
    return -1;
  }

  tableRights(requester: number, input: number): Rights {
    return this.select(requester) ? this.selectedRights(input) : 0;
  }

  select(requester: number): boolean {
    const status = this.find(requester);
    return (
      status === DeviceEntryStatus.IGNORED || (status === DeviceEntryStatus.OK && this.lookup.rights !== 0)
    );
  }

  selectedRights(input: number): Rights {
    const { lookup, walker } = this;
    if (this.untranslated) {
      if (input >= FRAME_LIMIT) return 0;
      this.frame = input;
      return this.registers.enabled.get(0) ? lookup.rights : R | W;
    }
    if (walker.walk(lookup.root, lookup.shape!, input) !== WalkStatus.OK) return 0;
    this.frame = walker.frame;
    return walker.rights & lookup.rights;
  }

  /** The unit reads every entry anew. */
  selectRemembered(): boolean {
    return false;
  }

  rememberedTagOf(): number {
    return -1;
  }

  get selectedRoot(): number {
    return this.untranslated ? -1 : this.lookup.root;
  }

  get selectedTree(): Tree | undefined {
    const { lookup, walker, untranslated } = this;
    if (untranslated) return undefined;
    return { format: walker.format, source: walker.source, root: lookup.root, shape: lookup.shape! };
  }

  /** What a requester's entry says, a {@link DeviceEntryStatus}. */
  entryStatus(requester: number): number {
    return this.find(requester);
  }

  tagOf(requester: number): number {
    return this.select(requester) && !this.untranslated ? this.lookup.did : -1;
  }

  /** The entry of the event log that the last refused access left: its words, code, flags and domain id. */
  lastFault(): IommuFault {
    const { requester, address, write, code, flags } = this;
    const did = code === AmdviEvent.IO_PAGE_FAULT ? Math.max(0, this.lookup.did) : 0;
    const event2 = address | 0;
    const event3 = Math.floor(address / 2 ** 32) | 0;
    const event1 = eventWord1(code, flags, did);
    return {
      requester,
      address,
      write,
      registers: { code, flags, did, event0: requester, event1, event2, event3 },
    };
  }
}
