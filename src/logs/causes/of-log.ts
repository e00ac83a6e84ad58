import type { JudgedEvent, World } from './cause.js';

type Events = readonly JudgedEvent[];

const found = new WeakMap<Events, Map<unknown, unknown>>();

/**
 * What `find` finds in all events of a log, found once: causes are weighed for each of thousands of events, and must not each
 * look through all others. `find` is told apart by its identity.
 */
export function ofLog<T>({ events }: World, find: (events: Events) => T): T {
  let known = found.get(events);
  if (known === undefined) {
    known = new Map();
    found.set(events, known);
  }
  if (!known.has(find)) known.set(find, find(events));
  return known.get(find) as T;
}

function byReason(events: Events): ReadonlyMap<string, Events> {
  const map = new Map<string, JudgedEvent[]>();
  for (const event of events) {
    const key = `${event.kind} ${event.reason?.name ?? ''}`;
    const list = map.get(key);
    if (list === undefined) map.set(key, [event]);
    else list.push(event);
  }
  return map;
}

const NONE: Events = [];

/** Events of a kind with this reason, in the order of their first lines. */
export const withReason = (world: World, kind: JudgedEvent['kind'], name: string): Events =>
  ofLog(world, byReason).get(`${kind} ${name}`) ?? NONE;

/** The first event of a kind with one of these reasons, another than `but`. */
export function firstWith(
  world: World,
  but: JudgedEvent,
  kind: JudgedEvent['kind'],
  ...names: readonly string[]
): JudgedEvent | undefined {
  for (const name of names) {
    const [first, second] = withReason(world, kind, name);
    const one = first === but ? second : first;
    if (one !== undefined) return one;
  }
  return undefined;
}
