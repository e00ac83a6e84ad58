import { InputError } from '../text/diagnostic.js';
import { suggest } from '../text/suggest.js';
import type { Bug, Inexpressible } from './bug.js';
import { DEVICE_BUGS, DEVICE_BUGS_INEXPRESSIBLE } from './devices.js';
import { GRANT_BUGS, GRANT_BUGS_INEXPRESSIBLE } from './grants.js';
import { MEMORY_BUGS, MEMORY_BUGS_INEXPRESSIBLE } from './memory.js';
import { PAGE_BUGS, PAGE_BUGS_INEXPRESSIBLE } from './pages.js';

/** Bugs of Xen's history that the search finds again: page types, grants, memory, devices. */
export const GALLERY: readonly Bug[] = [...PAGE_BUGS, ...GRANT_BUGS, ...MEMORY_BUGS, ...DEVICE_BUGS];

/** Those of the specification's list that the model cannot have, and what it lacks. */
export const INEXPRESSIBLE: readonly Inexpressible[] = [
  ...PAGE_BUGS_INEXPRESSIBLE,
  ...GRANT_BUGS_INEXPRESSIBLE,
  ...MEMORY_BUGS_INEXPRESSIBLE,
  ...DEVICE_BUGS_INEXPRESSIBLE,
];

/**
 * The bug called `id`, in capitals or not.
 * @param origin where the name comes from, for the error.
 * @throws InputError when there is none, or none that the model can have.
 */
export function requireBug(id: string, origin: string): Bug {
  const is = (one: { readonly id: string }) => one.id.toLowerCase() === id.toLowerCase();
  const bug = GALLERY.find(is);
  if (bug !== undefined) return bug;
  const lacking = INEXPRESSIBLE.find(is);
  const near = suggest(
    id,
    GALLERY.map((one) => one.id),
  );
  throw new InputError({
    severity: 'error',
    code: 'unknown-bug',
    message:
      lacking === undefined
        ? `the gallery has no bug \`${id}\``
        : `${lacking.id} cannot be put into the model, which lacks ${lacking.lacks}`,
    file: origin,
    line: 1,
    column: 1,
    hint: `\`dommu bugs\` lists them${lacking === undefined && near !== undefined ? `; did you mean \`${near}\`?` : ''}`,
  });
}
