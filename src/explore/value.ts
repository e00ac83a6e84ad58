/**
 * Something that the explorer shows and that can be asked about: who wrote it? `word` is the word of the store that holds
 * it, `low` and `width` its bits in there where it is not the whole of it. Several words where it spreads over them: a
 * 64-bit entry is two, lower first.
 */
export interface Value {
  readonly text: string;
  readonly words?: readonly number[];
  /** Bit of the first word at which it begins, and how many there are. */
  readonly low?: number;
  readonly width?: number;
  /** What stood there before the step that is looked at, where the step has changed it. */
  readonly was?: string;
}
