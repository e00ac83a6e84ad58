import type { BehaviourSpec } from './history.js';

/** Bugs that every release from 4.11 on has mended, or that stood between releases: IOMMU drivers, devices, reserved regions, domain death. Each goes from wrong to right. */
export const MENDED_DEVICES = {} as const satisfies Readonly<Record<string, BehaviourSpec>>;
