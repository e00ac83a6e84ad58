import { InputError } from '../text/diagnostic.js';
import { SourceText } from '../text/source.js';
import { parseProgram } from './parse.js';

/** The program that a text is. */
export const read = (text: string) => parseProgram(new SourceText('t.dommu', text));

/** `line:column+length code: message (hint)` of the error that is met when something is read. */
export const refusalOf = (reading: () => unknown): string => {
  try {
    reading();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const { line, column, length, code, message, hint } = error.diagnostic;
    return `${line}:${column}+${length} ${code}: ${message}${hint ? ` (${hint})` : ''}`;
  }
  return 'none';
};

/** The same of a program's text. */
export const refusal = (text: string): string => refusalOf(() => read(text));
