import { CALL_HANDLERS } from './handlers/calls.js';
import { DEVICE_HANDLERS } from './handlers/devices.js';
import { DOMAIN_HANDLERS } from './handlers/domains.js';
import { EXCLUSION_HANDLERS } from './handlers/exclusions.js';
import { GRANT_TABLE_HANDLERS } from './handlers/grant-tables.js';
import { GRANT_HANDLERS } from './handlers/grants.js';
import type { Handlers } from './handlers/handler.js';
import { MEMORY_HANDLERS } from './handlers/memory.js';
import { PAGE_TABLE_HANDLERS } from './handlers/page-tables.js';
import { PROGRAM_HANDLERS } from './handlers/program.js';

/** One function an operation of the table in operations.ts. */
export const HANDLERS: Handlers = {
  ...DOMAIN_HANDLERS,
  ...MEMORY_HANDLERS,
  ...PAGE_TABLE_HANDLERS,
  ...GRANT_HANDLERS,
  ...GRANT_TABLE_HANDLERS,
  ...DEVICE_HANDLERS,
  ...EXCLUSION_HANDLERS,
  ...CALL_HANDLERS,
  ...PROGRAM_HANDLERS,
};
