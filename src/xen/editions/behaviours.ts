import { DOMAIN_BEHAVIOURS } from './behaviours-domains-devices.js';
import { PAGE_BEHAVIOURS } from './behaviours-pages-grants.js';
import { UNIT_BEHAVIOURS } from './behaviours-units-arm.js';
import type { ValuesOf } from './history.js';
import type { MendedProfile } from './mended.js';

/**
 * The behaviours in which releases of Xen differ, as far as they concern device access to memory. The hypervisor's
 * code asks the profile for a behaviour by name; it never asks for a version number. Values are listed from the
 * oldest to the newest.
 */
export const BEHAVIOURS = { ...PAGE_BEHAVIOURS, ...DOMAIN_BEHAVIOURS, ...UNIT_BEHAVIOURS } as const;

export type BehaviourName = keyof typeof BEHAVIOURS;

/** What the history of releases decides. */
export type ReleaseProfile = ValuesOf<typeof BEHAVIOURS>;

/** A release, or a design, of the hypervisor: one value for each behaviour, those that no release differs in included. */
export type Profile = ReleaseProfile & MendedProfile;

export const BEHAVIOUR_NAMES = Object.keys(BEHAVIOURS) as BehaviourName[];
