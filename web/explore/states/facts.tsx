import type { Leaving, MachineGraph } from '../../../src/explore/machine-graph.js';
import { litPath } from './drawing.js';

/** What ended the search for states, in words. */
const STOPS: Readonly<Record<MachineGraph['stop'], string>> = {
  exhausted: 'What is tried leads to no others.',
  states: 'There are more: these are the nearest, as many as were asked for.',
  edges: 'There are more: these have as many actions between them as can be drawn.',
  interrupted: 'There are more: it was stopped.',
};

/** Why the program's way does not stay in the graph, in words. */
const LEAVES: Readonly<Record<Leaving['why'], string>> = {
  states: 'the graph has no room for more states',
  steps: 'so many steps are followed and no more',
  statement: 'that is nothing which could be tried in any state',
};

/** What the graph is, in two sentences. */
export function GraphFacts({ graph }: { readonly graph: MachineGraph }) {
  const { states, transitions, from, stop, symmetries, leaves, seconds } = graph;
  const broken = states.filter(({ violated }) => violated.length > 0).length;
  const layers = 1 + states.reduce((most, { depth }) => Math.max(most, depth), 0);
  const lit = litPath(graph).of;
  return (
    <p class="facts" role="status">
      <strong>{states.length} states</strong> in {layers} layers from step {from} on, {transitions}{' '}
      transitions; {broken} with a broken invariant. {STOPS[stop]}{' '}
      {symmetries > 1 && `Each stands for up to ${symmetries} that differ in names only. `}
      {lit === 'program' && 'The program’s way is lit. '}
      {lit === 'violation' && 'The shortest way to a violation is lit. '}
      {leaves !== undefined && (
        <>
          It leaves the graph with step {leaves.step}, <code>{leaves.statement}</code>: {LEAVES[leaves.why]}.{' '}
        </>
      )}
      <span class="dim">{seconds.toFixed(1)} s</span>
    </p>
  );
}
