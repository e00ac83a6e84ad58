/** A piece of a comment: lines that flow as one, or a line that stands as it was written, such as a command. */
export interface Piece {
  readonly text: string;
  readonly asWritten: boolean;
}

/** Lines of a comment, and letters of a line, that are shown: a program may have any number of either. */
const MOST_LINES = 60;
const MOST_LETTERS = 600;

/** What a program's author says of it, in the comments of its text. Lines count from 1. */
export class Comments {
  private readonly text: string;
  private readonly starts: number[];

  constructor(text: string) {
    this.text = text;
    this.starts = [text.startsWith('\ufeff') ? 1 : 0];
    for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) this.starts.push(i + 1);
  }

  /** What stands at the head of the text, before anything else: what the program is about. */
  atHead(): readonly Piece[] {
    const lines: string[] = [];
    for (let line = 1; line <= this.starts.length; line++) {
      const text = this.line(line);
      if (lines.length >= MOST_LINES || (text !== '' && !text.startsWith('#'))) break;
      if (text !== '' || lines.length > 0) lines.push(text);
    }
    return pieces(lines);
  }

  /**
   * What is said of a line: the comment above it, and above the lines before it that stand with it without an empty line
   * between, and what stands behind it.
   */
  of(line: number): readonly Piece[] {
    let at = line - 1;
    while (at >= 1 && line - at <= MOST_LINES && isCode(this.line(at))) at--;
    const last = at;
    while (at >= 1 && last - at < MOST_LINES && this.line(at).startsWith('#')) at--;
    const above = Array.from({ length: last - at }, (_, i) => this.line(at + 1 + i));
    return [...pieces(above), ...pieces(behind(this.line(line)))];
  }

  private line(line: number): string {
    const [start = this.text.length, end = this.text.length + 1] = this.starts.slice(line - 1, line + 1);
    return this.text.slice(start, Math.min(end - 1, start + MOST_LETTERS)).trim();
  }
}

const isCode = (line: string): boolean => line !== '' && !line.startsWith('#');

/** The comment behind a statement; a `#` in quotes begins none. */
function behind(line: string): string[] {
  const found = /^(?:[^"#]|"(?:[^"\\]|\\.)*")*(#.*)$/.exec(line);
  return found === null || line.startsWith('#') ? [] : [found[1]!];
}

const SET_IN = /^#+\s{2,}/;

/**
 * Lines of a comment as pieces. A line goes on in the next one if it is full, which one is that has no room for the first
 * word of the next; an empty one parts; one that is set in by more than a blank stands for itself.
 */
function pieces(lines: readonly string[]): Piece[] {
  const found: Piece[] = [];
  const width = Math.max(0, ...lines.map((line) => (SET_IN.test(line) ? 0 : line.length)));
  let goesOn = false;
  for (const [index, line] of lines.entries()) {
    const text = line.replace(/^#+/, '').trimEnd();
    const asWritten = SET_IN.test(line);
    const last = found.at(-1);
    if (goesOn && !asWritten && last !== undefined) {
      found[found.length - 1] = { text: `${last.text} ${text.trim()}`, asWritten: false };
    } else if (text !== '') found.push({ text: text.trim(), asWritten });
    const [next = ''] = (lines[index + 1] ?? '').replace(/^#+\s*/, '').split(' ', 1);
    goesOn = text !== '' && !asWritten && next !== '' && line.length + 1 + next.length > width;
  }
  return found;
}
