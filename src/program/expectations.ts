import type { InputError } from '../text/diagnostic.js';
import type { SourceText } from '../text/source.js';
import type { Line, Token } from './lexer.js';
import type { Expectation, Place } from './program.js';
import { inputError, type Problem, quote } from './refuse.js';

interface Form {
  /** The word after `expect`; a status has none. */
  readonly word: Exclude<Expectation['kind'], 'status'>;
  readonly argument: 'text' | 'optional text' | 'word';
  readonly usage: string;
  readonly doc: string;
}

/** What can be expected beside a status. */
export const EXPECTATIONS: readonly Form[] = [
  {
    word: 'fault',
    argument: 'optional text',
    usage: 'expect fault ["TEXT"]',
    doc: 'The access faults, and the log lines contain the text.',
  },
  {
    word: 'violation',
    argument: 'word',
    usage: 'expect violation INVARIANT',
    doc: 'The invariant does not hold after the step.',
  },
  {
    word: 'change',
    argument: 'text',
    usage: 'expect change "TEXT"',
    doc: 'A line of what the step changed contains the text.',
  },
];

const STATUS_USAGE = 'expect STATUS, as in `expect ok`, `expect EINVAL`, `expect rw -- r-`';

/** The words of a status that need no quotes. */
const PLAIN_STATUS = /^[^\s"#]+(?: [^\s"#]+)*$/;

/** The expectation of a kind with its one text, whatever the kind calls it. */
export function makeExpectation(kind: Expectation['kind'], text: string, place: Place): Expectation {
  const { line, column } = place;
  if (kind === 'violation') return { kind, invariant: text, line, column };
  return kind === 'status' ? { kind, status: text, line, column } : { kind, text, line, column };
}

/** The one text of an expectation. */
export function expectedText(expectation: Expectation): string {
  if (expectation.kind === 'violation') return expectation.invariant;
  return expectation.kind === 'status' ? expectation.status : expectation.text;
}

/** Reads a line that starts with `expect`. */
export function readExpectation(source: SourceText, [head, first, ...rest]: Line): Expectation {
  const refuse = (token: Token, problem: Problem): InputError => inputError(source, token, problem);
  if (first === undefined) {
    throw refuse(head, {
      code: 'empty-expectation',
      message: 'expect what?',
      hint: `usage: ${STATUS_USAGE}`,
    });
  }
  const form = first.kind === 'word' ? EXPECTATIONS.find(({ word }) => word === first.text) : undefined;
  if (form === undefined) return readStatus(source, head, [first, ...rest]);
  const [argument, extra] = rest;
  const hint = `usage: ${form.usage}`;
  const wanted = form.argument === 'word' ? 'word' : 'string';
  if (argument === undefined && form.argument === 'optional text')
    return makeExpectation(form.word, '', head);
  if (argument?.kind !== wanted) {
    const what = wanted === 'string' ? 'a text in quotes' : 'the name of an invariant';
    const message = `${quote(`expect ${form.word}`)} needs ${what}`;
    throw refuse(argument ?? first, { code: 'bad-expectation', message, hint });
  }
  if (extra !== undefined) {
    throw refuse(extra, {
      code: 'bad-expectation',
      message: `found ${quote(extra.text)} after the end`,
      hint,
    });
  }
  return makeExpectation(form.word, argument.text, head);
}

function readStatus(source: SourceText, head: Token, words: readonly Token[]): Expectation {
  const string = words.length === 1 ? undefined : words.find(({ kind }) => kind === 'string');
  if (string === undefined) return makeExpectation('status', words.map(({ text }) => text).join(' '), head);
  const usages = [...EXPECTATIONS.map(({ usage }) => usage), STATUS_USAGE].join('; ');
  throw inputError(source, words[0]!, {
    code: 'bad-expectation',
    message: `${quote(words[0]!.text)} is no kind of expectation that a text can follow`,
    hint: `usage: ${usages}`,
  });
}

/** The canonical line of an expectation. */
export function printExpectation(expectation: Expectation): string {
  const text = expectedText(expectation);
  if (expectation.kind === 'status') return `expect ${printStatus(text)}`;
  if (expectation.kind === 'violation') return `expect violation ${text}`;
  return text === '' && expectation.kind === 'fault'
    ? 'expect fault'
    : `expect ${expectation.kind} ${JSON.stringify(text)}`;
}

function printStatus(status: string): string {
  const isForm = EXPECTATIONS.some(({ word }) => word === status.split(' ', 1)[0]);
  return PLAIN_STATUS.test(status) && !isForm ? status : JSON.stringify(status);
}
