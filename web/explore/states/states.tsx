import './states.css';
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { GraphAsked } from '../../../src/explore/machine-graph.js';
import type { Panel, PanelProps } from '../panel.js';
import { Drawing } from './drawing.js';
import { GraphFacts } from './facts.js';
import { GraphView } from './graph-view.js';
import { StateCard } from './state-card.js';
import { StateList } from './state-list.js';

/** The graph that is there, also while another tab is open. */
const drawing = signal<Drawing | undefined>(undefined);

/** What is asked for: as the reader left it. */
const fromHere = signal(false);
const maxStates = signal(1000);
const everything = signal(false);
const symmetries = signal(true);

const SIZES = [100, 300, 1000, 2000, 3000];

function States({ session }: PanelProps) {
  const current = drawing.value;
  const stale = current !== undefined && current.source !== session.source;
  // The graph of a program that is no longer open says nothing of the one that is.
  useEffect(() => {
    if (!stale) return;
    current?.close();
    drawing.value = undefined;
  }, [stale, current]);
  const opened = session.opened.value;
  if (opened === undefined) return <p class="empty">No program is open.</p>;
  return (
    <div class="states">
      <p class="hint">
        All states that this machine can get into, and what leads from one to another: the graph that{' '}
        <code>dommu verify</code> searches. The first state stands on top; each layer below takes one more
        action.
      </p>
      <Settings session={session} />
      {current !== undefined && !stale && <Drawn session={session} drawing={current} />}
    </div>
  );
}

function Settings({ session }: PanelProps) {
  const { value: step } = session.shown;
  const draw = () => {
    const { source } = session;
    if (source === undefined) return;
    drawing.value?.close();
    const asked: GraphAsked = {
      ...(fromHere.value && { from: session.shown.value }),
      maxStates: maxStates.value,
      symmetries: symmetries.value,
      everything: everything.value,
    };
    drawing.value = new Drawing(source, asked);
  };
  return (
    <div class="toolbar">
      <label>
        from{' '}
        <select
          value={fromHere.value ? 'here' : 'scene'}
          onChange={({ currentTarget }) => void (fromHere.value = currentTarget.value === 'here')}
        >
          <option value="scene">where the scene is set</option>
          <option value="here">step {step}, shown now</option>
        </select>
      </label>
      <label>
        trying{' '}
        <select
          value={everything.value ? 'all' : 'program'}
          onChange={({ currentTarget }) => void (everything.value = currentTarget.value === 'all')}
        >
          <option value="program">the program’s kinds of operations</option>
          <option value="all">all that verify tries</option>
        </select>
      </label>
      <label>
        at most{' '}
        <select
          value={maxStates.value}
          onChange={({ currentTarget }) => void (maxStates.value = Number(currentTarget.value))}
        >
          {SIZES.map((size) => (
            <option key={size} value={size}>
              {size} states
            </option>
          ))}
        </select>
      </label>
      <label title="Two states of which one becomes the other when alike frames, domains or handles change places">
        <input
          type="checkbox"
          checked={symmetries.value}
          onChange={({ currentTarget }) => void (symmetries.value = currentTarget.checked)}
        />{' '}
        merge what differs in names only
      </label>
      <button type="button" class="primary" onClick={draw}>
        Draw the graph
      </button>
    </div>
  );
}

function Drawn({ session, drawing: current }: PanelProps & { readonly drawing: Drawing }) {
  const problem = current.problem.value;
  const graph = current.graph.value;
  return (
    <>
      <Progress drawing={current} />
      {problem !== undefined && (
        <p role="alert" class="bad">
          There is no graph: {problem.message}
        </p>
      )}
      {graph !== undefined && (
        <>
          <GraphFacts graph={graph} />
          {current.x.value !== undefined && <GraphView session={session} drawing={current} />}
          <StateCard session={session} drawing={current} />
          <StateList drawing={current} />
        </>
      )}
    </>
  );
}

function Progress({ drawing: current }: { readonly drawing: Drawing }) {
  const doing = current.doing.value;
  if (doing === undefined) return null;
  const { what, share } = doing;
  return (
    <p class="toolbar" role="status">
      <progress aria-label={what} {...(share !== undefined && { value: share })} />
      <span>{what} …</span>
      <button type="button" onClick={() => current.stop()}>
        Stop
      </button>
    </p>
  );
}

export const statesPanel: Panel = {
  id: 'states',
  title: 'States of the machine',
  place: 'States',
  Component: States,
};
