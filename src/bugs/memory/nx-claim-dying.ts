import type { Bug } from '../bug.js';

/** A guest that is being built. */
const scene = `
machine x86
ram 0x100..0x103
dom0 pages=1
limits domains=2 grants=0 gfns=1
createdomain guest hvm hap max_pages=2
populate_physmap guest 0x101 gfn=0
`;

export const NX_CLAIM_DYING: Bug = {
  id: 'NX-CLAIM-DYING',
  title: 'Memory set aside for a dying domain is never given up',
  class: 'A',
  year: 2025,
  releases: 'all before 4.22; mended in 4.19.5, 4.20.3 and 4.21.1',
  mechanism:
    'A domain gives up its claim to memory when it begins to die. A claim that was made after that stayed when ' +
    'the domain was gone, and nobody could have that memory until the host was started anew.',
  behaviours: { claimOnDying: 'leaked' },
  scene: scene,
  bounds: { refs: 0, hotplug: false, destroy: true, steps: true, operations: ['claim_pages'] },
  invariants: ['INV-LEAK'],
  fixes: ['2379ca04fe', '75d29d9b5e'],
};
