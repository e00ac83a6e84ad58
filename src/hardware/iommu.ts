import type { Rights } from '../formats/address.js';
import type { Tree } from '../formats/walk-entries.js';
import type { Iotlb } from './iotlb.js';

/** An access that an IOMMU refused, as its fault registers hold it. */
export interface IommuFault {
  /** Requester id or stream id. */
  readonly requester: number;
  /** Byte address the device used. */
  readonly address: number;
  readonly write: boolean;
  /** Registers by name, in the architecture's own encoding. */
  readonly registers: Readonly<Record<string, number>>;
}

/** An IOMMU between devices and RAM. */
export interface IommuUnit {
  readonly iotlb: Iotlb;
  /** Frame that the last successful `translate`, `tableRights` or `selectedRights` led to. */
  frame: number;
  /**
   * Translates a device's access to byte address `address`, through the IOTLB or by walking the tables in RAM, and
   * remembers what it walked. False when it is refused; {@link lastFault} then says why.
   */
  translate(requester: number, address: number, write: boolean): boolean;
  /** Row of the IOTLB by which the last `translate` was answered; -1 where it was not. */
  readonly iotlbRow: number;
  /** What the fault registers hold after a refused `translate`. */
  lastFault(): IommuFault;
  /** Rights that the tables in RAM give a requester on an input frame; no caching, no fault. */
  tableRights(requester: number, input: number): Rights;
  /** Finds a requester's tables, for many {@link selectedRights}. False when none of its accesses can pass. */
  select(requester: number): boolean;
  /** {@link tableRights} of the requester selected last. */
  selectedRights(input: number): Rights;
  /** Frame of the tables of the requester selected last, or -1 where its accesses pass untranslated. */
  readonly selectedRoot: number;
  /** These tables as the unit reads them; undefined where accesses pass untranslated. */
  readonly selectedTree: Tree | undefined;
  /** The tag under which a requester's translations are remembered, or -1 when it has none. */
  tagOf(requester: number): number;
  /**
   * {@link select} by what the unit remembers of the requester's entry, which its tables may say no more. False when it
   * remembers nothing, or that there is nothing.
   */
  selectRemembered(requester: number): boolean;
  /** {@link tagOf} by what the unit remembers. */
  rememberedTagOf(requester: number): number;
}
