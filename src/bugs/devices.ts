import type { Bug, Inexpressible } from './bug.js';

/** IOMMU drivers, devices, reserved regions, death of domains (bug-gallery.md §4). */
export const DEVICE_BUGS: readonly Bug[] = [];

export const DEVICE_BUGS_INEXPRESSIBLE: readonly Inexpressible[] = [];
