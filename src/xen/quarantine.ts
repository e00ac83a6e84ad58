import { R, W } from '../formats/address.js';
import { AMDVI_TABLES } from '../formats/amdvi.js';
import { EntryWords } from '../formats/radix.js';
import { VTD_SECOND_LEVEL } from '../formats/vtd.js';
import { allocUnitFrame } from './iommu-tables.js';
import type { Xen } from './state.js';

/**
 * The root of dom_io's table in the releases that let quarantined devices read: one table a level, every entry leading
 * on, down to one page of zeros that can be read only (dossier §6.3). AMD-Vi's let nothing be written at any level; they
 * are four, whatever the number that the device table entry says for dom_io. Made once; -1 when memory is short.
 */
export function quarantineRoot(xen: Xen): number {
  const root = xen.domain.iommuRoot.get(xen.domIo);
  if (root !== 0) return xen.ram.frameAt(root - 1);
  const words = new EntryWords();
  const format = xen.amdvi === undefined ? VTD_SECOND_LEVEL : AMDVI_TABLES;
  let below = allocUnitFrame(xen);
  if (below >= 0) xen.quarantinePage = xen.ram.indexOf(below);
  for (let level = 1; level <= 4; level++) {
    const table = allocUnitFrame(xen);
    if (table < 0 || below < 0) return -1;
    if (level === 1) format.leafEntry(below, R, 1, words);
    else format.tableEntry(below, level, words);
    if (xen.amdvi !== undefined) words.hi &= ~(W << 29);
    for (let index = 0; index < 512; index++) {
      xen.ram.write32(table * 4096 + index * 8, words.lo);
      xen.ram.write32(table * 4096 + index * 8 + 4, words.hi);
    }
    below = table;
  }
  xen.domain.iommuRoot.set(xen.domIo, xen.ram.indexOf(below) + 1);
  return below;
}
