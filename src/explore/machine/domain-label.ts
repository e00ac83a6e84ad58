import type { Here } from '../here.js';

/** A domain as Xen prints it, and as the program calls it. */
export interface DomainLabel {
  readonly slot: number;
  /** `d1` */
  readonly name: string;
  /** What the program calls it now, where that is another name. */
  readonly called: string | undefined;
}

/** How a domain is called: by Xen, and by the program, which has no name for dom0. */
export function domainLabel({ xen, names }: Here, slot: number): DomainLabel {
  const called = [...names.domains].findLast(([, named]) => named === slot)?.[0];
  const name = xen.domainName(slot);
  return { slot, name, called: slot === 0 ? undefined : called };
}
