import type { InputError } from '../text/diagnostic.js';
import type { SourceText } from '../text/source.js';
import { readNumber } from './argument-kinds.js';
import { checkProgram } from './check-names.js';
import { DECLARATION_BY_NAME, type Declaration } from './declarations.js';
import { readExpectation } from './expectations.js';
import { type Line, lines, type Token } from './lexer.js';
import { OPERATION_BY_NAME } from './operations.js';
import { type PlaceBook, START } from './places.js';
import type { Argument, Expectation, Program, Repeat, Statement, Step } from './program.js';
import { readArguments } from './read-arguments.js';
import { Draft } from './read-declarations.js';
import { inputError, offer, type Problem, quote, type Span } from './refuse.js';
import { TextPlaces } from './text-places.js';

/**
 * Reads the text form of a program.
 * @throws InputError at the first thing that is wrong.
 */
export function parseProgram(source: SourceText): Program {
  const places = new TextPlaces(source);
  const reader = new ProgramReader(source, places);
  for (const line of lines(source)) reader.take(line);
  const program = reader.finish();
  checkProgram(program, source, places);
  return program;
}

interface OpenBlock {
  readonly head: Token;
  /** Where its own expectations go; one that is repeated a number of times has none. */
  readonly expect: Expectation[] | undefined;
  /** The steps that the block belongs to. */
  readonly outer: Step[];
}

type Reader = (line: Line) => void;

class ProgramReader {
  private readonly source: SourceText;
  private readonly places: PlaceBook;
  private readonly draft: Draft;
  private readonly steps: Step[] = [];
  private readonly open: OpenBlock[] = [];
  /** Where the next step goes. */
  private body: Step[] = this.steps;
  /** Expectations of the statement just before, or of the block that has just ended. */
  private expect: Expectation[] | undefined;

  private readonly blocks: ReadonlyMap<string, Reader> = new Map([
    ['expect', (line) => this.expectation(line)],
    ['repeat', (line) => this.repeat(line)],
    ['end', (line) => this.end(line)],
  ]);

  constructor(source: SourceText, places: PlaceBook) {
    this.source = source;
    this.places = places;
    this.draft = new Draft(source, places);
  }

  take(line: Line): void {
    const [{ kind, text }] = line;
    const word = kind === 'word' ? text : '';
    const declaration = DECLARATION_BY_NAME.get(word);
    const read = this.blocks.get(word);
    if (read !== undefined) read(line);
    else if (declaration !== undefined) this.declaration(declaration, line);
    else this.operation(line);
  }

  finish(): Program {
    const block = this.open.at(-1);
    if (block !== undefined) {
      const message = 'this `repeat` has no `end`';
      throw this.refuse(block.head, { code: 'unterminated-repeat', message });
    }
    const { edition, configs, fields } = this.draft;
    const program: Program = {
      file: this.source.name,
      ...(edition !== undefined && { edition }),
      machine: this.draft.finish(),
      configs,
      steps: this.steps,
    };
    this.places.note(program, START, fields);
    return program;
  }

  private declaration(declaration: Declaration, line: Line): void {
    const [head] = line;
    const [first] = this.steps;
    if (first !== undefined) {
      throw this.refuse(head, {
        code: 'late-declaration',
        message: `${quote(head.text)} declares a part of the machine, and an operation stands before it`,
        hint: `declarations come first; the first operation is on line ${first.line}`,
      });
    }
    this.draft.declare(declaration, head, readArguments(this.source, declaration, line));
  }

  private operation(line: Line): void {
    const [head, second] = line;
    // `begin` and the hypercall it begins are one word that is written as two.
    const begins = head.kind === 'word' && head.text === 'begin' && second !== undefined;
    const name = begins ? `${head.text} ${second.text}` : head.text;
    const operation = head.kind === 'word' ? OPERATION_BY_NAME.get(name) : undefined;
    if (operation === undefined && head.text === 'begin')
      throw this.refuse(second ?? head, badBeginning(second));
    if (operation === undefined) {
      const known = [...OPERATION_BY_NAME.keys(), ...this.blocks.keys(), ...DECLARATION_BY_NAME.keys()];
      const message = `unknown statement ${quote(head.text)}`;
      const hint = offer(head.text, head.kind === 'word' ? known : [...OPERATION_BY_NAME.keys()]);
      throw this.refuse(head, { code: 'unknown-operation', message, hint });
    }
    const [, ...rest] = line;
    const { args } = readArguments(this.source, operation, [head, ...rest.slice(begins ? 1 : 0)]);
    this.expect = [];
    const statement: Statement = {
      op: operation.name,
      args: args as Record<string, Argument>,
      expect: this.expect,
      line: head.line,
      column: head.column,
    };
    this.body.push(statement);
  }

  private expectation(line: Line): void {
    if (this.expect === undefined) {
      const message = '`expect` needs an operation just before it, or the `end` of a `repeat forever`';
      throw this.refuse(line[0], { code: 'stray-expectation', message });
    }
    this.expect.push(readExpectation(this.source, line));
  }

  private repeat([head, times, extra]: Line): void {
    const repeat = times?.text === 'forever' ? 'forever' : readNumber(times?.text ?? '');
    if (repeat === undefined || times?.kind === 'string' || extra !== undefined) {
      throw this.refuse(extra ?? times ?? head, {
        code: 'bad-repeat',
        message: '`repeat` takes a number of times, or `forever`',
        hint: 'usage: repeat N|forever … end',
      });
    }
    const body: Step[] = [];
    const expect: Expectation[] = [];
    const step: Repeat = { repeat, body, expect, line: head.line, column: head.column };
    this.body.push(step);
    this.open.push({ head, expect: repeat === 'forever' ? expect : undefined, outer: this.body });
    this.body = body;
    this.expect = undefined;
  }

  private end([head, extra]: Line): void {
    const block = this.open.pop();
    if (block === undefined || extra !== undefined) {
      const message = extra === undefined ? '`end` without a `repeat`' : '`end` stands alone on its line';
      throw this.refuse(extra ?? head, { code: 'stray-end', message });
    }
    this.body = block.outer;
    this.expect = block.expect;
  }

  private refuse({ line, column, length }: Span, problem: Problem): InputError {
    return inputError(this.source, { line, column, length }, problem);
  }
}

/** What is wrong with a `begin` that no operation goes with. */
function badBeginning(second: Token | undefined): Problem {
  const known = [...OPERATION_BY_NAME.keys()].flatMap((name) => /^begin (.*)$/.exec(name)?.slice(1) ?? []);
  const code = 'unknown-operation';
  if (second === undefined) return { code, message: '`begin` needs a hypercall', hint: offer('', known) };
  return { code, message: `${quote(second.text)} does not run in steps`, hint: offer(second.text, known) };
}
