import type { ComponentChildren } from 'preact';
import type { MachineGraph } from '../../../src/explore/machine-graph.js';
import { litPath } from './drawing.js';

/** What the shapes of the picture mean. Each differs from the others in its form, not only in its colour. */
export function Legend({ graph }: { readonly graph: MachineGraph }) {
  const { states } = graph;
  const lit = litPath(graph).of;
  const underWay = states.some((state) => state.underWay.length > 0);
  const broken = states.some(({ violated }) => violated.length > 0);
  return (
    <ul class="legend">
      <Sign name="the first state">
        <rect class="state" x="4" y="4" width="12" height="12" />
      </Sign>
      <Sign name="a state">
        <circle class="state" cx="10" cy="10" r="6" />
      </Sign>
      {broken && (
        <Sign name="an invariant is broken">
          <path class="broken" d="M10 3 L17 16 L3 16 Z" />
        </Sign>
      )}
      {underWay && (
        <Sign name="a hypercall is under way">
          <circle class="state" cx="10" cy="10" r="4" />
          <path class="under-way" d="M14 3.5 A8 8 0 1 0 14 16.5" />
        </Sign>
      )}
      <Sign name="you are here">
        <circle class="state" cx="10" cy="10" r="4" />
        <circle class="here" cx="10" cy="10" r="8" />
      </Sign>
      {lit !== 'nothing' && (
        <Sign name={lit === 'program' ? 'the program’s way' : 'the way to a violation'}>
          <path class="lit" d="M1 10 H13" />
          <path class="tip" d="M19 10 L12 6 L12 14 Z" />
        </Sign>
      )}
      <Sign name="picked">
        <circle class="state" cx="10" cy="10" r="4" />
        <rect class="picked-state" x="2" y="2" width="16" height="16" />
      </Sign>
    </ul>
  );
}

function Sign({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <li>
      <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
        {children}
      </svg>{' '}
      {name}
    </li>
  );
}
