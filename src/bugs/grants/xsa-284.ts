import type { Bug } from '../bug.js';
import { HIGH_PAGE } from './scenes.js';

export const XSA_284: Bug = {
  id: 'XSA-284',
  title: 'A transferred page that is copied gives the new owner’s devices the old one',
  class: 'A',
  year: 2019,
  releases: 'all before 4.12; mended in 4.7 to 4.11',
  mechanism:
    'A page that lies too high for its new owner is copied into another, and the old one freed. Xen then went ' +
    'on with the old frame, which it mapped for the owner’s devices, and the copy had no reference.',
  behaviours: { transferCopy: 'old-frame', pvPageAdded: 'mapped-untyped' },
  scene: HIGH_PAGE,
  bounds: { onlyOperations: true, operations: ['accept_transfer', 'grant_transfer'] },
  invariants: ['REACH', 'I3'],
  deeper: 3,
  fixes: ['6d4f36c3fe'],
};
