import { ASSIGNMENT } from './ladders/assignment.js';
import { CREATEDOMAIN } from './ladders/createdomain.js';
import { DEATH } from './ladders/death.js';
import { DEVICE_TREE } from './ladders/device-tree.js';
import { EXCLUSIONS } from './ladders/exclusions.js';
import { GRANT_TABLES } from './ladders/grant-tables.js';
import { GRANTS } from './ladders/grants.js';
import { MEMORY } from './ladders/memory.js';
import { PAGE_TYPES } from './ladders/page-types.js';
import { RESERVED } from './ladders/reserved.js';
import { VENDORS } from './ladders/vendors.js';
import { PV_MACHINE_RULES } from './pv-machine.js';
import { keyOf, type Rule } from './rule.js';

/** The dossier’s ladders, rung by rung. */
export const LADDERS: readonly Rule[] = [
  ...CREATEDOMAIN,
  ...PAGE_TYPES,
  ...MEMORY,
  ...GRANTS,
  ...GRANT_TABLES,
  ...ASSIGNMENT,
  ...EXCLUSIONS,
  ...RESERVED,
  ...VENDORS,
  ...DEATH,
  ...DEVICE_TREE,
];

const rungs = new Set(LADDERS.map(keyOf));

/** Every rule that is accounted for: the rungs, and situations that are none. */
export const RULES: readonly Rule[] = [
  ...LADDERS,
  ...PV_MACHINE_RULES.filter((rule) => !rungs.has(keyOf(rule))),
];
