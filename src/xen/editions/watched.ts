import { sharedBuffer } from '../../store/shared.js';
import type { Profile } from './behaviours.js';

/** Which behaviours of a profile somebody asked for: a flag each, in the order of {@link behavioursOf}. */
export type Consulted = Uint8Array;

/** The behaviours of a profile and what became of them. */
export interface Consultation {
  /** Behaviours that made a difference, or could have: what was found is about the values that they have. */
  readonly consulted: readonly string[];
  /** Those that nobody asked for: with other values of theirs everything would have been the same. */
  readonly never: readonly string[];
}

const behavioursOf = (profile: Profile): readonly string[] => Object.keys(profile).sort();

/** Nothing consulted so far. Threads share it. */
export function nothingConsulted(profile: Profile): Consulted {
  return new Uint8Array(sharedBuffer(behavioursOf(profile).length));
}

/**
 * The same profile, noting in `consulted` what is asked for. A hypervisor that runs on it asks as it always does; who copies
 * it asks for all.
 */
export function watchedProfile(profile: Profile, consulted: Consulted): Profile {
  const watched: Record<string, unknown> = {};
  behavioursOf(profile).forEach((behaviour, index) => {
    const value = profile[behaviour as keyof Profile];
    const get = () => {
      consulted[index] = 1;
      return value;
    };
    Object.defineProperty(watched, behaviour, { enumerable: true, get });
  });
  return watched as unknown as Profile;
}

export function consultationOf(profile: Profile, consulted: Consulted): Consultation {
  const behaviours = behavioursOf(profile);
  return {
    consulted: behaviours.filter((_, index) => consulted[index] === 1),
    never: behaviours.filter((_, index) => consulted[index] !== 1),
  };
}
