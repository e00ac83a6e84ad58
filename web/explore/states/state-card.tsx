import type { MachineGraph, StateStory } from '../../../src/explore/machine-graph.js';
import type { PanelProps } from '../panel.js';
import type { Drawing } from './drawing.js';

/** Neighbours and actions that are listed before the rest is counted. */
const MOST_NEIGHBOURS = 40;
const MOST_ACTIONS = 3;

/** The state that the reader has picked: the way to it, what is wrong in it, and where one gets from there. */
export function StateCard({ session, drawing }: PanelProps & { readonly drawing: Drawing }) {
  const number = drawing.picked.value;
  const graph = drawing.graph.value!;
  if (number === undefined) return null;
  const { depth, underWay, beyond } = graph.states[number]!;
  const story = drawing.story.value?.state === number ? drawing.story.value : undefined;
  const open = () => {
    const { source } = session;
    if (source === undefined || story === undefined) return;
    const name = `state-${number}-of-${source.name.replace(/^.*\//, '')}`;
    void session.open({ ...source, name, text: story.text, configs: {} }, Number.MAX_SAFE_INTEGER);
  };
  return (
    <section class="state-card" aria-labelledby="state-card-title">
      <div class="toolbar">
        <h3 id="state-card-title">
          State {number}, layer {depth}
        </h3>
        <button type="button" onClick={() => drawing.show(number)}>
          show in the picture
        </button>
        <StepButton session={session} graph={graph} number={number} />
        <button type="button" class="primary" disabled={story === undefined} onClick={open}>
          Open the program that leads here
        </button>
      </div>
      {underWay.length > 0 && <p>Under way: {underWay.join(', ')}.</p>}
      {story?.violations.map(({ invariant, message }) => (
        <p key={invariant} class="bad">
          ✗ {invariant}
          {message !== '' && `: ${message}`}
        </p>
      ))}
      <div class="columns">
        <div>
          <h4>The way here</h4>
          {story !== undefined && story.path.length > depth && (
            <p class="dim">
              As the program goes; {depth} {depth === 1 ? 'action does' : 'actions do'}, too.
            </p>
          )}
          <Way story={story} />
        </div>
        <div>
          <h4>From here</h4>
          <Neighbours drawing={drawing} graph={graph} of={number} out={true} />
          {beyond > 0 && (
            <p class="dim">
              {beyond} {beyond === 1 ? 'action leads' : 'actions lead'} to states that the graph has not got.
            </p>
          )}
          <details>
            <summary>What leads here</summary>
            <Neighbours drawing={drawing} graph={graph} of={number} out={false} />
          </details>
        </div>
      </div>
    </section>
  );
}

/** Goes to the step of the run that is in this state, where there is one. */
function StepButton({ session, graph, number }: PanelProps & { graph: MachineGraph; number: number }) {
  const at = graph.places.indexOf(number);
  if (at < 0) return null;
  const step = graph.from + at;
  return (
    <button type="button" onClick={() => session.goTo(step)}>
      go to step {step}
    </button>
  );
}

function Way({ story }: { readonly story: StateStory | undefined }) {
  if (story === undefined) return <p class="empty">…</p>;
  if (story.path.length === 0) return <p class="empty">The graph begins here.</p>;
  return (
    <ol class="way">
      {story.path.map((statement, n) => (
        <li key={n}>
          <code>{statement}</code>
        </li>
      ))}
    </ol>
  );
}

function Neighbours({
  drawing,
  graph,
  of,
  out,
}: {
  readonly drawing: Drawing;
  readonly graph: MachineGraph;
  readonly of: number;
  readonly out: boolean;
}) {
  const edges = graph.edges.filter(({ from, to }) => (out ? from : to) === of);
  if (edges.length === 0) return <p class="empty">{out ? 'No action leads on.' : 'No action leads here.'}</p>;
  return (
    <ul class="neighbours">
      {edges.slice(0, MOST_NEIGHBOURS).map(({ from, to, actions, violated }) => {
        const other = out ? to : from;
        return (
          <li key={other}>
            <button type="button" class="link" onClick={() => drawing.pick(other)}>
              state {other}
            </button>
            {graph.states[other]!.violated.length > 0 && <span class="bad"> ✗ broken</span>}{' '}
            {actions.slice(0, MOST_ACTIONS).map((action) => (
              <code key={action}>{graph.actions[action]}</code>
            ))}
            {actions.length > MOST_ACTIONS && (
              <span class="dim"> and {actions.length - MOST_ACTIONS} more</span>
            )}
            {violated.length > 0 && <span class="bad"> breaks {violated.join(', ')}</span>}
          </li>
        );
      })}
      {edges.length > MOST_NEIGHBOURS && <li class="dim">and {edges.length - MOST_NEIGHBOURS} more</li>}
    </ul>
  );
}
