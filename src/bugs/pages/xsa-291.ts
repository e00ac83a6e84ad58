import type { Bug } from '../bug.js';

export const XSA_291: Bug = {
  id: 'XSA-291',
  title: 'A type change that the IOMMU refuses leaves its type reference behind',
  class: 'A',
  year: 2019,
  releases: 'all before 4.12; mended in 4.11.2',
  mechanism:
    'The reference of the new type was taken before the IOMMU was told. Where that failed, the caller got the error and the ' +
    'page kept the reference, with which it can neither change its type again nor be freed.',
  behaviours: { typeRefOnIommuFailure: 'kept' },
  // Since 4.14 dropping the reference there is a BUG of its own (docs/settled.md).
  on: '4.22+unvalidatedPut=allowed',
  scene: `
machine x86
ram 0x100..0x102
iommu vtd
dom0 pages=1
limits domains=2 grants=1 handles=1 va_slots=1
createdomain guest iommu max_pages=2
populate_physmap guest 0x101
`,
  bounds: { failures: 1, levels: [], refs: 0 },
  invariants: ['BUG'],
  deeper: 1,
  fixes: ['fad0de9862'],
};
