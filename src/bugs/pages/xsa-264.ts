import type { Bug } from '../bug.js';
import { PV_GUEST_RACING } from '../scenes.js';

export const XSA_264: Bug = {
  id: 'XSA-264',
  title:
    'Xen tries to change a page’s type again and again without a look whether something else wants the CPU',
  class: 'C',
  year: 2018,
  releases: 'all before 4.11.1',
  mechanism:
    'Where a type word had been changed by another CPU since it was read, the functions that take and drop types began anew, ' +
    'not always with a look whether they should be preempted. vCPUs that keep changing it keep another one in Xen.',
  behaviours: { typeRetry: 'without-look' },
  // Since XSA-401 was mended nothing comes between the reading of the word and its exchange in the model.
  on: '4.22+typeFlush=before-commit',
  scene: PV_GUEST_RACING.replace(' cpu_tlb=4', ''),
  bounds: { steps: true, refs: 0, entries: 0, levels: [1, 4], memory: false },
  invariants: ['INV-PROGRESS'],
  fixes: ['17608703c6'],
};
