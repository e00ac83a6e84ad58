import { beginning, CALLS } from './operations/calls.js';
import { DEVICES } from './operations/devices.js';
import { DOMAINS } from './operations/domains.js';
import { EXCLUSIONS } from './operations/exclusions.js';
import { GRANTS } from './operations/grants.js';
import { MEMORY } from './operations/memory.js';
import type { Operation, Parameter } from './operations/operation.js';
import { PAGE_TABLES } from './operations/page-tables.js';
import { PROGRAM } from './operations/program.js';

export type { Operation, Parameter, ParameterKind } from './operations/operation.js';

const WHOLE: readonly Operation[] = [
  ...DOMAINS,
  ...MEMORY,
  ...PAGE_TABLES,
  ...GRANTS,
  ...DEVICES,
  ...EXCLUSIONS,
  ...CALLS,
  ...PROGRAM,
];

/**
 * The operations of the program language, as data. From this table follow the text form, the JSON form and its schema,
 * the reference in docs/program.md, and what the runner accepts. Names are those of the hypercalls.
 */
export const OPERATIONS: readonly Operation[] = [
  ...WHOLE,
  ...WHOLE.filter(({ preemptible }) => preemptible).map(beginning),
];

export const OPERATION_BY_NAME: ReadonlyMap<string, Operation> = new Map(
  OPERATIONS.map((operation) => [operation.name, operation]),
);

/** How an operation is written: `populate_physmap DOMAIN PAGE [gfn=N] [count=N]`. */
export function usage(operation: {
  readonly name: string;
  readonly parameters: readonly (Omit<Parameter, 'kind'> & { readonly kind: string })[];
}): string {
  const part = (parameter: (typeof operation.parameters)[number]): string => {
    const { name, kind, words = [], keyed, optional } = parameter;
    if (kind === 'flags') return words.map((word) => `[${word}]`).join(' ');
    const value = kind === 'word' ? words.join('|') : keyed && kind === 'number' ? 'N' : name.toUpperCase();
    const text = keyed ? `${name}=${value}` : value;
    return optional ? `[${text}]` : text;
  };
  return [operation.name, ...operation.parameters.map(part)].join(' ');
}
