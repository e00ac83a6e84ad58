import type { Bug } from '../bug.js';
import { PV_GUEST } from '../scenes.js';

export const XSA_288A: Bug = {
  id: 'XSA-288a',
  title: 'Untyped pages are writable for devices, and stay so when they become page tables',
  class: 'A',
  year: 2019,
  releases: 'all before 4.12; mended in 4.11.2',
  mechanism:
    'A page given to a PV guest was mapped for its devices while its type was still none, and only leaving the type ' +
    'writable took a mapping away. So a page that became a page table at once stayed writable for devices.',
  behaviours: { pvPageAdded: 'mapped-untyped' },
  scene: PV_GUEST,
  bounds: {},
  invariants: ['I2'],
  deeper: 2,
  fixes: ['fe21b78ef9'],
};
