import type { Span } from './refuse.js';

/** Where the parts of a program stand in the text it was read from. */
export interface Places {
  /** The place of an object of the program, or of a part of it: an argument, a field. */
  at(node: object, part?: string): Span;
  /** Its JSON path, in the JSON form. */
  path?(node: object, part?: string): string;
}

/** Of what stands nowhere in the text. */
export const START: Span = { line: 1, column: 1, length: 1 };

/** Places written down while a text is read. */
export class PlaceBook implements Places {
  private readonly noted = new Map<object, { whole: Span; parts: Readonly<Record<string, Span>> }>();

  note(node: object, whole: Span, parts: Readonly<Record<string, Span>>): void {
    this.noted.set(node, { whole, parts });
  }

  at(node: object, part = ''): Span {
    const noted = this.noted.get(node);
    return noted?.parts[part] ?? noted?.whole ?? START;
  }
}
