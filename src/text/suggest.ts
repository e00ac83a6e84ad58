import { closest, distance } from 'fastest-levenshtein';

/** The candidate a person most likely meant by `word`, if any is near enough to be worth offering. */
export function suggest(word: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0) return undefined;
  const lower = word.toLowerCase();
  const best = closest(lower, candidates as string[]);
  const allowed = Math.max(1, Math.floor(Math.min(word.length, best.length) / 3));
  return distance(lower, best.toLowerCase()) <= allowed ? best : undefined;
}

/** ` did you mean \`x\`?` or a list of what is allowed, for the end of an error message. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const best = suggest(word, candidates);
  return best === undefined ? `expected one of: ${candidates.join(', ')}` : `did you mean \`${best}\`?`;
}
