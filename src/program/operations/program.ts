import type { Operation } from './operation.js';

/** What only programs do. */
export const PROGRAM: readonly Operation[] = [
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
