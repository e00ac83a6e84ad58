/** Domains that are no guests but stand for something (xen/include/public/xen.h, DOMID_*). */
export const SPECIAL_DOMAINS: Readonly<
  Record<number, { readonly name: string; readonly printed: string; readonly meaning: string }>
> = {
  32752: { name: 'DOMID_SELF', printed: 'd[SELF]', meaning: 'whoever asks' },
  32753: {
    name: 'DOMID_IO',
    printed: 'd[IO]',
    meaning: 'the owner of device memory and, since 4.13, of quarantined devices',
  },
  32754: { name: 'DOMID_XEN', printed: 'd[XEN]', meaning: 'the owner of the hypervisor’s own pages' },
  32755: { name: 'DOMID_COW', printed: 'd[COW]', meaning: 'the owner of pages that domains share' },
  32756: { name: 'DOMID_INVALID', printed: 'd[INVALID]', meaning: 'no domain' },
  32767: { name: 'DOMID_IDLE', printed: 'd[IDLE]', meaning: 'the idle domain: no guest was running' },
};

const BY_PRINTED = new Map(Object.entries(SPECIAL_DOMAINS).map(([id, { printed }]) => [printed, Number(id)]));

/**
 * A domain as Xen and its tools print it: `1`, `d1`, `d1v0`, `dom1`, `d[IO]`. The special ones become their numbers,
 * `d[IO]` is 32753. Null for `NULL`, `-1` and what is no domain.
 */
export function domainOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const special = BY_PRINTED.get(text.replace(/v\d{1,4}$/, ''));
  if (special !== undefined) return special;
  const digits = /^(?:d|dom|domain)? ?(\d{1,5})(?:v\d{1,4})?$/i.exec(text)?.[1];
  return digits === undefined || Number(digits) > 0xffff ? null : Number(digits);
}

/** `d1`, or the special domain's name and what it is: `d[IO] (32753): the owner of …`. */
export function domainInWords(domid: number): string {
  const special = SPECIAL_DOMAINS[domid];
  return special === undefined
    ? `d${domid}`
    : `${special.printed} (${special.name}, ${domid}): ${special.meaning}`;
}
