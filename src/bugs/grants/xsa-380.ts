import type { Bug } from '../bug.js';
import { ONLY_GRANTS } from './scenes.js';

export const XSA_380: Bug = {
  id: 'XSA-380',
  title: 'A domain that dies with many grants mapped keeps the host busy',
  class: 'A',
  year: 2021,
  releases: 'all before 4.16; mended in 4.13.4, 4.14.3, 4.15.1',
  mechanism:
    'All mappings of a dying domain were given back in one go, without a look whether something else wants the CPU, and each ' +
    'map went through all handles for what the IOMMU has. Both take as long as the guest makes its table.',
  behaviours: { grantsReleasedAtDeath: 'as-it-dies' },
  scene: `
machine x86
ram 0x100..0x101
iommu vtd
dom0 pages=1
limits domains=2 grants=1 handles=3 va_slots=1
createdomain guest max_pages=1
populate_physmap guest 0x101
`,
  bounds: { ...ONLY_GRANTS, selfGrants: true, handles: 3, vaSlots: 0, destroy: true },
  invariants: ['INV-PROGRESS'],
  fixes: ['9781b51efd', 'b1ee10be56'],
};
