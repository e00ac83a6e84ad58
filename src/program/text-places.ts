import type { SourceText } from '../text/source.js';
import { lineTokens } from './lexer.js';
import { OPERATION_BY_NAME } from './operations.js';
import { PlaceBook } from './places.js';
import { type Expectation, isRepeat, type Step } from './program.js';
import { readArguments } from './read-arguments.js';
import type { Span } from './refuse.js';

/**
 * The places of a program in text form. Those of declarations are written down; those within steps are asked for at
 * most once, by an error, and are found by reading the line again.
 */
export class TextPlaces extends PlaceBook {
  private readonly source: SourceText;

  constructor(source: SourceText) {
    super();
    this.source = source;
  }

  override at(node: object, part = ''): Span {
    return isLine(node) ? this.within(node, part) : super.at(node, part);
  }

  private within(node: Step | Expectation, part: string): Span {
    const [head, ...rest] = lineTokens(this.source, node.line);
    if ('kind' in node) return rest[node.kind === 'status' ? 0 : 1] ?? head;
    if (isRepeat(node)) return (part === 'repeat' && rest[0]) || head;
    const operation = OPERATION_BY_NAME.get(node.op)!;
    return readArguments(this.source, operation, [head, ...rest]).spans[part] ?? head;
  }
}

/** A step or an expectation: what has a line to itself. */
function isLine(node: object): node is Step | Expectation {
  return 'line' in node && ('op' in node || 'repeat' in node || 'kind' in node);
}
