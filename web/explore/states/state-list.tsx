import { useState } from 'preact/hooks';
import type { MachineGraph } from '../../../src/explore/machine-graph.js';
import type { Drawing } from './drawing.js';
import { kind, kindsOf, layer, wantedStates, words } from './wanted.js';

/** Rows at first, and how many more at a time. */
const ROWS = 20;

/** All states as a table, layer by layer: for who looks for some, and for who does not see the picture. */
export function StateList({ drawing }: { readonly drawing: Drawing }) {
  const [most, setMost] = useState(ROWS);
  const graph = drawing.graph.value!;
  const found = wantedStates(graph);
  const rows = [...found].sort((a, b) => graph.states[a]!.depth - graph.states[b]!.depth || a - b);
  const layers = 1 + graph.states.reduce((deepest, { depth }) => Math.max(deepest, depth), 0);
  return (
    <section class="state-list" aria-labelledby="state-list-title">
      <h3 id="state-list-title">List of states</h3>
      <search class="toolbar" aria-label="states">
        <label>
          show{' '}
          <select
            value={kind.value}
            onChange={({ currentTarget }) => void (kind.value = currentTarget.value)}
          >
            {kindsOf(graph).map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </label>
        <label>
          in layer{' '}
          <select
            value={layer.value}
            onChange={({ currentTarget }) => void (layer.value = currentTarget.value)}
          >
            <option value="">any</option>
            {Array.from({ length: layers }, (_, n) => (
              <option key={n} value={n}>
                {n}
              </option>
            ))}
          </select>
        </label>
        <label>
          reached by, or number{' '}
          <input
            type="search"
            value={words.value}
            onInput={({ currentTarget }) => void (words.value = currentTarget.value)}
          />
        </label>
        <span role="status">
          {found.length} of {graph.states.length}
        </span>
      </search>
      <table>
        <thead>
          <tr>
            <th scope="col">state</th>
            <th scope="col">layer</th>
            <th scope="col">reached by</th>
            <th scope="col">what is so</th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, most).map((number) => (
            <Row key={number} drawing={drawing} graph={graph} number={number} />
          ))}
        </tbody>
      </table>
      {rows.length > most && (
        <button type="button" onClick={() => setMost(most * 4)}>
          show more of {rows.length}
        </button>
      )}
    </section>
  );
}

function Row({
  drawing,
  graph,
  number,
}: {
  readonly drawing: Drawing;
  readonly graph: MachineGraph;
  readonly number: number;
}) {
  const { depth, by, violated, underWay } = graph.states[number]!;
  const isPicked = drawing.picked.value === number;
  return (
    <tr class={isPicked ? 'picked' : undefined}>
      <th scope="row">
        <button type="button" class="link" aria-pressed={isPicked} onClick={() => drawing.pick(number)}>
          {number}
        </button>
      </th>
      <td class="number">{depth}</td>
      <td>{by === '' ? <span class="dim">the graph begins here</span> : <code>{by}</code>}</td>
      <td>
        {violated.length > 0 && <span class="badge bad">✗ {violated.join(', ')}</span>}{' '}
        {underWay.length > 0 && <span class="badge warn">⋯ {underWay.join(', ')}</span>}{' '}
        {graph.places.includes(number) && <span class="badge">on the program’s way</span>}
      </td>
    </tr>
  );
}
