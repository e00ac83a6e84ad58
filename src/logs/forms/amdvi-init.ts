import type { LineForm } from '../form.js';
import { LINUX_AMDVI_INIT } from './linux-amdvi-init.js';
import { LINUX_AMDVI_TABLES } from './linux-amdvi-tables.js';
import { XEN_AMDVI_DEVICES } from './xen-amdvi-devices.js';
import { XEN_AMDVI_TABLES } from './xen-amdvi-tables.js';
import { XEN_AMDVI_UNITS } from './xen-amdvi-units.js';

/** What Xen and Linux say of AMD-Vi's set-up, of the firmware's tables, and of devices that are moved. */
export const AMDVI_INIT: readonly LineForm[] = [
  ...XEN_AMDVI_TABLES,
  ...XEN_AMDVI_UNITS,
  ...XEN_AMDVI_DEVICES,
  ...LINUX_AMDVI_INIT,
  ...LINUX_AMDVI_TABLES,
];
