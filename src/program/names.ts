import { NOBODY } from '../xen/domid.js';
import type { Xen } from '../xen/state.js';

/** Names of a kind. Whoever wants to know is told when one comes to stand for something else. */
export class NameTable extends Map<string, number> {
  told: ((name: string, before: number | undefined, after: number | undefined) => void) | undefined;

  override set(name: string, value: number): this {
    this.told?.(name, this.get(name), value);
    return super.set(name, value);
  }

  override delete(name: string): boolean {
    this.told?.(name, this.get(name), undefined);
    return super.delete(name);
  }
}

/** What the names of a program stand for while it runs. */
export class Names {
  readonly domains = new NameTable([
    ['dom0', 0],
    ['dom_invalid', NOBODY],
  ]);
  /** Frame numbers of named pages. */
  readonly pages = new NameTable();
  readonly handles = new NameTable();
  /** Marks: the state's hash and a copy of every non-zero word's place and value. */
  readonly marks = new Map<string, Snapshot>();

  constructor(xen: Xen) {
    this.domains.set('dom_io', xen.domIo);
  }
}

/** A whole state, word for word. */
export interface Snapshot {
  readonly hash: string;
  readonly words: Int32Array;
}

export function takeSnapshot(xen: Xen): Snapshot {
  return { hash: xen.store.hashText(), words: xen.store.words.slice() };
}

/** Whether the present state equals a snapshot in every word. Pages backed since then must hold zeros. */
export function equalsSnapshot(xen: Xen, { hash, words }: Snapshot): boolean {
  if (xen.store.hashText() !== hash) return false;
  const now = xen.store.words;
  for (let i = 0; i < now.length; i++) if (now[i] !== (words[i] ?? 0)) return false;
  return true;
}
