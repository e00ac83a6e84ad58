/** The worst that a violation leads to, in the words of dommu's users; the gravest first. */
export const HARMS = ['isolation broken', 'crash', 'livelock', 'mapping lost', 'leak'] as const;

export type Harm = (typeof HARMS)[number];

/** For sorting: the gravest first. */
export const byHarm = (one: Harm, other: Harm): number => HARMS.indexOf(one) - HARMS.indexOf(other);

export const isGraver = (one: Harm, other: Harm): boolean => byHarm(one, other) < 0;

/** What breaks an invariant: the facts in a sentence, and what they lead to. */
export interface Breach {
  readonly message: string;
  readonly harm: Harm;
}

export const breach = (harm: Harm, message: string): Breach => ({ harm, message });

/** Of what two rules of an invariant found, the graver; of two alike the first. */
export function graverOf(one: Breach | undefined, other: Breach | undefined): Breach | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return isGraver(other.harm, one.harm) ? other : one;
}

/** What violations of an invariant lead to, in a line: `mapping lost; isolation broken where a page …`. */
export function harmsText({
  harm,
  otherHarms = {},
}: {
  readonly harm: Harm;
  readonly otherHarms?: Readonly<Partial<Record<Harm, string>>>;
}): string {
  return [harm, ...Object.entries(otherHarms).map(([other, where]) => `${other} where ${where}`)].join('; ');
}
