import { InputError } from '../text/diagnostic.js';
import type { Edition } from '../xen/editions/edition.js';
import type { ActionNames } from './alphabet-action.js';
import { type Program, statementsOf } from './program.js';
import { Run, type StepResult } from './runner.js';

/**
 * Runs a program that sets the scene for a search.
 * @throws InputError when an operation is refused that the program expects to succeed, and no broken invariant accounts
 *   for it: what the program is about would not be there to search.
 */
export function runScene(program: Program, edition: Edition): Run {
  const run = new Run(program, edition, { changes: false });
  run.execute();
  const refused = run.results.find(isRefused);
  if (refused === undefined || run.results.some(({ violations }) => violations.length > 0)) return run;
  const { op, status, line } = refused;
  throw new InputError({
    severity: 'error',
    code: 'no-scene',
    message: `on Xen ${edition.name} the scene is never reached: \`${op}\` answers ${status}, where ok is expected`,
    file: program.file,
    line: Math.max(1, line),
    column: 1,
  });
}

function isRefused({ status, unexpected }: StepResult): boolean {
  return status !== 'fault' && unexpected.includes(`expected ok, got ${status}`);
}

/** Names by what they stand for: domains by slot, handles by their row of the table of all mappers' handles. */
export interface NamesGiven {
  readonly domains: ReadonlyMap<number, string>;
  readonly handles: ReadonlyMap<number, string>;
}

const NO_NAMES: NamesGiven = { domains: new Map(), handles: new Map() };

/**
 * Names for what a search does after a program: the program's own; `later` ones, that it would give if it went on; and for
 * handles that have neither fresh ones.
 */
export function actionNames(
  program: Program,
  { xen, names }: Run,
  later: NamesGiven = NO_NAMES,
): ActionNames {
  const domains = new Map([...names.domains].map(([name, slot]) => [slot, name]));
  const handles = new Map<number, string>();
  const taken = new Set<string>(later.handles.values());
  for (const { op, args } of statementsOf(program.steps)) {
    if (op !== 'map_grant_ref' && op !== 'begin map_grant_ref') continue;
    const name = String(args.handle);
    taken.add(name);
    const [mapper, handle] = [names.domains.get(String(args.domain)), names.handles.get(name)];
    if (mapper !== undefined && handle !== undefined)
      handles.set(mapper * xen.spec.limits.handles + handle, name);
  }
  const fresh = (name: string): string => (taken.has(name) ? fresh(`${name}_`) : name);
  const ofHandle = (row: number) => handles.get(row) ?? later.handles.get(row);
  return {
    domain: (slot) => domains.get(slot) ?? later.domains.get(slot) ?? `d${slot}`,
    handle: (mapper, handle) =>
      ofHandle(mapper * xen.spec.limits.handles + handle) ?? fresh(`h${mapper}_${handle}`),
  };
}
