import { createHash } from 'node:crypto';
import type { Made } from '../check/keeper.js';
import { withoutConfigs } from '../program/counterexample.js';
import { printProgram } from '../program/print.js';
import type { Program } from '../program/program.js';
import type { VerifyBounds } from '../program/verify.js';
import type { Edition } from '../xen/editions/edition.js';
import { version } from './version.js';

/**
 * What a search's checkpoint is of: who goes on from one must search the same. How many states, and how long, may be
 * bounded otherwise.
 */
export function madeOf(program: Program, edition: Edition, bounds: VerifyBounds): Made {
  const { search, memo: _, ...alphabet } = bounds;
  const { edition: _asked, ...whole } = withoutConfigs(program, edition, []);
  return {
    version: version(),
    edition: `${edition.name} ${digest(edition.profile)}`,
    bounds: digest({ ...alphabet, deeper: search.deeper }),
    machine: digest(program.machine),
    program: digest(printProgram(whole)),
  };
}

/** A few digits that stand for a value, not to be shown. */
function digest(value: unknown): string {
  return `sha256 ${createHash('sha256').update(JSON.stringify(value)).digest('hex')}`;
}
