import { offer, type Problem, quote } from './refuse.js';

/** Names of one kind of thing. */
export class Namespace {
  private readonly what: string;
  /** How such a name comes to be. */
  private readonly origin: string;
  private readonly lineOf = new Map<string, number>();
  private readonly free = new Set<string>();
  /** Names that are there without being listed. */
  private readonly implied: ((name: string) => boolean) | undefined;

  constructor(
    what: string,
    origin: string,
    known: readonly string[] = [],
    implied?: (name: string) => boolean,
  ) {
    this.what = what;
    this.origin = origin;
    this.implied = implied;
    for (const name of known) this.lineOf.set(name, 0);
  }

  bind(name: string, line: number): Problem | undefined {
    const before = this.lineOf.get(name) ?? (this.implied?.(name) ? 0 : undefined);
    if (before === undefined || this.free.delete(name)) {
      this.lineOf.set(name, line);
      return undefined;
    }
    const where = before === 0 ? 'from the start' : `since line ${before}`;
    return {
      code: `duplicate-${this.what}`,
      message: `there is a ${this.what} ${quote(name)} already, ${where}`,
    };
  }

  use(name: string): Problem | undefined {
    if (this.lineOf.has(name) || this.implied?.(name)) return undefined;
    const known = [...this.lineOf.keys()];
    const hint =
      known.length === 0 ? `none so far; ${this.origin}` : `${offer(name, known)} (${this.origin})`;
    return { code: `unknown-${this.what}`, message: `unknown ${this.what} ${quote(name)}`, hint };
  }

  /**
   * What the name stands for is gone. The name can be given again, and used as what no longer is. Names that are always
   * there stay what they are.
   */
  release(name: string): void {
    if (this.lineOf.get(name) !== 0) this.free.add(name);
  }
}
