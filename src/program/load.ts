import { readTextFile, type SourceText } from '../text/source.js';
import { parseProgramJson } from './json.js';
import { parseProgram } from './parse.js';
import type { Program } from './program.js';

/**
 * Reads a program from a file, in either form.
 * @throws InputError when the file cannot be read or is no program.
 */
export function loadProgram(path: string): Program {
  return parseProgramText(readTextFile(path, 'a program (.dommu, or its JSON form)'));
}

/** Reads a program in either form: JSON in files called so, and where the text starts with a brace. */
export function parseProgramText(source: SourceText): Program {
  const isJson = source.name.endsWith('.json') || /^\ufeff?\s*\{/.test(source.text);
  return isJson ? parseProgramJson(source) : parseProgram(source);
}
