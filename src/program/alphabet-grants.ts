import { GNTMAP } from '../formats/grant-v1.js';
import { TOOLSTACK } from '../xen/calls/steps.js';
import { gfnOf } from '../xen/frames.js';
import { clearGrantEntry, grantEntryWord, writeGrantEntry } from '../xen/grant-entry.js';
import { mapGrantRef } from '../xen/grant-map.js';
import { unmapGrantRef } from '../xen/grant-unmap.js';
import { type ActionScene, Attempt, answered, possible } from './alphabet-action.js';
import { refsTried } from './alphabet-examples.js';

const mapFlags = (halves: readonly string[]): number =>
  (halves.includes('host') ? GNTMAP.host : 0) | (halves.includes('device') ? GNTMAP.device : 0);

/** To whom a guest grants pages: to dom0, and to itself where that is tried. */
export function granteesTried({ xen, bounds }: ActionScene, slot: number): readonly number[] {
  return bounds.selfGrants && !xen.isTranslated(slot) ? [TOOLSTACK, slot] : [TOOLSTACK];
}

/** A guest grants pages, and takes the grants back. */
export function addGrants(scene: ActionScene, slot: number): void {
  const { xen, names, bounds, add } = scene;
  const domain = names.domain(slot);
  for (const ref of refsTried(xen, bounds)) {
    for (const grantee of granteesTried(scene, slot)) addOffers(scene, slot, ref, grantee);
    add('end_grant', domain, { domain, ref }, () =>
      possible(grantEntryWord(xen, slot, ref) !== 0 && clearGrantEntry(xen, slot, ref)),
    );
  }
}

function addOffers(scene: ActionScene, slot: number, ref: number, to: number): void {
  const { xen, names, frames, add } = scene;
  const domain = names.domain(slot);
  for (const pdx of frames) {
    for (const readonly of [false, true]) {
      const args = {
        domain,
        ref,
        to: names.domain(to),
        page: xen.ram.frameAt(pdx),
        ...(readonly ? { flags: ['readonly'] } : {}),
      };
      add('grant', domain, args, () => {
        // A guest may offer any frame; entries in use are its own to spoil, which Xen does not look at again.
        if (grantEntryWord(xen, slot, ref) !== 0) return Attempt.impossible;
        const named = xen.isTranslated(slot) ? gfnOf(xen, pdx) : xen.ram.frameAt(pdx);
        if (named < 0) return Attempt.impossible;
        writeGrantEntry(xen, slot, ref, to, named, readonly);
        return Attempt.done;
      });
    }
  }
}

/** Grants of a guest are mapped and unmapped. */
export function addMappings(scene: ActionScene, granter: number, mapper: number): void {
  const { xen, names, bounds, add } = scene;
  const domain = names.domain(mapper);
  const { handles } = xen.spec.limits;
  const { map, unmap } = halvesTried(scene, mapper);
  for (let handle = 0; handle < bounds.handles; handle++) {
    const name = names.handle(mapper, handle);
    for (const ref of refsTried(xen, bounds)) {
      for (const readonly of [false, true]) {
        for (const halves of map) addMapping(scene, granter, mapper, ref, handle, halves, readonly);
      }
    }
    for (const halves of unmap) {
      const clear = halves.length === 0 ? GNTMAP.host | GNTMAP.device : mapFlags(halves);
      const args = { domain, handle: name, ...(halves.length > 0 && { flags: halves }) };
      add('unmap_grant_ref', domain, args, () => {
        const row = mapper * handles + handle;
        if (xen.maptrack.granter.get(row) - 1 !== granter) return Attempt.impossible;
        return answered(unmapGrantRef(xen, mapper, handle, clear, -1));
      });
    }
  }
}

/** What a mapper asks for, and what of it it gives up. */
function halvesTried(
  { xen, bounds }: ActionScene,
  mapper: number,
): { map: readonly string[][]; unmap: readonly string[][] } {
  const { deviceMappings = false, partialUnmaps = false } = bounds;
  const device = deviceMappings && !xen.isTranslated(mapper);
  return {
    map: [['host'], ...(device ? [['device'], ['host', 'device']] : [])],
    unmap: [[], ...(partialUnmaps ? [['host'], ...(device ? [['device']] : [])] : [])],
  };
}

function addMapping(
  scene: ActionScene,
  granter: number,
  mapper: number,
  ref: number,
  handle: number,
  halves: readonly string[],
  readonly: boolean,
): void {
  const { xen, names, add } = scene;
  const { handles } = xen.spec.limits;
  const flags = mapFlags(halves) | (readonly ? GNTMAP.readonly : 0);
  // Where a translated mapper wants it: past its own pages.
  const gfn = xen.spec.limits.gfns - 1 - handle;
  const args = {
    domain: names.domain(mapper),
    handle: names.handle(mapper, handle),
    granter: names.domain(granter),
    ref,
    flags: [...halves, ...(readonly ? ['readonly'] : [])],
    ...(xen.isTranslated(mapper) ? { gfn } : {}),
  };
  add('map_grant_ref', args.domain, args, () => {
    if (xen.maptrack.flags.get(mapper * handles + handle) !== 0) return Attempt.impossible;
    for (let lower = 0; lower < handle; lower++) {
      if (xen.maptrack.flags.get(mapper * handles + lower) === 0) return Attempt.impossible;
    }
    return answered(mapGrantRef(xen, mapper, granter, ref, flags, gfn));
  });
}
