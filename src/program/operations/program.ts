import { FAILURES } from '../../xen/failures.js';
import { keyed, type Operation } from './operation.js';

/** What only programs do. */
export const PROGRAM: readonly Operation[] = [
  {
    name: 'fail',
    actor: 'program',
    doc:
      'Makes something in Xen fail the next time it is tried: an allocation, the IOMMU driver’s map, unmap or flush, or an ' +
      'access to a device. What is waiting to fail is part of the state.',
    source: '§4.4, §6.5',
    parameters: [
      { name: 'when', kind: 'word', words: ['next'], doc: 'from here on' },
      { name: 'what', kind: 'word', words: FAILURES, doc: 'what fails' },
      keyed('nth', 'number', 'not the next one but the n-th; 0 takes it back'),
      keyed('times', 'number', 'so many in a row fail; 1 by default'),
    ],
  },
  {
    name: 'mark',
    actor: 'program',
    doc: 'Remembers the whole state under a name.',
    source: 'docs/program.md',
    parameters: [{ name: 'name', kind: 'newMark', doc: 'the name' }],
  },
  {
    name: 'same_state',
    actor: 'program',
    doc: 'Whether the state equals a marked one, word for word: what led from there to here can go on for ever.',
    source: 'docs/program.md',
    parameters: [{ name: 'name', kind: 'mark', doc: 'the mark' }],
  },
];
