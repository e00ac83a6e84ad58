import type { Rights } from '../../formats/address.js';
import type { Xen } from '../state.js';

/**
 * What invariants about steps know of the state before one. It is filled anew in every state that a step starts from, so
 * it is no state of the machine's.
 */
export class Before {
  /** Owner of each device, as a slot; -1 for nobody. */
  readonly owners: Int32Array;
  /** Rights that each dying domain's own tables gave on the inputs looked at, by slot, then input. */
  readonly rights: Uint8Array;
  /** Whether each domain was dying. */
  readonly dying: Uint8Array;

  constructor(xen: Xen, inputs: readonly number[]) {
    this.owners = new Int32Array(xen.spec.devices.length);
    this.rights = new Uint8Array(xen.domIo * inputs.length) satisfies ArrayLike<Rights>;
    this.dying = new Uint8Array(xen.domIo);
  }
}
