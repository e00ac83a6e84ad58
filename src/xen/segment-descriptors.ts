import { ownerOf } from './frames.js';
import type { Xen } from './state.js';

/**
 * Descriptors of a PV guest (arch/x86/pv/descriptor-tables.c check_descriptor; Intel SDM 3A §3.4.5): the guest keeps them in
 * pages of type seg_desc, which it cannot write, so none of them leads into Xen. A descriptor is two words: `a` the low one,
 * `b` the high one.
 */

const PRESENT = 1 << 15;
/** A code or data segment, not a system one. */
const CODE_OR_DATA = 1 << 12;
const TYPE = 0xf00;
const CALL_GATE = 0xc00;
const DPL = 3 << 13;
/** A call gate's reserved bits and parameter count. */
const GATE_RESERVED = 0xff;
/** The privilege level of a 64-bit guest's kernel. */
const KERNEL_DPL = 3 << 13;
/** Xen's own descriptors begin here. */
const FIRST_RESERVED_ENTRY = 7168;
/** The 64-bit kernel code segment that Xen offers guests. */
const FLAT_KERNEL_CS = 0xe033;
const LOCAL_TABLE = 4;

const DESCRIPTORS = 512;

/**
 * Looks at every descriptor of a page that is to be of type seg_desc, and lifts those of a more privileged level to the
 * guest kernel's. False at the first that leads where no guest may go; those before it stay as they are then.
 */
export function checkDescriptors(xen: Xen, pdx: number): boolean {
  if (!xen.isPv(ownerOf(xen, pdx))) return false;
  if (xen.ram.wordsOf(pdx) < 0) return true;
  const page = xen.ram.frameAt(pdx) * 4096;
  for (let at = page; at < page + DESCRIPTORS * 8; at += 8) if (!checkDescriptor(xen, at)) return false;
  return true;
}

function checkDescriptor(xen: Xen, at: number): boolean {
  const b = xen.ram.read32(at + 4);
  if ((b & PRESENT) === 0) return true;
  const lifted = (b & ~DPL) | KERNEL_DPL;
  if ((b & CODE_OR_DATA) !== 0) {
    xen.ram.write32(at + 4, lifted);
    return true;
  }
  // The second half of a call gate.
  if ((b & TYPE) === 0) return true;
  return (b & TYPE) === CALL_GATE && checkCallGate(xen, at, b);
}

/** A call gate leads to the guest's own code; using it must fault, so that Xen can do what it does. */
function checkCallGate(xen: Xen, at: number, b: number): boolean {
  const a = xen.ram.read32(at);
  const selector = a >>> 16;
  const own = selector >>> 3 < FIRST_RESERVED_ENTRY || (selector & LOCAL_TABLE) !== 0;
  if (!(own || selector === FLAT_KERNEL_CS) || (b & GATE_RESERVED) !== 0) return false;
  xen.ram.write32(at, (a & 0xffff) | ((selector | 3) << 16));
  xen.ram.write32(at + 4, b & ~DPL);
  return true;
}
