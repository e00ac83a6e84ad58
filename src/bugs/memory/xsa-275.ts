import type { Bug } from '../bug.js';

/** A strict dom0 with a device of its own maps a guest's page. */
const scene = `
machine x86
ram 0x100..0x101
iommu amdvi
dom0 strict pages=1
device nic 0000:03:00.0
limits domains=2 grants=1 handles=2
createdomain guest max_pages=1
populate_physmap guest 0x101
`;

export const XSA_275: Bug = {
  id: 'XSA-275',
  title: 'AMD’s driver flushes by address only, and never for PV domains',
  class: 'B',
  year: 2018,
  releases: 'all before 4.12; mended in 4.11.1',
  mechanism:
    'A mapping that is written again was flushed only when it led to another frame, of translated domains. A PV ' +
    'domain that keeps a read-only grant after a read-write one leaves its devices with the rights that they ' +
    'remember.',
  behaviours: { amdMapFlush: 'moved-translated' },
  scene: scene,
  bounds: { handles: 2, levels: [], vaSlots: 0, hotplug: false, selfGrants: false },
  invariants: ['I4', 'REACH'],
  fixes: ['1a7ffe466c', '937ef32565', '5c08550ff4'],
};
