import { computed, signal } from '@preact/signals';
import type { GraphState, MachineGraph } from '../../../src/explore/machine-graph.js';

/** What states the reader looks for: by what is said of them, by their layer, by what led there or their number. */
export const kind = signal('');
export const layer = signal('');
export const words = signal('');

export const isAsked = computed(() => kind.value !== '' || layer.value !== '' || words.value.trim() !== '');

/** What can be looked for in a graph, as the value and the words of a choice. */
export function kindsOf({ states, places }: MachineGraph): readonly (readonly [string, string])[] {
  const broken = new Set(states.flatMap(({ violated }) => violated));
  const underWay = new Set(states.flatMap((state) => state.underWay));
  return [
    ['', 'all states'],
    ...(broken.size > 0 ? [['broken', 'any invariant broken'] as const] : []),
    ...[...broken].sort().map((id) => [`broken ${id}`, `${id} broken`] as const),
    ...[...underWay].sort().map((name) => [`underWay ${name}`, `${name} under way`] as const),
    ...(places.length > 1 ? [['program', 'on the program’s way'] as const] : []),
    ...(states.some(({ beyond }) => beyond > 0)
      ? [['beyond', 'with actions that lead further'] as const]
      : []),
  ];
}

/** The states that are looked for, lowest number first. */
export function wantedStates(graph: MachineGraph): number[] {
  const onWay = new Set(graph.places);
  const sought = words.value.trim().toLowerCase();
  return [...graph.states.keys()].filter((number) => {
    const state = graph.states[number]!;
    return (
      isOfKind(state, number, onWay) &&
      (layer.value === '' || state.depth === Number(layer.value)) &&
      (sought === '' || String(number) === sought || state.by.toLowerCase().includes(sought))
    );
  });
}

function isOfKind(
  { violated, underWay, beyond }: GraphState,
  number: number,
  onWay: ReadonlySet<number>,
): boolean {
  const [what, ...rest] = kind.value.split(' ');
  const which = rest.join(' ');
  if (what === 'broken') return which === '' ? violated.length > 0 : violated.includes(which);
  if (what === 'underWay') return underWay.includes(which);
  if (what === 'program') return onWay.has(number);
  return what !== 'beyond' || beyond > 0;
}

let last:
  | { readonly graph: MachineGraph; readonly key: string; readonly states: ReadonlySet<number> }
  | undefined;

/** The same as a set, which is another one only when it has changed; undefined when nothing is looked for. */
export function wanted(graph: MachineGraph): ReadonlySet<number> | undefined {
  if (!isAsked.value) return undefined;
  const key = `${kind.value}\n${layer.value}\n${words.value}`;
  if (last?.graph !== graph || last.key !== key) last = { graph, key, states: new Set(wantedStates(graph)) };
  return last.states;
}
