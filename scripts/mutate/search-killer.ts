// Run in a copy of the repository that has a mutant: exits with 1, and says why, when a search that finds nothing in the
// sound model finds something.
import { searchWithoutBug } from '../../src/bugs/find.js';
import { GALLERY } from '../../src/bugs/gallery.js';

/** States a machine: enough for the shortest counterexamples of the gallery, and many machines. */
const STATES = Number(process.argv[2] ?? 2000);

const seen = new Set<string>();
for (const bug of GALLERY) {
  const key = JSON.stringify([bug.scene, bug.bounds, bug.on]);
  if (seen.has(key)) continue;
  seen.add(key);
  const { invariant, result } = await searchWithoutBug(bug, STATES);
  if (invariant === undefined) continue;
  console.log(`${invariant}: ${result.counterexamples[0]?.message ?? ''}`);
  process.exit(1);
}
