import type { LineForm } from '../form.js';
import { XEN_VTD_FORMS } from './xen-vtd.js';

/** Every line that is understood, one family a file. Where two take the same line, the first does. */
export const FORMS: readonly LineForm[] = [...XEN_VTD_FORMS];
