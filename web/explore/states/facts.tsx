import type { MachineGraph } from '../../../src/explore/machine-graph.js';
import { litPath } from './drawing.js';

/** What ended the search for states, in words. */
const STOPS: Readonly<Record<MachineGraph['stop'], string>> = {
  exhausted: 'What is tried leads to no others.',
  states: 'There are more: these are the nearest, as many as were asked for.',
  edges: 'There are more actions between them than can be drawn.',
  depth: 'There are more, further away.',
  memory: 'There are more: memory ran out.',
  time: 'There are more: time ran out.',
  interrupted: 'There are more: it was stopped.',
  violation: 'There are more behind the violation.',
};

/** What the graph is, in two sentences. */
export function GraphFacts({ graph }: { readonly graph: MachineGraph }) {
  const { states, transitions, from, stop, symmetries, places, seconds } = graph;
  const found = states.filter(({ aside }) => !aside).length;
  const broken = states.filter(({ violated }) => violated.length > 0).length;
  const layers = 1 + states.reduce((most, { depth }) => Math.max(most, depth), 0);
  const lit = litPath(graph).of;
  return (
    <p class="facts" role="status">
      <strong>{found} states</strong> in {layers} layers from step {from} on, {transitions} transitions;{' '}
      {broken} with a broken invariant. {STOPS[stop]}{' '}
      {symmetries > 1 && `Each stands for up to ${symmetries} that differ in names only. `}
      {lit === 'program' && 'The program’s way is lit. '}
      {lit === 'violation' && 'The shortest way to a violation is lit. '}
      {states.length > found && `The program gets to ${states.length - found} more, dashed. `}
      {places.includes(-1) && 'It goes on where the graph does not follow. '}
      <span class="dim">{seconds.toFixed(1)} s</span>
    </p>
  );
}
