import type { Bug } from '../bug.js';

export const NX_BRIDGE_DID: Bug = {
  id: 'NX-BRIDGE-DID',
  title: 'A domain id is given back while a requester id of the same device still uses it',
  class: 'A',
  year: 2010,
  releases: 'up to 4.0',
  mechanism:
    'A device may send under several requester ids, each with a context entry. The domain id was given ' +
    'back with the first of them that was unmapped, so the others stood under an id that was free for the ' +
    'next domain.',
  behaviours: { domainIdKept: 'until-first-function' },
  on: '4.16',
  scene: `
machine x86
ram 0x100..0x102
iommu vtd
dom0 strict pages=1
device nic 0000:03:00.0 phantom=4
device disk 0000:04:00.0
limits domains=2 grants=1 handles=1 va_slots=1 iotlb=4 context_cache=4
createdomain guest iommu max_pages=1
populate_physmap guest 0x101
`,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false },
  invariants: ['OWNED', 'INV-DID', 'I4'],
  fixes: ['dec403cc66', 'ba3d7de6ce', '8c13de5687'],
};
