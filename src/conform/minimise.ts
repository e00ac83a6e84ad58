/**
 * Delta debugging (Zeller and Hildebrandt's ddmin): the shortest list that it can find, made of items of `items` in
 * their order, for which `fails` still holds. Unless the budget ends it, no item can be left out of the result, nor any two
 * neighbours: what one makes (a mapping, say) and the next undoes goes together.
 * @param fails asked with candidates; true for `items` itself, which is not asked again.
 * @param budget how often `fails` may be asked.
 */
export async function minimise<Item>(
  items: readonly Item[],
  fails: (candidate: readonly Item[]) => Promise<boolean>,
  budget: number,
): Promise<readonly Item[]> {
  let best = items;
  let asked = 0;
  for (let chunk = Math.ceil(best.length / 2); chunk >= 1 && asked < budget; ) {
    const before = best.length;
    // Pairs are tried at every place, larger chunks side by side.
    const step = chunk === 2 ? 1 : chunk;
    for (let start = 0; start < best.length && asked < budget; ) {
      const candidate = [...best.slice(0, start), ...best.slice(start + chunk)];
      if (candidate.length === 0) break;
      asked++;
      if (await fails(candidate)) best = candidate;
      else start += step;
    }
    if (best.length < before) chunk = Math.min(Math.max(chunk, 2), Math.ceil(best.length / 2));
    else if (chunk === 1) break;
    else chunk = Math.ceil(chunk / 2);
  }
  return best;
}
