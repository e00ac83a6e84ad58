import type { LineForm } from '../form.js';
import { AMDVI_INIT } from './amdvi-init.js';
import { ARM_INIT_FORMS } from './arm-init.js';
import { IPMMU_FORMS } from './ipmmu.js';
import { LINUX_AMDVI } from './linux-amdvi.js';
import { SMMUV2_FORMS } from './smmuv2.js';
import { SMMUV2_INIT_FORMS } from './smmuv2-init.js';
import { SMMUV3_FORMS } from './smmuv3.js';
import { SMMUV3_INIT_FORMS } from './smmuv3-init.js';
import { XEN_AMDVI } from './xen-amdvi.js';
import { XEN_VTD_FORMS } from './xen-vtd.js';

/** Every line that is understood, one family a file. Where two take the same line, the first does. */
export const FORMS: readonly LineForm[] = [
  ...XEN_AMDVI,
  ...LINUX_AMDVI,
  ...AMDVI_INIT,
  ...XEN_VTD_FORMS,
  ...SMMUV2_FORMS,
  ...SMMUV2_INIT_FORMS,
  ...SMMUV3_FORMS,
  ...SMMUV3_INIT_FORMS,
  ...IPMMU_FORMS,
  ...ARM_INIT_FORMS,
];
