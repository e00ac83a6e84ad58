import { InvalidArgumentError, Option } from 'commander';
import type { Setting } from '../program/verify-options.js';
import { type Amount, wholeNumber } from '../text/amounts.js';
import { InputError } from '../text/diagnostic.js';
import { didYouMean } from '../text/suggest.js';

/** A commander parser for a value. */
export function parserOf<T>({ read, expected }: Amount<T>): (text: string) => T {
  return (text) => {
    const value = read(text);
    if (value !== undefined) return value;
    throw new InvalidArgumentError(`expected ${expected}.`);
  };
}

/** A commander parser for a whole number in a range. */
export const count = (least: number, most: number): ((text: string) => number) =>
  parserOf(wholeNumber(least, most));

/** A setting of a search as an option of the command line. */
export function settingOption(setting: Setting): Option {
  const { flag, text } = setting;
  if ('given' in setting) return new Option(flag, text);
  const option = new Option(`${flag} <${setting.value}>`, text);
  if ('words' in setting) return option.choices(setting.words).default(setting.default);
  option.argParser(parserOf(setting.amount));
  return setting.default === undefined ? option : option.default(setting.default, setting.defaultText);
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
