import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { GraphState, MachineGraph } from '../../../src/explore/machine-graph.js';
import type { PanelProps } from '../panel.js';
import { type Drawing, litPath } from './drawing.js';
import { Legend } from './legend.js';
import { Picture } from './picture.js';
import { wanted } from './wanted.js';

/** Edges from which on those that lead back are drawn only when they are asked for. */
const MANY_EDGES = 1500;
/** Pixels that an arrow key moves the picture by, and what a key zooms by. */
const MOVE = 60;
const ZOOM = 1.4;

/** The graph as a picture. Whoever cannot see it has all of it in the list below. */
export function GraphView({ session, drawing }: PanelProps & { readonly drawing: Drawing }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const picture = useRef<Picture | undefined>(undefined);
  const [under, setUnder] = useState('');
  const graph = drawing.graph.value!;
  const x = drawing.x.value!;
  const [allEdges, setAllEdges] = useState(graph.edges.length < MANY_EDGES);
  const lit = useMemo(() => litPath(graph).pairs, [graph]);
  const here = graph.places[session.shown.value - graph.from];
  const picked = drawing.picked.value;
  const marked = { here, picked, lit, wanted: wanted(graph), allEdges };

  useEffect(() => {
    const drawn = new Picture(canvas.current!, () => setUnder(''));
    picture.current = drawn;
    drawn.show(graph, x);
    const refresh = () => drawn.refresh();
    const sizes = new ResizeObserver(refresh);
    sizes.observe(canvas.current!);
    const theme = new MutationObserver(refresh);
    theme.observe(document.documentElement, { attributes: true });
    const system = matchMedia('(prefers-color-scheme: dark)');
    system.addEventListener('change', refresh);
    return () => {
      drawn.close();
      sizes.disconnect();
      theme.disconnect();
      system.removeEventListener('change', refresh);
    };
  }, [graph, x]);
  useEffect(() => picture.current?.mark(marked), [graph, x, here, picked, lit, marked.wanted, allEdges]);
  useEffect(() => {
    if (drawing.follow.value !== undefined) picture.current?.goTo(drawing.follow.value);
  }, [drawing.follow.value]);

  const onKeyDown = (event: KeyboardEvent) => {
    const act = KEYS[event.key];
    if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    act(picture.current!);
  };
  const onClick = ({ offsetX, offsetY }: MouseEvent) => {
    const state = picture.current!.stateAt(offsetX, offsetY);
    if (state !== undefined) drawing.pick(state);
    else setUnder(edgeText(graph, picture.current!.edgeAt(offsetX, offsetY)));
  };
  const onMouseMove = ({ offsetX, offsetY }: MouseEvent) => {
    const state = picture.current!.stateAt(offsetX, offsetY);
    const text =
      state === undefined
        ? edgeText(graph, picture.current!.edgeAt(offsetX, offsetY))
        : stateText(state, graph.states[state]!);
    setUnder(text);
  };

  return (
    <div class="graph-view">
      <div class="toolbar">
        <span class="group">
          <button type="button" title="zoom in (+)" onClick={() => picture.current!.zoomBy(ZOOM)}>
            +<span class="visually-hidden"> zoom in</span>
          </button>
          <button type="button" title="zoom out (−)" onClick={() => picture.current!.zoomBy(1 / ZOOM)}>
            −<span class="visually-hidden"> zoom out</span>
          </button>
          <button type="button" title="show all of it (0)" onClick={() => picture.current!.fit()}>
            all
          </button>
        </span>
        {here !== undefined && here >= 0 && (
          <button type="button" onClick={() => picture.current!.goTo(here)}>
            go where I am
          </button>
        )}
        <label>
          <input
            type="checkbox"
            checked={allEdges}
            onChange={({ currentTarget }) => setAllEdges(currentTarget.checked)}
          />{' '}
          actions that lead back
        </label>
      </div>
      <div class="picture">
        <canvas
          ref={canvas}
          {...DRIVEN}
          aria-label={`${graph.states.length} states in layers: a picture, to be moved by arrow keys and zoomed by + − 0. The list of states below has all of it.`}
          onKeyDown={onKeyDown}
          onClick={onClick}
          onMouseMove={onMouseMove}
          onMouseLeave={() => setUnder('')}
        />
      </div>
      <p class="under" aria-hidden="true">
        {under === '' ? 'Click a state to see the way to it; point at an action to see what it is.' : under}
      </p>
      <Legend graph={graph} />
    </div>
  );
}

/** The picture hears keys itself: a reader of the screen must hand them on. */
const DRIVEN = { tabIndex: 0, role: 'application' } as const;

const KEYS: Readonly<Record<string, (picture: Picture) => void>> = {
  '+': (picture) => picture.zoomBy(ZOOM),
  '=': (picture) => picture.zoomBy(ZOOM),
  '-': (picture) => picture.zoomBy(1 / ZOOM),
  '−': (picture) => picture.zoomBy(1 / ZOOM),
  '0': (picture) => picture.fit(),
  ArrowLeft: (picture) => picture.moveBy(MOVE, 0),
  ArrowRight: (picture) => picture.moveBy(-MOVE, 0),
  ArrowUp: (picture) => picture.moveBy(0, MOVE),
  ArrowDown: (picture) => picture.moveBy(0, -MOVE),
};

function stateText(number: number, { depth, by, violated, underWay }: GraphState): string {
  const parts = [
    `state ${number}, layer ${depth}`,
    by,
    violated.length > 0 ? `broken: ${violated.join(', ')}` : '',
    underWay.length > 0 ? `under way: ${underWay.join(', ')}` : '',
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

function edgeText({ edges, actions }: MachineGraph, number: number | undefined): string {
  if (number === undefined) return '';
  const { from, to, actions: by, violated } = edges[number]!;
  const more = by.length > 1 ? ` and ${by.length - 1} more` : '';
  const broken = violated.length > 0 ? ` · breaks ${violated.join(', ')}` : '';
  return `${from} → ${to}: ${actions[by[0]!]}${more}${broken}`;
}
