import { describe, type EntryLayout } from '../formats/layout.js';
import { hex } from '../text/hex.js';
import { entryOf } from './problems.js';
import type { MemoryImage, TableProblem } from './survey.js';

/** A problem of an entry that is none of a page table: root, context, device table, stream table, PASID entries. */
export function entryProblem(
  image: MemoryImage,
  layout: EntryLayout,
  at: number,
  level: string,
  kind: TableProblem['kind'],
  why: string,
): TableProblem {
  const words = Array.from({ length: layout.words }, (_, i) => image.read32(at + 4 * i));
  const message = `${level} at ${hex(at)}: ${why}: ${describe(layout, words)}`;
  return { kind, at, entry: entryOf(words[0]!, words[1]!), level, input: 0, message };
}
