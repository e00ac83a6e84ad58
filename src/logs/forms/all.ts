import type { LineForm } from '../form.js';
import { LINUX_AMDVI } from './linux-amdvi.js';
import { XEN_AMDVI } from './xen-amdvi.js';
import { XEN_VTD_FORMS } from './xen-vtd.js';

/** Every line that is understood, one family a file. Where two take the same line, the first does. */
export const FORMS: readonly LineForm[] = [...XEN_AMDVI, ...LINUX_AMDVI, ...XEN_VTD_FORMS];
