import type { Here } from './here.js';
import { type Access, type AccessPath, accessPath } from './path/access-path.js';
import type { PathBox, PathField } from './path/box.js';

/** The last access that a device made at or before a step, and its way through the machine. */
export interface LastAccess {
  /** The step that made it. */
  readonly step: number;
  readonly path: AccessPath;
  /** What Xen logged of it at the time. */
  readonly log: readonly string[];
}

/** Which tables an access is led through: those that stood when it was made, or those that stand now. */
export type When = 'then' | 'now';

/** What was found last for a run: the same access is looked at from step after step. */
const found = new WeakMap<object, { readonly step: number; readonly path: AccessPath }>();

/** The last access of a device; undefined before the first. */
export function lastAccess(here: Here, { when }: { readonly when: When }): LastAccess | undefined {
  const { timeline } = here;
  const step = timeline.lastAccessAt(here.step);
  if (step === 0) return undefined;
  const { access, faults = [] } = timeline.step(step);
  const log = faults.flatMap((text) => (text === '' ? [] : text.split('\n')));
  if (when === 'now') return { step, path: accessPath(here, access!), log };
  let known = found.get(timeline);
  if (known?.step !== step) {
    known = { step, path: here.lookAt(step - 1, (there) => accessPath(there, access!)) };
    found.set(timeline, known);
  }
  return { step, path: sinceThen(known.path, accessPath(here, access!)), log };
}

/** An access that nobody has made, led through the machine as it stands. */
export interface Imagined {
  readonly device: number;
  /** Another of its ids than its own. */
  readonly requester?: number;
  readonly address: number;
  readonly write: boolean;
}

/** The way that it would take; undefined for a device that there is not, and an address that is none. */
export function imaginedAccess(here: Here, imagined: Imagined | undefined): AccessPath | undefined {
  if (imagined === undefined) return undefined;
  const { device, address, write } = imagined;
  const spec = here.xen.spec.devices[device];
  if (spec === undefined || !Number.isSafeInteger(address) || address < 0 || address >= 2 ** 52)
    return undefined;
  const access: Access = { device, requester: imagined.requester ?? spec.requester, address, write };
  return accessPath(here, access);
}

/** A path of earlier, with what its fields read now where they have changed and still are on the way. */
function sinceThen(then: AccessPath, now: AccessPath): AccessPath {
  const texts = new Map<string, string>();
  for (const box of allBoxes(now)) {
    for (const field of box.fields) texts.set(keyOf(box, field), field.value.text);
  }
  const marked = (box: PathBox): PathBox => ({
    ...box,
    fields: box.fields.map((field) => {
      const text = texts.get(keyOf(box, field));
      return text === undefined || text === field.value.text ? field : { ...field, now: text };
    }),
  });
  const { tables } = then;
  const boxes = then.boxes.map(marked);
  return tables === undefined
    ? { ...then, boxes }
    : { ...then, boxes, tables: { ...tables, boxes: tables.boxes.map(marked) } };
}

const allBoxes = ({ boxes, tables }: AccessPath): readonly PathBox[] => [...boxes, ...(tables?.boxes ?? [])];

/** The same field of the same thing, wherever on the way it stands. */
const keyOf = ({ title, place }: PathBox, { name, lo }: PathField): string =>
  `${title}|${place}|${name}|${lo}`;
