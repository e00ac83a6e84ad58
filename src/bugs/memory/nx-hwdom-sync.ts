import type { Bug } from '../bug.js';

/** A device that is plugged in after boot, with a region of its own. */
const scene = `
machine x86
ram 0x100..0x101
dom0 pages=1
device nic 0000:03:00.0 absent
reserved 0x200..0x200 nic
limits domains=2 grants=0
`;

export const NX_HWDOM_SYNC: Bug = {
  id: 'NX-HWDOM-SYNC',
  title: 'A relaxed dom0 does not get the reserved regions of its devices',
  class: 'A',
  year: 2019,
  releases: '4.12.0',
  mechanism:
    'Regions that firmware reserves for a device were mapped only in tables that are kept in sync with a domain’s ' +
    'pages. A relaxed dom0 has tables that are not, and its devices fault.',
  behaviours: { reservedOfPv: 'mirrored' },
  scene: scene,
  bounds: { refs: 0, hotplug: false, operations: ['pci_device_add'] },
  invariants: ['I11'],
  fixes: ['77a994f3f8', '8ce6ba37d6'],
};
