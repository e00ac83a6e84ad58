import type { Counterexample } from '../program/verify.js';

/** What every step of a hypercall changes, and what follows from the rest: no news in a loop. */
const NO_NEWS = /^(hypercall of|lock of|memory |d\d+$)|\(L\d\)$/;

/**
 * A livelock's loop in words: how long it is, what changes in it and comes back.
 * @param one a counterexample that has a loop.
 */
export function loopStory({ steps, loop, length, scene, shortest }: Counterexample): string[] {
  const round = steps.slice(loop!, -1);
  const things = round.flatMap(({ changes }) =>
    changes.map((change) => change.slice(0, change.indexOf(': '))),
  );
  const changing = [...new Set(things)].filter((thing) => !NO_NEWS.test(thing));
  const statements = length - (loop! - scene);
  const plural = statements === 1 ? 'this statement' : `these ${statements} statements`;
  const back = changing.length === 0 ? '' : ` ${changing.join('; ')}: changed, and came back.`;
  return [
    `After ${plural} the state is, word for word, what it was before.${back}`,
    shortest ? 'No loop of this hypercall that was found is shorter.' : 'There may be a shorter loop.',
  ];
}
