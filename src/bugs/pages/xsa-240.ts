import type { Bug } from '../bug.js';
import { PV_GUEST_OF_TABLES } from '../scenes.js';

export const XSA_240: Bug = {
  id: 'XSA-240',
  title: 'Linear page tables that lead to each other without a limit',
  class: 'A',
  year: 2017,
  releases: 'all before 4.10',
  mechanism:
    'An entry of a page table may lead to another table of its own level, and nothing limited how far that went on. When ' +
    'the first one was dropped, each was dropped within the one before it, until Xen’s stack was full.',
  behaviours: { linearChains: 'any-length' },
  scene: PV_GUEST_OF_TABLES,
  bounds: { refs: 0, levels: [4], vaSlots: 0, memory: false, operations: ['mmu_update'] },
  invariants: ['LINEAR'],
  fixes: ['6987fc7558'],
};
