import { R, type Rights, W } from '../formats/address.js';
import { ARM_STAGE2, stage2Shape } from '../formats/arm-stage2.js';
import { type RootShape, Walker, WalkStatus } from '../formats/radix.js';
import { faultStatus, faultSyndrome, SmmuFault } from '../formats/smmuv2.js';
import type { Tree } from '../formats/walk-entries.js';
import { decimal, hex, type Layout, naming, optional } from '../store/table.js';
import type { IommuFault, IommuUnit } from './iommu.js';
import { Iotlb, orderOf } from './iotlb.js';
import type { Ram } from './ram.js';
import { refusalOfStage2 } from './stage2.js';

/** Faults by {@link Stage2Refusal}. */
const FAULTS: readonly number[] = [
  0,
  SmmuFault.TRANSLATION,
  SmmuFault.ADDRESS_SIZE,
  SmmuFault.ACCESS_FLAG,
  SmmuFault.PERMISSION,
];
/** GFSR.USF and GFSR.ICF, GFSYNR0.WNR. */
const UNIDENTIFIED_STREAM = 1 << 1;
const INVALID_CONTEXT = 1 << 0;
const GLOBAL_WRITE = 1 << 1;
/** Output addresses have 48 bits, as many as an entry has room for. */
const OUTPUT_LIMIT = 2 ** 36;

/** 40 bits of guest addresses. Xen's p2m takes this shape, as it shrinks to what the SMMU translates (dossier §7.3). */
export const SMMU_SHAPE = stage2Shape(40);

/**
 * An SMMUv2 that translates by stage 2 only, as Xen programs it: a stream mapping table that leads a stream to a
 * context bank, banks with VMID and TTBR0, an IOTLB tagged by VMID. Unmatched streams fault.
 * (Arm IHI 0062 §2; dossier §7.3.)
 */
export class SmmuUnit implements IommuUnit {
  readonly iotlb: Iotlb;
  readonly shape: RootShape;
  frame = -1;
  iotlbRow = -1;
  private readonly walker: Walker;
  private readonly streams;
  private readonly banks;
  private readonly streamCount: number;
  private readonly bankCount: number;
  private readonly s1cbndx: number;

  // The last access; see VtdUnit.
  private requester = 0;
  private address = 0;
  private write = false;
  private kind: number = SmmuFault.TRANSLATION;
  private level = 0;
  private bank = -1;
  private selected = -1;

  /** `streams` and `banks` are the numbers of stream mapping registers and context banks. */
  constructor(layout: Layout, ram: Ram, iotlbSize: number, streams: number, banks: number, s1cbndx: number) {
    this.walker = new Walker(ARM_STAGE2, ram);
    this.shape = SMMU_SHAPE;
    this.iotlb = new Iotlb(layout, 'SMMU', iotlbSize);
    this.streamCount = streams;
    this.bankCount = banks;
    this.s1cbndx = s1cbndx;
    this.streams = layout.table(
      'SMMU stream',
      streams,
      { stream: optional(naming('requester', hex)), bank: optional(decimal) },
      (row) => `SMMU stream mapping ${row}`,
    ).columns;
    this.banks = layout.table(
      'SMMU bank',
      banks,
      { vmid: decimal, root: optional(hex) },
      (row) => `SMMU context bank ${row}`,
    ).columns;
  }

  /**
   * A context bank that translates through the stage-2 tables at `root`: a new one takes the lowest free bank and the
   * VMID bank + 1. -1 when none is free.
   */
  bankFor(root: number): number {
    const made = this.bankOf(root);
    if (made >= 0) return made;
    for (let bank = 0; bank < this.bankCount; bank++) {
      if (this.banks.root.get(bank) !== 0) continue;
      this.banks.vmid.set(bank, bank + 1);
      this.banks.root.set(bank, root + 1);
      return bank;
    }
    return -1;
  }

  /** Makes the mapping register `row` lead a stream to a bank, or to none (-1), where it faults. */
  setStream(row: number, stream: number, bank: number): void {
    this.streams.stream.set(row, stream + 1);
    this.streams.bank.set(row, bank + 1);
  }

  /** Makes a stream mapping register match nothing. */
  clearStream(row: number): void {
    this.streams.stream.set(row, 0);
    this.streams.bank.set(row, 0);
  }

  /** The stream mapping register that matches a stream, or -1. */
  rowOf(stream: number): number {
    for (let row = 0; row < this.streamCount; row++) {
      if (this.streams.stream.get(row) === stream + 1) return row;
    }
    return -1;
  }

  /** The lowest stream mapping register that matches nothing, or -1. */
  freeRow(): number {
    return this.rowOf(-1);
  }

  /** The bank that translates through a root, or -1. */
  bankOf(root: number): number {
    for (let bank = 0; bank < this.bankCount; bank++) if (this.banks.root.get(bank) === root + 1) return bank;
    return -1;
  }

  /** Switches a bank off that no stream is led to any more. */
  releaseBankIfUnused(bank: number): void {
    for (let row = 0; row < this.streamCount; row++) if (this.streams.bank.get(row) === bank + 1) return;
    this.releaseBank(bank);
  }

  /** Switches a bank off, and forgets the translations under its VMID. */
  releaseBank(bank: number): void {
    this.iotlb.invalidateDomain(this.banks.vmid.get(bank));
    this.banks.vmid.set(bank, 0);
    this.banks.root.set(bank, 0);
  }

  /** The VMID under which a root's translations are tagged, or -1 when no bank uses it. */
  vmidOfRoot(root: number): number {
    const bank = this.bankOf(root);
    return bank < 0 ? -1 : this.banks.vmid.get(bank);
  }

  /** The context bank to which a stream is led, or -1. */
  findBank(requester: number): number {
    const row = this.rowOf(requester);
    return row < 0 ? -1 : this.streams.bank.get(row) - 1;
  }

  translate(requester: number, address: number, write: boolean): boolean {
    this.requester = requester;
    this.address = address;
    this.write = write;
    this.iotlbRow = -1;
    this.bank = this.findBank(requester);
    if (this.bank < 0) return false;
    const input = Math.floor(address / 4096);
    const need = write ? W : R;
    const vmid = this.banks.vmid.get(this.bank);
    const cached = this.iotlb.find(vmid, input);
    if (cached >= 0 && (this.iotlb.rights(cached) & need) !== 0) {
      this.iotlbRow = cached;
      this.frame = this.iotlb.frameFor(cached, input);
      return true;
    }
    const { walker } = this;
    this.kind = this.refusal(this.banks.root.get(this.bank) - 1, input, need);
    if (this.kind !== 0) {
      // Arm's level l stands at our level 4 - l; what the root does not cover is refused at level 0.
      this.level = walker.status === WalkStatus.BEYOND ? 0 : 4 - walker.level;
      return false;
    }
    this.frame = walker.frame;
    this.iotlb.fill(vmid, input, walker.frame, walker.rights & (R | W), orderOf(walker.span));
    return true;
  }

  /** The kind of fault that an access needing `need` meets in the tables, a {@link SmmuFault}, or 0. */
  private refusal(root: number, input: number, need: Rights): number {
    return FAULTS[refusalOfStage2(this.walker, root, this.shape, input, need, OUTPUT_LIMIT)]!;
  }

  /** What the tables of the requester selected last have against an access, a {@link Stage2Refusal}. */
  selectedRefusal(input: number, need: Rights): number {
    return refusalOfStage2(this.walker, this.selectedRoot, this.shape, input, need, OUTPUT_LIMIT);
  }

  tableRights(requester: number, input: number): Rights {
    return this.select(requester) ? this.selectedRights(input) : 0;
  }

  select(requester: number): boolean {
    this.selected = this.findBank(requester);
    return this.selected >= 0;
  }

  selectedRights(input: number): Rights {
    if (this.refusal(this.banks.root.get(this.selected) - 1, input, R | W) !== 0) return 0;
    this.frame = this.walker.frame;
    return this.walker.rights & (R | W);
  }

  get selectedTree(): Tree | undefined {
    if (this.selected < 0) return undefined;
    const { walker, shape, selectedRoot: root } = this;
    return { format: walker.format, source: walker.source, root, shape };
  }

  /** The unit reads every entry anew. */
  selectRemembered(): boolean {
    return false;
  }

  rememberedTagOf(): number {
    return -1;
  }

  get selectedRoot(): number {
    return this.banks.root.get(this.selected) - 1;
  }

  tagOf(requester: number): number {
    const bank = this.findBank(requester);
    return bank < 0 ? -1 : this.banks.vmid.get(bank);
  }

  /**
   * The bank and its FSR and FSYNR0 after the last refused access. Without a bank, `cb` is -1 and the global registers
   * tell: a stream that no mapping matches is unidentified, one that is mapped to fault has an invalid context.
   */
  lastFault(): IommuFault {
    const { requester, address, write, bank } = this;
    if (bank < 0) {
      const gfsr = this.rowOf(requester) < 0 ? UNIDENTIFIED_STREAM : INVALID_CONTEXT;
      const registers = { cb: -1, gfsr, gfsynr0: write ? GLOBAL_WRITE : 0, gfsynr1: requester, gfsynr2: 0 };
      return { requester, address, write, registers };
    }
    const fsr = faultStatus(this.kind);
    const fsynr0 = faultSyndrome(this.level, write, this.s1cbndx);
    return { requester, address, write, registers: { fsr, fsynr0, cb: bank } };
  }
}
