import { type Rights, rightsText } from '../formats/address.js';
import type { IommuView } from '../formats/iommu-view.js';
import type { Bindings, XensFrames } from './bindings.js';

/** One thing in which model and real Xen differ after a step. */
export interface Difference {
  /** What was looked at: `status`, or the device or page. */
  readonly what: string;
  readonly model: string;
  readonly real: string;
}

/** A device as both sides name it: the model's requester id, and the real machine's. */
export interface ObservedDevice {
  readonly name: string;
  readonly requester: number;
  readonly realRequester: number;
}

/** What the numbers of frames on one side mean on the other. */
export interface Renaming {
  readonly bindings: Bindings;
  /** Whether a frame of the model's is none that a domain could have. */
  isXens(frame: number): boolean;
  readonly xens: XensFrames;
}

/** Input frames of translated domains that are looked at, from 0. */
const TRANSLATED_INPUTS = 16;

/**
 * What devices can reach, compared between two sets of tables in two memories: whether a device is translated at all,
 * which devices share a domain id, and the rights on every frame that the program knows. Frames are compared up to
 * {@link Bindings}. A device of a translated domain uses guest frames besides, whose numbers are the same on both sides.
 */
export function* compareTables(
  model: IommuView,
  real: IommuView,
  devices: readonly ObservedDevice[],
  renaming: Renaming,
  isTranslated: (device: ObservedDevice) => boolean,
): Generator<Difference> {
  const { bindings } = renaming;
  const modelDids = new Map<number, string>();
  const realDids = new Map<number, string>();
  for (const device of devices) {
    const { name, requester, realRequester } = device;
    model.select(requester);
    real.select(realRequester);
    if (model.state !== real.state) {
      yield { what: `${name} is`, model: model.state, real: real.state };
      continue;
    }
    if (model.state === 'blocked') continue;
    const [a, b] = [firstWith(modelDids, model.did, name), firstWith(realDids, real.did, name)];
    if (a !== b) yield { what: `${name} shares its domain id with`, model: a, real: b };
    if (model.state !== 'translated') continue;
    for (const [frame, mfn] of bindings) {
      const [wanted, found] = [leafText(model, frame, frame), leafText(real, mfn, mfn)];
      if (wanted !== found && !leadToXens(model, frame, real, mfn, renaming))
        yield { what: `${name} at ${hex(frame)}`, model: wanted, real: found };
    }
    if (!isTranslated(device)) continue;
    for (let gfn = 0; gfn < TRANSLATED_INPUTS; gfn++) {
      const wanted = leafText(model, gfn, -1);
      const found = leafText(real, gfn, -1, bindings);
      if (wanted !== found) yield { what: `${name} at gfn ${gfn}`, model: wanted, real: found };
    }
  }
}

/** Whether both lead, with the same rights, to what is the same frame of Xen's own. */
function leadToXens(
  model: IommuView,
  frame: number,
  real: IommuView,
  mfn: number,
  { isXens, xens, bindings }: Renaming,
): boolean {
  const rights = model.rights(frame);
  if (rights === 0 || rights !== real.rights(mfn)) return false;
  if (!isXens(model.frame) || bindings.frame(real.frame) !== undefined) return false;
  return xens.match(model.frame, real.frame);
}

/** The first device seen with a domain id: which devices share one matters, not what it is. */
function firstWith(seen: Map<number, string>, did: number, name: string): string {
  const first = seen.get(did);
  if (first === undefined) seen.set(did, name);
  return first ?? 'none before it';
}

/** Rights at an input frame, and where it leads unless that is to `identity`. */
function leafText(view: IommuView, input: number, identity: number, bindings?: Bindings): string {
  const rights: Rights = view.rights(input);
  if (rights === 0) return 'absent';
  const output = bindings === undefined ? view.frame : (bindings.frame(view.frame) ?? view.frame);
  return view.frame === identity ? rightsText(rights) : `${rightsText(rights)} to ${hex(output)}`;
}

const hex = (frame: number): string => `0x${frame.toString(16)}`;
