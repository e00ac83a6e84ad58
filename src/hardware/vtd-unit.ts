import { R, type Rights, W } from '../formats/address.js';
import { FOUR_LEVELS, Walker, WalkStatus } from '../formats/radix.js';
import {
  ContextType,
  clearEntry,
  contextDid,
  contextType,
  entryFrame,
  entryPresent,
  VTD_ENTRY_BYTES,
  VTD_SECOND_LEVEL,
  writeContextEntry,
  writeRootEntry,
} from '../formats/vtd.js';
import { faultWord0, faultWord1, faultWord2, faultWord3, VtdReason } from '../formats/vtd-faults.js';
import { flag, hex, type Layout, optional } from '../store/table.js';
import type { IommuFault, IommuUnit } from './iommu.js';
import { Iotlb } from './iotlb.js';
import type { Ram } from './ram.js';

const LEVELS = 4;

/**
 * A VT-d remapping unit in legacy mode: root table, context tables and second-level tables in RAM, an IOTLB tagged by
 * DID, and a primary fault record. 48-bit tables; every root and context entry is read anew (its context cache is
 * always empty, which hardware may choose). (Intel VT-d spec 4.0 §3.4, §6.2, §7.)
 */
export class VtdUnit implements IommuUnit {
  readonly iotlb: Iotlb;
  frame = -1;
  private readonly ram: Ram;
  private readonly walker: Walker;
  private readonly registers;

  // Where the last access came from and what became of it; registers, not state that outlives the step.
  private reason = 0;
  private requester = 0;
  private address = 0;
  private write = false;
  private root = 0;
  private did = 0;

  constructor(layout: Layout, ram: Ram, iotlbSize: number) {
    this.ram = ram;
    this.walker = new Walker(VTD_SECOND_LEVEL, ram);
    this.iotlb = new Iotlb(layout, 'VT-d', iotlbSize);
    this.registers = layout.table(
      'VT-d unit',
      1,
      { rootTable: optional(hex), enabled: flag },
      () => 'VT-d unit',
    ).columns;
  }

  /** Sets RTADDR to the root table in frame `frame` and turns translation on (GCMD.SRTP, GCMD.TE). */
  enable(frame: number): void {
    this.registers.rootTable.set(0, frame + 1);
    this.registers.enabled.set(0, 1);
  }

  /** Physical address of the context entry of `requester`, or -1 where its bus has no context table. */
  private contextAddress(requester: number): number {
    const rootEntry = (this.registers.rootTable.get(0) - 1) * 4096 + (requester >>> 8) * VTD_ENTRY_BYTES;
    const word0 = this.ram.read32(rootEntry);
    if (!entryPresent(word0)) return -1;
    return entryFrame(word0, this.ram.read32(rootEntry + 4)) * 4096 + (requester & 0xff) * VTD_ENTRY_BYTES;
  }

  /** Makes the root entry of a bus point to the context table in `frame`. */
  setContextTable(bus: number, frame: number): void {
    writeRootEntry(this.ram, (this.registers.rootTable.get(0) - 1) * 4096 + bus * VTD_ENTRY_BYTES, frame);
  }

  /** Frame of the root table, or -1 before {@link enable}. */
  get rootTable(): number {
    return this.registers.rootTable.get(0) - 1;
  }

  /** Frame of a bus's context table, or -1 when it has none. */
  contextTable(bus: number): number {
    const at = this.contextAddress(bus << 8);
    return at < 0 ? -1 : Math.floor(at / 4096);
  }

  hasContextTable(bus: number): boolean {
    return this.contextAddress(bus << 8) >= 0;
  }

  /** Points a requester's context entry at second-level tables. Its bus must have a context table. */
  setContext(requester: number, root: number, did: number): void {
    const at = this.contextAddress(requester);
    writeContextEntry(this.ram, at, ContextType.MULTI_LEVEL, root, LEVELS, did);
  }

  /** Lets a requester's accesses pass untranslated. */
  setPassThrough(requester: number, did: number): void {
    writeContextEntry(this.ram, this.contextAddress(requester), ContextType.PASS_THROUGH, 0, LEVELS, did);
  }

  clearContext(requester: number): void {
    clearEntry(this.ram, this.contextAddress(requester));
  }

  /**
   * Looks a requester up in root and context table: the reason of a fault, or 0. Afterwards `root` is the second-level
   * root, or -1 for pass-through, and `did` the domain id.
   */
  private findContext(requester: number): number {
    if (!this.registers.enabled.get(0)) {
      this.root = -1;
      this.did = -1;
      return 0;
    }
    const at = this.contextAddress(requester);
    if (at < 0) return VtdReason.ROOT_NOT_PRESENT;
    const word0 = this.ram.read32(at);
    if (!entryPresent(word0)) return VtdReason.CONTEXT_NOT_PRESENT;
    this.did = contextDid(this.ram.read32(at + 8));
    this.root =
      contextType(word0) === ContextType.PASS_THROUGH ? -1 : entryFrame(word0, this.ram.read32(at + 4));
    return 0;
  }

  translate(requester: number, address: number, write: boolean): boolean {
    this.requester = requester;
    this.address = address;
    this.write = write;
    this.reason = this.translateInput(requester, Math.floor(address / 4096), write ? W : R);
    return this.reason === 0;
  }

  private translateInput(requester: number, input: number, need: Rights): number {
    const reason = this.findContext(requester);
    if (reason !== 0) return reason;
    if (this.root < 0) {
      this.frame = input;
      return 0;
    }
    const cached = this.iotlb.find(this.did, input);
    if (cached >= 0 && (this.iotlb.rights(cached) & need) !== 0) {
      this.frame = this.iotlb.frame(cached);
      return 0;
    }
    const status = this.walker.walk(this.root, FOUR_LEVELS, input);
    if (status === WalkStatus.BEYOND) return VtdReason.BEYOND_WIDTH;
    if (status === WalkStatus.RESERVED) return VtdReason.ENTRY_RESERVED;
    if ((this.walker.rights & need) === 0) {
      return need === W ? VtdReason.WRITE_DENIED : VtdReason.READ_DENIED;
    }
    this.frame = this.walker.frame;
    this.iotlb.fill(this.did, input, this.walker.frame, this.walker.rights);
    return 0;
  }

  tableRights(requester: number, input: number): Rights {
    if (this.findContext(requester) !== 0) return 0;
    if (this.root < 0) {
      this.frame = input;
      return R | W;
    }
    if (this.walker.walk(this.root, FOUR_LEVELS, input) !== WalkStatus.OK) return 0;
    this.frame = this.walker.frame;
    return this.walker.rights;
  }

  tagOf(requester: number): number {
    return this.findContext(requester) === 0 && this.root >= 0 ? this.did : -1;
  }

  /** The primary fault record that the last refused access left: FRCD words 0 to 3. */
  lastFault(): IommuFault {
    const page = Math.floor(this.address / 4096);
    return {
      requester: this.requester,
      address: this.address,
      write: this.write,
      registers: {
        reason: this.reason,
        frcd0: faultWord0(page),
        frcd1: faultWord1(page),
        frcd2: faultWord2(this.requester),
        frcd3: faultWord3(this.reason, !this.write),
      },
    };
  }
}
