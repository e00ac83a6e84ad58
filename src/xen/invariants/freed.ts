import { rightsText } from '../../formats/address.js';
import { deviceCount } from '../devices.js';
import { isFree } from '../frames.js';
import { reservesFrame } from '../identity-map.js';
import { tableRights } from '../iommu-tables.js';
import { isUntranslatedHwdom } from '../rule.js';
import type { Xen } from '../state.js';
import type { Invariant } from './invariant.js';
import { frameText } from './words.js';

function mappedFreeFrame(xen: Xen): string | undefined {
  for (let slot = 0; slot < xen.domIo; slot++) {
    if (xen.domain.iommuRoot.get(slot) === 0 || isUntranslatedHwdom(xen, slot)) continue;
    // Tables that no device uses, nor will: those of a zombie, in releases that keep them until it vanishes.
    if (xen.isDying(slot) && deviceCount(xen, slot) === 0) continue;
    for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
      if (!isFree(xen, pdx)) continue;
      const frame = xen.ram.frameAt(pdx);
      const rights = tableRights(xen, slot, frame);
      if (rights === 0 || reservesFrame(xen, slot, frame)) continue;
      return `free frame ${frameText(frame)} is mapped ${rightsText(rights)} in ${xen.domainName(slot)}'s IOMMU tables`;
    }
  }
  return undefined;
}

export const I3: Invariant = {
  id: 'I3',
  title: 'a freed page is in no IOMMU table',
  reason: 'its next owner would share it with the old owner’s devices',
  harm: 'isolation broken',
  violation: mappedFreeFrame,
};
