import { InputError } from '../text/diagnostic.js';
import { SourceText } from '../text/source.js';
import { parseProgram } from './parse.js';

/** The program that a text is. */
export const read = (text: string) => parseProgram(new SourceText('t.dommu', text));

/** `line:column+length code: message (hint)` of the error that a text meets. */
export const refusal = (text: string): string => {
  try {
    read(text);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const { line, column, length, code, message, hint } = error.diagnostic;
    return `${line}:${column}+${length} ${code}: ${message}${hint ? ` (${hint})` : ''}`;
  }
  return 'none';
};
