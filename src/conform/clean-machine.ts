import type { Judge } from './lockstep.js';

/** Why a program is left out on a machine that is not as it was booted, and stays so. */
export const STAINED =
  'what an earlier program left in the tables of dom0’s devices, which nothing takes out: boot the lab anew';

/**
 * Has the machine give back all that earlier programs took, and says whether a program can be judged on it. There is what
 * nobody can undo: a grant mapping of dom0's over which something else was written keeps its handle and, under a strict
 * dom0, its page in the tables of dom0's devices, whoever gets that page next (docs/disagreements.md). Another machine
 * takes the place of such a one, where there can be another. Where there cannot, a dom0 whose devices have no tables that
 * depend on grants, or that nobody looks at, is as good as new.
 */
export async function isClean(judge: Judge): Promise<boolean> {
  if (await hasGivenBack(judge)) return true;
  if (judge.renew === undefined) return judge.dom0Mode !== 'strict' || judge.machine.memory === undefined;
  await judge.renew();
  return hasGivenBack(judge);
}

async function hasGivenBack({ machine }: Judge): Promise<boolean> {
  const [{ rc }] = await machine.agent.perform([{ call: 'reset' }]);
  return rc === 0;
}
