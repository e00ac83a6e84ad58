import { calls } from './calls.js';
import { devices } from './devices.js';
import { difference } from './difference.js';
import { editionChoices } from './editions.js';
import { grants } from './grants.js';
import type { Here } from './here.js';
import { invariants } from './invariants.js';
import { language } from './language.js';
import { imaginedAccess, lastAccess } from './last-access.js';
import { disagreements } from './machine/disagreements.js';
import { domainEntries } from './machine/domain-entries.js';
import { domains } from './machine/domains.js';
import { frames } from './machine/frames.js';
import { outcome } from './outcome.js';
import { placeInText } from './place-in-text.js';
import { possible } from './possible.js';
import { deviceNames } from './reach/requesters.js';
import { searchable } from './search/searchable.js';
import { stepOfLine } from './step-of-line.js';
import { steps } from './steps.js';
import { summary } from './summary.js';
import { whyErrno } from './why-errno.js';
import { writers } from './writers.js';

/**
 * All that the explorer can show of a place in a run, by name. A view takes the place and plain arguments, and gives plain
 * data that can be sent from one thread to another. The page asks for those that are on the screen, at every step.
 */
export const VIEWS = {
  calls,
  deviceNames,
  devices,
  difference,
  editions: editionChoices,
  grants,
  invariants,
  language,
  lastAccess,
  disagreements,
  domainEntries,
  domains,
  frames,
  outcome,
  placeInText,
  possible,
  searchable,
  stepOfLine,
  steps,
  summary,
  walk: imaginedAccess,
  whyErrno,
  writers,
} satisfies Readonly<Record<string, (here: Here, args: never) => unknown>>;

export type ViewName = keyof typeof VIEWS;
/** What a view wants to know beside the place; undefined where it wants nothing. */
export type ViewArgs<N extends ViewName> = Parameters<(typeof VIEWS)[N]>[1];
export type ViewAnswer<N extends ViewName> = ReturnType<(typeof VIEWS)[N]>;
