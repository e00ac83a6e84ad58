import { AGENT_ENDED } from '../image/init-script.js';

/** What a console says when the boot that it shows will lead nowhere. */
const SIGNS: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/\(XEN\).*Panic on CPU \d+:/, 'Xen panicked'],
  [/\(XEN\) Hardware Dom0 (?:crashed|halted|shutdown)/, 'dom0 ended'],
  [/\(XEN\) (?:Could not (?:construct|set up) DOM0|Domain 0 crashed)/i, 'Xen could not start dom0'],
  [/Kernel panic - not syncing/, "dom0's kernel panicked"],
  [new RegExp(AGENT_ENDED), 'the agent ended at its start'],
];

/** Why nothing more is to be expected of a boot; undefined while there is hope. */
export function bootFailure(console: string): string | undefined {
  // The text that explains a panic follows its first line.
  const complete = console.slice(0, console.lastIndexOf('\n') + 1);
  return SIGNS.find(([pattern]) => pattern.test(complete))?.[1];
}
