import { rightsText } from '../../formats/address.js';
import { deviceCount } from '../devices.js';
import { isFree } from '../frames.js';
import { reservesFrame } from '../identity-map.js';
import { tableFrame, tableRights } from '../iommu-tables.js';
import { isUntranslatedHwdom } from '../rule.js';
import type { Xen } from '../state.js';
import type { Invariant } from './invariant.js';
import type { Notes } from './notes.js';
import { frameText } from './words.js';

function mappedFreeFrame(xen: Xen, inputs: readonly number[], notes: Notes): string | undefined {
  for (let slot = 0; slot < xen.domIo; slot++) {
    if (xen.domain.iommuRoot.get(slot) === 0 || isUntranslatedHwdom(xen, slot)) continue;
    // Tables that no device uses, nor will: those of a zombie, in releases that keep them until it vanishes.
    if (xen.isDying(slot) && deviceCount(xen, slot) === 0) continue;
    if (xen.isTranslated(slot)) {
      const found = freeFrameOfGfns(xen, slot, inputs);
      if (found !== undefined) return found;
      continue;
    }
    for (const { base, count } of xen.ram.ranges) {
      const found = freeFrameMapped(xen, notes, slot, base, base + count);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** A PV domain's input frames are machine frames. */
function freeFrameMapped(
  xen: Xen,
  { scan }: Notes,
  slot: number,
  from: number,
  end: number,
): string | undefined {
  for (
    let input = scan.nextMapped(slot, from, end);
    input >= 0;
    input = scan.nextMapped(slot, input + 1, end)
  ) {
    if (!isFree(xen, xen.ram.indexOf(input)) || reservesFrame(xen, slot, input)) continue;
    const rights = rightsText(tableRights(xen, slot, input));
    return `free frame ${frameText(input)} is mapped ${rights} in ${xen.domainName(slot)}'s IOMMU tables`;
  }
  return undefined;
}

/** A translated domain's input frames are guest frames. */
function freeFrameOfGfns(xen: Xen, slot: number, inputs: readonly number[]): string | undefined {
  for (let i = 0; i < inputs.length; i++) {
    const frame = tableFrame(xen, slot, inputs[i]!);
    const pdx = frame < 0 ? -1 : xen.ram.indexOf(frame);
    if (pdx < 0 || !isFree(xen, pdx) || reservesFrame(xen, slot, frame)) continue;
    const rights = rightsText(tableRights(xen, slot, inputs[i]!));
    return `free frame ${frameText(frame)} is mapped ${rights} in ${xen.domainName(slot)}'s IOMMU tables`;
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
