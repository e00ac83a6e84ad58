import { rightsText } from '../../formats/address.js';
import { ownerOf } from '../frames.js';
import { LAPIC_FRAME } from '../hwdom-map.js';
import { tableRights } from '../iommu-tables.js';
import { isUntranslatedHwdom } from '../rule.js';
import type { Xen } from '../state.js';
import type { Invariant } from './invariant.js';
import type { Notes } from './notes.js';
import { pageText } from './words.js';

/** Xen's own memory, and that of it which it shares with guests. */

function hwdomHasXensMemory(xen: Xen, _inputs: readonly number[], { scan }: Notes): string | undefined {
  if (xen.spec.hwdomMode === 'passthrough') return undefined;
  const { base, count } = xen.spec.xenHeap;
  const frame = scan.nextMapped(0, base, base + count);
  if (frame >= 0) return mappedText(xen, 0, xen.ram.indexOf(frame));
  if (tableRights(xen, 0, LAPIC_FRAME) === 0) return undefined;
  return `the local APIC’s registers are mapped for ${xen.domainName(0)}'s devices`;
}

/** A page of Xen's heap that it shares with some domain, mapped for the devices of a PV domain. */
function mappedSharedPage(xen: Xen, _inputs: readonly number[], { scan }: Notes): string | undefined {
  const { base, count } = xen.spec.xenHeap;
  const end = base + count;
  for (let slot = 0; slot < xen.domIo; slot++) {
    if (!xen.isPv(slot) || isUntranslatedHwdom(xen, slot)) continue;
    for (
      let frame = scan.nextMapped(slot, base, end);
      frame >= 0;
      frame = scan.nextMapped(slot, frame + 1, end)
    ) {
      const pdx = xen.ram.indexOf(frame);
      const owner = ownerOf(xen, pdx);
      if (owner >= 0 && owner !== xen.domXen) return mappedText(xen, slot, pdx);
    }
  }
  return undefined;
}

function mappedText(xen: Xen, slot: number, pdx: number): string {
  const rights = rightsText(tableRights(xen, slot, xen.ram.frameAt(pdx)));
  return `${pageText(xen, pdx)} is Xen's, and mapped ${rights} for ${xen.domainName(slot)}'s devices`;
}

export const I14: Invariant = {
  id: 'I14',
  title: 'Xen’s own memory and the local APIC are in no table of the hardware domain’s',
  reason: 'a device of the hardware domain could rewrite the hypervisor',
  harm: 'isolation broken',
  violation: hwdomHasXensMemory,
};

export const I16: Invariant = {
  id: 'I16',
  title: 'no device of a PV domain reaches a page that Xen shares with a guest',
  reason: 'such a page is typed writable outside get_page_type, so its type permits nothing',
  harm: 'isolation broken',
  violation: mappedSharedPage,
};
