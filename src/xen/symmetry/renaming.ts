import type { Xen } from '../state.js';

/**
 * New names for things of a machine that are alike: each array says by what a thing is replaced. What is not renamed stands
 * for itself.
 */
export interface Renaming {
  /** Frames, by index among the frames of RAM. */
  readonly frames: Int32Array;
  /** Grant references, the same in every domain's table. */
  readonly refs: Int32Array;
  /** Handles, by their row of `maptrack`: each mapper's among themselves. */
  readonly handles: Int32Array;
  /** Devices, by row. */
  readonly devices: Int32Array;
}

/** The parts of a renaming, and how many things each is about. */
const PARTS = {
  frames: (xen: Xen) => xen.ram.frames,
  refs: (xen: Xen) => xen.spec.limits.grants,
  handles: (xen: Xen) => xen.spec.limits.domains * xen.spec.limits.handles,
  devices: (xen: Xen) => xen.spec.devices.length,
} as const;
export type Part = keyof typeof PARTS;

/** Things of which each can take any other's place. */
export interface Class {
  readonly part: Part;
  readonly members: readonly number[];
}

/** A renaming that changes nothing. */
export function identity(xen: Xen): Record<Part, Int32Array> {
  const all = (part: Part) => Int32Array.from({ length: PARTS[part](xen) }, (_, n) => n);
  return { frames: all('frames'), refs: all('refs'), handles: all('handles'), devices: all('devices') };
}

function factorial(n: number): number {
  return n < 2 ? 1 : n * factorial(n - 1);
}

/** How many renamings the classes allow together. */
export function renamingsOf(classes: readonly Class[]): number {
  return classes.reduce((product, { members }) => product * factorial(members.length), 1);
}

/**
 * As much of the classes as allows no more than `most` renamings: of a larger class a part, and the rest of it as a class of
 * its own, as far as there is room.
 */
export function withinLimit(classes: readonly Class[], most: number): Class[] {
  const kept: Class[] = [];
  for (const { part, members } of classes) {
    let rest = members;
    while (rest.length > 1) {
      let size = rest.length;
      while (size > 1 && renamingsOf(kept) * factorial(size) > most) size--;
      if (size < 2) break;
      kept.push({ part, members: rest.slice(0, size) });
      rest = rest.slice(size);
    }
  }
  return kept;
}

function permutations(members: readonly number[]): number[][] {
  if (members.length === 0) return [[]];
  return members.flatMap((first) =>
    permutations(members.filter((other) => other !== first)).map((rest) => [first, ...rest]),
  );
}

/** All renamings of the classes, each class within itself; the first changes nothing. They are a group. */
export function allRenamings(xen: Xen, classes: readonly Class[]): Renaming[] {
  let found = [identity(xen)];
  for (const { part, members } of classes) {
    const orders = permutations(members);
    found = found.flatMap((before) =>
      orders.map((order) => {
        const renamed = Int32Array.from(before[part]);
        members.forEach((member, n) => {
          renamed[member] = order[n]!;
        });
        return { ...before, [part]: renamed };
      }),
    );
  }
  return found;
}

/** Renamings that exchange two neighbours in a class: all others are made of them. */
export function exchanges(xen: Xen, { part, members }: Class): Renaming[] {
  return members.slice(1).map((member, n) => {
    const before = identity(xen);
    before[part][member] = members[n]!;
    before[part][members[n]!] = member;
    return before;
  });
}
