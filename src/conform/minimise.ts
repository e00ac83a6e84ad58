/**
 * Delta debugging (Zeller and Hildebrandt's ddmin): the shortest list that it can find, made of items of `items` in
 * their order, for which `fails` still holds. No single item can be left out of the result.
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
  for (let chunk = Math.ceil(best.length / 2); chunk >= 1; ) {
    let shorter: readonly Item[] | undefined;
    for (let start = 0; start < best.length && asked < budget; start += chunk) {
      const candidate = [...best.slice(0, start), ...best.slice(start + chunk)];
      if (candidate.length === best.length || candidate.length === 0) continue;
      asked++;
      if (!(await fails(candidate))) continue;
      shorter = candidate;
      break;
    }
    if (shorter !== undefined) {
      best = shorter;
      chunk = Math.min(chunk, Math.ceil(best.length / 2));
    } else {
      if (chunk === 1 || asked >= budget) break;
      chunk = Math.ceil(chunk / 2);
    }
  }
  return best;
}
