import type { CauseRule, JudgedEvent, World } from './cause.js';
import { COMMAND_CAUSES } from './commands.js';
import { DEVICE_MODEL_CAUSES } from './device-model.js';
import { DEVICE_RESET_CAUSES } from './device-reset.js';
import {
  BLOCKED_REQUEST,
  DMA_API_BYPASSED,
  GARBAGE_ADDRESS,
  INTERRUPT_AS_DMA,
  IO_APIC_AS_MEMORY,
  NULL_ADDRESS,
  WRONG_DIRECTION,
} from './driver.js';
import { FIRMWARE_CAUSES } from './firmware.js';
import { GRANT_CAUSES } from './grants.js';
import { GRAPHICS } from './graphics.js';
import { INIT_CAUSES } from './init.js';
import { COMPATIBILITY_INTERRUPT, INTERRUPT_SOURCE, INTERRUPT_TABLE, STALE_INTERRUPT } from './interrupts.js';
import { MEMORY_CAUSES } from './memory.js';
import { MSI_DOORBELL } from './msi-doorbell.js';
import { NEVER_MAPPED, UNMAPPED_TOO_EARLY } from './never-mapped.js';
import { RACING_TYPE_CHANGE, SPECIAL_PAGE, STRICT_DOM0 } from './pv-pages.js';
import { BETWEEN_OWNERS, QUARANTINED } from './quarantine.js';
import { type RankedCause, rank } from './rank.js';
import { REGION_MISSING, REGION_NOT_MAPPED, REGION_OF_ANOTHER, XEN_MEMORY } from './reserved-regions.js';
import { SET_WAY, STREAM_CONFLICT, STREAM_LOST, STREAM_UNKNOWN } from './streams.js';
import { ADDRESS_WIDTH, CHANGED_SINCE, TABLES_UNREADABLE, UNUSABLE_ENTRY } from './tables.js';
import { TOOLSTACK_CAUSES } from './toolstack.js';
import { VTD_CAUSES } from './vtd.js';

export type { RankedCause };

/** Everything that can be behind an event. Of equals, the first is told first. */
export const CAUSES: readonly CauseRule[] = [
  // DMA: what Xen maps, and takes away again.
  SPECIAL_PAGE,
  STRICT_DOM0,
  RACING_TYPE_CHANGE,
  ...GRANT_CAUSES,
  UNMAPPED_TOO_EARLY,
  REGION_OF_ANOTHER,
  REGION_MISSING,
  REGION_NOT_MAPPED,
  XEN_MEMORY,
  // DMA: the device.
  NULL_ADDRESS,
  GARBAGE_ADDRESS,
  WRONG_DIRECTION,
  DMA_API_BYPASSED,
  INTERRUPT_AS_DMA,
  IO_APIC_AS_MEMORY,
  MSI_DOORBELL,
  BLOCKED_REQUEST,
  GRAPHICS,
  // DMA: who has the device, and what the machine is said to be.
  QUARANTINED,
  BETWEEN_OWNERS,
  ...FIRMWARE_CAUSES,
  STREAM_UNKNOWN,
  STREAM_CONFLICT,
  STREAM_LOST,
  SET_WAY,
  // DMA: the tables.
  UNUSABLE_ENTRY,
  TABLES_UNREADABLE,
  CHANGED_SINCE,
  ADDRESS_WIDTH,
  // Whatever the reason. It says least, and so comes after what says as much with more.
  NEVER_MAPPED,
  // Interrupts.
  INTERRUPT_SOURCE,
  STALE_INTERRUPT,
  COMPATIBILITY_INTERRUPT,
  INTERRUPT_TABLE,
  // Commands to the units.
  ...COMMAND_CAUSES,
  // Set-up, tools and pages.
  ...VTD_CAUSES,
  ...INIT_CAUSES,
  ...TOOLSTACK_CAUSES,
  ...DEVICE_MODEL_CAUSES,
  ...DEVICE_RESET_CAUSES,
  ...MEMORY_CAUSES,
];

/** What can be behind an event, the likeliest first; empty where nothing that is known applies. */
export function rankCauses(event: JudgedEvent, world: World): RankedCause[] {
  return rank(CAUSES, event, world);
}
