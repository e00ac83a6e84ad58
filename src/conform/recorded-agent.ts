import type { Call } from '../lab/agent/protocol.js';
import type { Agent } from '../lab/machine-api.js';

/** Requests kept: those of a whole program, in most cases. */
const KEPT = 100;

/** An agent, and a record of what it was last asked and answered: what a divergence is explained with. */
export function recordAgent(agent: Agent): { readonly agent: Agent; readonly trail: readonly string[] } {
  const trail: string[] = [];
  const recorded: Agent = {
    hello: agent.hello,
    close: () => agent.close(),
    perform: async <const C extends readonly Call[]>(calls: C) => {
      // Before the answer: one that ends the machine would be missing.
      const first = trail.push(...calls.map((call) => JSON.stringify(call))) - calls.length;
      const results = await agent.perform(calls);
      calls.forEach((_, i) => {
        trail[first + i] += ` -> ${JSON.stringify(results[i])}`;
      });
      if (trail.length > KEPT) trail.splice(0, trail.length - KEPT);
      return results;
    },
  };
  return { agent: recorded, trail };
}
