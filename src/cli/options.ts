import { InvalidArgumentError } from 'commander';
import { InputError } from '../text/diagnostic.js';
import { didYouMean } from '../text/suggest.js';

/** A commander parser for a whole number in a range. */
export function count(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}.`);
  };
}

/** A commander parser for a list of whole numbers: `1,4`. */
export function counts(least: number, most: number): (text: string) => number[] {
  const one = count(least, most);
  return (text) => [...new Set(text.split(',').map((item) => one(item.trim())))].sort((a, b) => a - b);
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** A commander parser for a number of bytes: `512M`, `2G`. */
export function size(text: string): number {
  const match = /^(\d+)([kmg]?)i?b?$/i.exec(text);
  if (match !== null && Number(match[1]) > 0) return Number(match[1]) * UNITS[match[2]!.toLowerCase()]!;
  throw new InvalidArgumentError('expected a size such as 512M or 2G.');
}

/** An option that cannot be used as it is given. */
export const usageError = (option: string, message: string): InputError =>
  new InputError({ severity: 'error', code: 'usage', message, file: option, line: 1, column: 1 });

/** An option that takes one of a few words. @throws InputError naming them. */
export function choice<Word extends string>(
  option: string,
  text: string | undefined,
  words: readonly Word[],
): Word | undefined {
  if (text === undefined || words.includes(text as Word)) return text as Word | undefined;
  throw usageError(option, `\`${text}\` is not known here; ${didYouMean(text, words)}`);
}
