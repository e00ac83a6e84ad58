import { entryHigh, entryLow } from '../xen/page-table.js';
import type { Xen } from '../xen/state.js';
import { readAddress, readEntry } from './argument-kinds.js';
import type { Names } from './names.js';
import type { Argument } from './program.js';

/** An operation that cannot be carried out as written; the runner adds the position. */
export class OperationError extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/**
 * A name for what is not there: an earlier operation would have given it had it not been refused, or what it stood for is
 * gone. The operation at hand is answered as Xen answers for a domain or a page that does not exist.
 */
export class Nameless extends Error {
  readonly status: string;

  constructor(status: string) {
    super(status);
    this.status = status;
  }
}

/** The arguments of one operation, looked up through the program's names. */
export class Arguments {
  private readonly args: Readonly<Record<string, Argument>>;
  private readonly names: Names;
  private readonly xen: Xen;

  constructor(args: Readonly<Record<string, Argument>>, names: Names, xen: Xen) {
    this.args = args;
    this.names = names;
    this.xen = xen;
  }

  has(name: string): boolean {
    return this.args[name] !== undefined;
  }

  text(name: string): string {
    return String(this.args[name] ?? '');
  }

  number(name: string, otherwise: number): number {
    const value = this.args[name];
    return typeof value === 'number' ? value : otherwise;
  }

  flag(word: string): boolean {
    const { flags } = this.args;
    return Array.isArray(flags) && flags.includes(word);
  }

  get writable(): boolean {
    return this.args.rights !== 'ro';
  }

  /** The slot of a domain argument, whether or not a domain is still there. */
  domain(name = 'domain'): number {
    const slot = this.names.domains.get(this.text(name));
    if (slot === undefined) throw new Nameless('ESRCH');
    return slot;
  }

  /** The frame number of a page argument. */
  frame(name = 'page'): number {
    return this.frameOf(this.args[name]!);
  }

  private frameOf(page: Argument): number {
    if (typeof page === 'number') return page;
    const frame = this.names.pages.get(String(page));
    if (frame === undefined) throw new Nameless('EINVAL');
    return frame;
  }

  /** The index among RAM frames of a page argument. */
  pdx(name = 'page'): number {
    return this.xen.ram.indexOf(this.frame(name));
  }

  /** The page (its index) and the number of an entry argument, `T[3]`. */
  entry(name = 'entry'): { pdx: number; index: number } {
    const entry = readEntry(this.text(name));
    if (entry === undefined)
      throw new OperationError(`\`${this.text(name)}\` is no entry`, 'expected PAGE[INDEX]');
    return { pdx: this.xen.ram.indexOf(this.frameOf(entry.page)), index: entry.index };
  }

  /** The byte address of an address argument: `P+0x148`, or a number of bytes. */
  address(): number {
    const value = this.args.address!;
    if (typeof value === 'number') return value;
    const read = readAddress(String(value));
    if (read === undefined)
      throw new OperationError(`\`${String(value)}\` is no address`, 'expected PAGE+OFFSET');
    return 'address' in read ? read.address : this.frameOf(read.page) * 4096 + read.offset;
  }

  /** The index of a device of the machine, or -1. */
  device(): number {
    return this.xen.spec.devices.findIndex(({ name }) => name === this.text('device'));
  }

  /** A maptrack handle, or -1 for one that was never given out. */
  handle(): number {
    return this.names.handles.get(this.text('handle')) ?? -1;
  }

  /** The two words of an entry that points to the page argument, or zeros when there is none. */
  entryWords(): [lo: number, hi: number] {
    if (!this.has('page')) return [0, 0];
    const pdx = this.pdx();
    return [entryLow(this.xen, pdx, this.writable), entryHigh(this.xen, pdx)];
  }
}
