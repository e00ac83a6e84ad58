import type { LineForm } from '../form.js';

/** Every line that is understood, one family a file. Where two take the same line, the first does. */
export const FORMS: readonly LineForm[] = [];
