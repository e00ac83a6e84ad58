import { PGT } from '../formats/x86-page-info.js';
import { Step } from './calls/steps.js';
import type { Xen } from './state.js';

/**
 * What a PV domain's CPUs remember of its page tables (`limits cpu_tlb`, none by default): frames that they can write
 * without looking at a table again. A mapping that the guest takes away without a flush stays usable until Xen flushes,
 * which it puts off until a page changes its type or its owner, and then leaves out where it knows that the CPU has flushed
 * since. It knows by a stamp: a page is marked when its last type reference goes, and every flush of its owner's CPUs
 * clears the marks (dossier §3.2; arch/x86/flushtlb.c). Xen compares clocks; what they decide is this mark.
 */

/** The CPU has used a writable mapping of the frame. */
export function rememberWritable(xen: Xen, slot: number, pdx: number): void {
  const { cpuTlb } = xen.spec.limits;
  if (cpuTlb === 0) return;
  xen.cpuTlb.frame.set(slot * cpuTlb + (pdx & (cpuTlb - 1)), pdx + 1);
}

/** Whether the CPU can write the frame without a table's leave. */
export function remembersWritable(xen: Xen, slot: number, pdx: number): boolean {
  const { cpuTlb } = xen.spec.limits;
  return cpuTlb !== 0 && xen.cpuTlb.frame.get(slot * cpuTlb + (pdx & (cpuTlb - 1))) === pdx + 1;
}

/** Flushes the CPUs of a domain: they remember nothing, and no page of the domain has to be flushed for. */
export function flushCpuTlb(xen: Xen, slot: number): void {
  const { cpuTlb } = xen.spec.limits;
  if (cpuTlb === 0 || slot < 0 || slot >= xen.domIo) return;
  xen.domain.linearTable.set(slot, 0);
  for (let row = slot * cpuTlb; row < (slot + 1) * cpuTlb; row++) xen.cpuTlb.frame.set(row, 0);
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
    if (xen.frame.owner.get(pdx) === slot + 1) xen.frame.tlbStamp.set(pdx, 0);
  }
  noteForPuts(xen, slot);
}

/** Who is about to stamp a page has read a time that is over. */
function noteForPuts(xen: Xen, slot: number): void {
  const { step, page, count } = xen.call;
  const rows = xen.spec.limits.domains * xen.spec.limits.calls;
  for (let call = 0; call < rows; call++) {
    if (step.get(call) !== Step.entry_put) continue;
    if (xen.frame.owner.get(page.get(call) - 1) === slot + 1) count.set(call, 0);
  }
}

/** page_set_tlbflush_timestamp: the last type reference has gone, and a CPU may remember what it was for. */
export function stampPage(xen: Xen, pdx: number): void {
  if (xen.spec.limits.cpuTlb !== 0) xen.frame.tlbStamp.set(pdx, 1);
}

/**
 * When a page changes its type: its owner's CPUs are flushed, unless they have been since the page was stamped. In shadow
 * mode, as log-dirty mode of a PV domain is, guests write no page tables, and only what was writable matters.
 */
export function flushForTypeChange(xen: Xen, pdx: number, oldType: number, newType: number): void {
  if (xen.spec.limits.cpuTlb === 0 || xen.frame.tlbStamp.get(pdx) === 0) return;
  const slot = xen.frame.owner.get(pdx) - 1;
  const decides = xen.profile.shadowTypeFlush === 'to-writable' ? newType : oldType;
  if (slot >= 0 && xen.domain.logDirty.get(slot) !== 0 && decides !== PGT.writable) return;
  flushCpuTlb(xen, slot);
}

/** Before a frame gets a new owner: whoever remembers it is flushed. */
export function flushForNewOwner(xen: Xen, pdx: number): void {
  if (xen.spec.limits.cpuTlb === 0) return;
  for (let slot = 0; slot < xen.domIo; slot++) if (remembersWritable(xen, slot, pdx)) flushCpuTlb(xen, slot);
}
