import { dirname, resolve } from 'node:path';
import { readTextFile } from '../text/read-file.js';
import type { SourceText } from '../text/source.js';
import { parseProgramJson } from './json.js';
import { parseProgram } from './parse.js';
import type { Program } from './program.js';

/**
 * Reads a program from a file, in either form, with the configs that it takes domains from.
 * @throws InputError when a file cannot be read or is no program.
 */
export function loadProgram(path: string): Program {
  return withConfigTexts(parseProgramText(readProgram(path)));
}

/** The text of such a file. @throws InputError when it cannot be read. */
export const readProgram = (path: string): SourceText =>
  readTextFile(path, 'a program (.dommu, or its JSON form)');

/**
 * The program with the texts of its configs, whose paths are relative to its own.
 * @throws InputError when one cannot be read.
 */
export function withConfigTexts(program: Program): Program {
  if (program.configs.length === 0) return program;
  const configs = program.configs.map((config) => {
    const path = resolve(dirname(program.file), config.file);
    return { ...config, text: { name: path, content: readTextFile(path, 'an xl config').text } };
  });
  return { ...program, configs };
}

/** Reads a program in either form: JSON in files called so, and where the text starts with a brace. */
export function parseProgramText(source: SourceText): Program {
  const isJson = source.name.endsWith('.json') || /^\ufeff?\s*\{/.test(source.text);
  return isJson ? parseProgramJson(source) : parseProgram(source);
}
