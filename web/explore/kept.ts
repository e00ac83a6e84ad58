/**
 * What is the same in two answers, in the objects of the older one: `now` with every part that equals the part of `before`
 * at its place replaced by it. Answers come as new objects at every step; who draws one that has not changed in anything
 * need not draw it again. Plain data only.
 */
export function kept<T>(before: unknown, now: T): T {
  if (Object.is(before, now)) return now;
  if (typeof before !== 'object' || typeof now !== 'object' || before === null || now === null) return now;
  if (Array.isArray(before) !== Array.isArray(now)) return now;
  const [old, fresh] = [before as Record<string, unknown>, now as Record<string, unknown>];
  const names = Object.keys(fresh);
  let same = names.length === Object.keys(old).length;
  for (const name of names) {
    fresh[name] = kept(old[name], fresh[name]);
    same &&= Object.hasOwn(old, name) && Object.is(old[name], fresh[name]);
  }
  return same ? (before as T) : now;
}
