import type { Counterexample, VerifyResult } from '../program/verify.js';
import type { Edition } from '../xen/editions/edition.js';

/** A counterexample as a program's text, and where that was written. */
export interface Written extends Counterexample {
  readonly text: string;
  readonly file: string | null;
}

/** Everything that a report of `dommu verify` tells. */
export interface VerdictReport {
  /** What was searched: files or a bug, release, machine. */
  readonly title: string;
  /** What the search was asked about: the first of its files, or the bug. */
  readonly subject: string;
  readonly edition: Edition;
  readonly result: VerifyResult;
  readonly written: readonly Written[];
  /** What bounds the verdict. */
  readonly bounds: string;
}
