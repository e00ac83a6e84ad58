import type { Bug } from '../bug.js';
import { ARM_GUEST } from '../scenes.js';

export const XSA_27_89_97_125_150: Bug = {
  id: 'XSA-27/89/97/125/150',
  title: 'Mapping device memory without an end',
  class: 'A',
  year: 2012,
  releases: 'before 4.3; memory_mapping up to 4.5',
  mechanism:
    'Several hypercalls went through as many guest frames as they were asked to, and looked for nothing else ' +
    'meanwhile. Mapping device memory is one: a large request keeps a CPU from everybody.',
  behaviours: { mappingLimit: 'none' },
  scene: ARM_GUEST,
  bounds: { refs: 0, hotplug: false, operations: ['memory_mapping'] },
  invariants: ['INV-PROGRESS'],
  fixes: ['24ff9723e0', '0fe53c4f27', '070493dfd2', 'b10bca0483', '101ce53266'],
};
