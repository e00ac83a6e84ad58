import type { Diagnostic } from '../text/diagnostic.js';

const CODE = 'internal';

/** An error inside dommu: none of the program's, and at no place in it. */
export const internalProblem = (message: string): Diagnostic => ({
  severity: 'error',
  code: CODE,
  message,
  file: '',
  line: 1,
  column: 1,
});

/** Whether a problem is dommu's own, and not the program's. */
export const isInternal = ({ code }: Diagnostic): boolean => code === CODE;
