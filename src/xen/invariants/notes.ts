import type { Xen } from '../state.js';
import { TableScan } from './scan.js';

/**
 * Where invariants note what they count, and what those about steps know of the state before one. All of it is filled
 * anew each time, so it is no state of the machine's; it stands here so that judging allocates nothing.
 */
export class Notes {
  /** Owner of each device before the step, as a slot; -1 for nobody. */
  readonly owners: Int32Array;
  /** Who got the interrupts of each device before the step, as a slot; -1 for nobody. */
  readonly interrupts: Int32Array;
  /** Whether each domain was dying before the step. */
  readonly dying: Uint8Array;
  /** Rights that a dying domain's tables gave its devices before the step, by slot, then by input. */
  readonly rights: Uint8Array;
  /** Where each frame of RAM stood in its domain's p2m before the step, -1 for nowhere. */
  readonly places: Float64Array;
  /** And as what type. */
  readonly placeTypes: Uint8Array;
  /** Counts by domain. */
  readonly domains: Int32Array;
  /** Counts by active grant entry. */
  readonly grants: Int32Array;
  /** Counts by frame of RAM: general references, type references, and marks. */
  readonly references: Int32Array;
  readonly types: Int32Array;
  readonly marks: Uint8Array;

  /** Goes through domains' own tables. */
  readonly scan: TableScan;

  /** @param inputs how many inputs are looked at. */
  constructor(xen: Xen, inputs: number) {
    this.owners = new Int32Array(xen.spec.devices.length);
    this.interrupts = new Int32Array(xen.spec.devices.length);
    this.dying = new Uint8Array(xen.domIo);
    this.rights = new Uint8Array(xen.domIo * inputs);
    this.placeTypes = new Uint8Array(xen.ram.frames);
    this.places = new Float64Array(xen.ram.frames);
    this.domains = new Int32Array(xen.slots);
    this.grants = new Int32Array(xen.domIo * xen.spec.limits.grants);
    this.references = new Int32Array(xen.ram.frames);
    this.types = new Int32Array(xen.ram.frames);
    this.marks = new Uint8Array(xen.ram.frames);
    this.scan = new TableScan(xen);
  }
}
