import { computed, signal } from '@preact/signals';
import type { Value } from '../../src/explore/value.js';

/** Something that the reader wants explained. */
export type Asked =
  /** Who wrote this? `what` says of what it is the value. */
  | { readonly value: Value; readonly what: string }
  /** Why was this step answered as it was? */
  | { readonly errno: number };

/** Questions that older ones make room for. */
const MOST = 50;

/** What the reader has asked, so that the way back leads through it. */
export class Questions {
  private readonly all = signal<readonly Asked[]>([]);
  /** The question that is answered; undefined where there is none. */
  readonly current = computed(() => this.all.value.at(-1));
  /** How many there are to go back to. */
  readonly earlier = computed(() => Math.max(0, this.all.value.length - 1));
  /** What had the focus when the first question was asked: it gets it back when the answer is closed. */
  private askedFrom: Element | null = null;

  ask(question: Asked): void {
    if (this.all.value.length === 0) this.askedFrom = document.activeElement;
    this.all.value = [...this.all.value, question].slice(-MOST);
  }

  /** Goes back to the question before; after the first there is none. */
  back(): void {
    if (this.all.value.length <= 1) this.close();
    else this.all.value = this.all.value.slice(0, -1);
  }

  /** Forgets all questions, and goes back to where the first was asked. */
  close(): void {
    this.forget();
    const { askedFrom } = this;
    // What was asked about may be gone at another step; the steps are always there.
    const isThere = askedFrom instanceof HTMLElement && askedFrom.isConnected;
    (isThere ? askedFrom : document.querySelector<HTMLElement>('#steps [tabindex="0"]'))?.focus();
    this.askedFrom = null;
  }

  /** Forgets all questions: they were about another run. */
  forget(): void {
    this.all.value = [];
  }
}
