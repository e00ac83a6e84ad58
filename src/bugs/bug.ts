import { type AlphabetBounds, DEFAULT_ALPHABET } from '../program/alphabet-bounds.js';
import { parseProgram } from '../program/parse.js';
import type { Program } from '../program/program.js';
import type { VerifyBounds } from '../program/verify.js';
import { SourceText } from '../text/source.js';
import type { Profile } from '../xen/editions/behaviours.js';
import { DEFAULT_EDITION, type Edition, resolveEdition, withBehaviours } from '../xen/editions/edition.js';
import { INVARIANTS } from '../xen/invariants.js';

/**
 * What finding a bug needs (bug-gallery.md): `A` hypercalls that are atomic; `B` TLBs and other remembered translations; `C`
 * other actors in between the steps of a hypercall; `D` more of the hardware.
 */
export type BugClass = 'A' | 'B' | 'C' | 'D';

/** A bug that Xen once had: a way to behave, on a machine where the search finds what comes of it. */
export interface Bug {
  /** `XSA-288a`, as the gallery of the specification calls it. */
  readonly id: string;
  readonly title: string;
  readonly class: BugClass;
  readonly year: number;
  /** Which releases had it, in words. */
  readonly releases: string;
  /** What went wrong, in two sentences. */
  readonly mechanism: string;
  /** What the edition does differently: the bug itself. */
  readonly behaviours: Partial<Profile>;
  /** The edition that it is put into; the newest release unless the rest of what it needs is gone there. */
  readonly on?: string;
  /** The program that sets the scene: a machine and domains as any toolstack makes them, and nothing of the bug. */
  readonly scene: string;
  /** What the search may try: the default alphabet with these changes. */
  readonly bounds: Partial<AlphabetBounds>;
  /** The invariants of which the search must find one broken; `livelock` where a hypercall never ends. */
  readonly invariants: readonly string[];
  /** How many operations deeper than the first violation the search goes, where another one comes first; 0 unless said. */
  readonly deeper?: number;
  /** The commits that mended it, 10 digits. */
  readonly fixes: readonly string[];
  /** The bug that the fix of which created this one (gallery §6). */
  readonly after?: string;
}

/** A bug of the specification's gallery that cannot be put into the model. */
export interface Inexpressible {
  readonly id: string;
  readonly class: BugClass | 'E';
  /** What the model lacks. */
  readonly lacks: string;
}

/** The edition with the bug. */
export function buggyEdition(bug: Bug): Edition {
  return withBehaviours(soundEdition(bug), bug.behaviours);
}

/** The same without it. */
export function soundEdition({ on = DEFAULT_EDITION }: Bug): Edition {
  return resolveEdition(on);
}

/** The program that sets the bug's scene. */
export function sceneOf({ id, scene }: Bug): Program {
  return parseProgram(new SourceText(id, scene));
}

/** States after which a search for a bug gives up. */
const MOST_STATES = 3_000_000;

/** The bounds of the search for a bug; it looks at dear invariants where the bug breaks one. */
export function boundsOf({ bounds, invariants, deeper = 0 }: Bug): VerifyBounds {
  const dear = INVARIANTS.filter((one) => one.dear && invariants.includes(one.id)).map(({ id }) => id);
  return { ...DEFAULT_ALPHABET, pages: 2, ...bounds, dear, search: { maxStates: MOST_STATES, deeper } };
}
