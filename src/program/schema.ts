import { z } from 'zod';
import type { DeviceType, RegionKind } from '../xen/machine.js';
import { ARGUMENT_KINDS, type Value, type ValueKind } from './argument-kinds.js';
import { DECLARATION_BY_NAME, type ShapeParameter } from './declarations.js';
import { EXPECTATIONS } from './expectations.js';
import { OPERATIONS, type Operation } from './operations.js';
import {
  GNTTAB_WORDS,
  type GnttabWord,
  LIMIT_NAMES,
  REGION_FLAGS,
  type RegionFlag,
  UNIT_FLAGS,
} from './program.js';
import { offer, quote } from './refuse.js';

/** The JSON form of a program, from the same tables as the text form. */

/** Kinds whose arguments may be JSON numbers; numbers may also be strings in the way of the text form, `"0x10"`. */
const NUMERIC: ReadonlySet<string> = new Set(['page', 'newPage', 'address', 'number']);

/** The schema of each kind: a value that comes out in the way in which programs hold it. */
const VALUES = Object.fromEntries(
  Object.entries(ARGUMENT_KINDS).map(([kind, { expected, pattern, read }]) => {
    const error = `expected ${expected}`;
    const text = z.string({ error }).regex(pattern, { error });
    const written = NUMERIC.has(kind) ? z.union([z.int({ error }).min(0, { error }), text], { error }) : text;
    const value = written.transform((value, context): Value => {
      const result = read(String(value));
      if (result !== undefined) return result;
      context.addIssue({ code: 'custom', message: error });
      return z.NEVER;
    });
    return [kind, value.meta({ id: kind, description: expected })];
  }),
) as unknown as Record<ValueKind, z.ZodType<Value>>;

const number = VALUES.number as z.ZodType<number>;
const textOf = (kind: ValueKind) => VALUES[kind] as z.ZodType<string>;

const oneOf = (words: readonly string[]): z.ZodType<string> =>
  z.enum(words as [string, ...string[]], {
    error: ({ input }) =>
      typeof input === 'string'
        ? `cannot be ${quote(input)}; ${offer(input, words)}`
        : `expected one of: ${words.join(', ')}`,
  });

const flagsOf = (words: readonly string[]): z.ZodType<string[]> =>
  z
    .array(oneOf(words), { error: `expected a list of flags: ${words.join(', ')}` })
    .refine((flags) => new Set(flags).size === flags.length, { error: 'a flag is given twice' })
    .meta({ uniqueItems: true });

function argumentOf({ kind, words = [], doc, optional }: ShapeParameter): z.ZodType {
  const schema = kind === 'flags' ? flagsOf(words) : kind === 'word' ? oneOf(words) : VALUES[kind];
  return optional ? schema.describe(doc).optional() : schema.describe(doc);
}

/** An object that has no other fields than these. */
function only<Fields extends z.ZodRawShape>(
  what: string,
  fields: Fields,
): z.ZodObject<Fields, z.core.$strict> {
  const known = Object.keys(fields);
  return z.strictObject(fields, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return `expected ${what}`;
      const [key = ''] = issue.keys as string[];
      return `${what} has no ${quote(key)}; ${offer(key, known)}`;
    },
  });
}

const EXPECTED =
  'expected a status such as "ok", or {"fault": TEXT}, {"violation": INVARIANT}, {"change": TEXT}';
const expectation = z
  .union(
    [
      z.string().describe('the status'),
      ...EXPECTATIONS.map(({ word, doc }) => z.strictObject({ [word]: z.string() }).describe(doc)),
    ],
    { error: EXPECTED },
  )
  .meta({ id: 'expectation' });

const expectations = z.array(expectation, { error: 'expected a list of expectations' });

const operationOf = ({ name, doc, parameters }: Operation) =>
  only(quote(name), {
    op: z.literal(name),
    ...Object.fromEntries(parameters.map((parameter) => [parameter.name, argumentOf(parameter)])),
    expect: expectations.optional(),
  }).describe(doc);

export const OPERATION_SCHEMAS: ReadonlyMap<string, ReturnType<typeof operationOf>> = new Map(
  OPERATIONS.map((operation) => [operation.name, operationOf(operation)]),
);

const TIMES = { error: 'expected a number of times from 1, or "forever"' };
const times = z
  .union([z.literal('forever'), z.int(TIMES).min(1, TIMES)], TIMES)
  .describe('how often, or until the state recurs');

/** A block whose steps are still to be looked at. */
export const REPEAT_SCHEMA = only('`repeat`', {
  repeat: times,
  body: z.array(z.unknown(), { error: 'expected a list of steps' }),
  expect: expectations.optional(),
});

const docOf = (declaration: string): string => DECLARATION_BY_NAME.get(declaration)!.doc;
const wordOf = <Word extends string>(declaration: string, parameter: string): z.ZodType<Word> => {
  const { parameters } = DECLARATION_BY_NAME.get(declaration)!;
  return oneOf(parameters.find((candidate) => candidate.name === parameter)!.words!) as z.ZodType<Word>;
};
const flag = z.boolean({ error: 'expected true or false' });

const frames = { first: number, last: number };
const inOrder = ({ first, last }: { first: number; last: number }): boolean => first <= last;
const ORDER = { error: 'the last frame lies before the first' };
const range = only('a range of frames', frames).refine(inOrder, ORDER);

export const MACHINE_SCHEMA = only('the machine', {
  arch: wordOf<'x86' | 'arm'>('machine', 'arch').describe(docOf('machine')).optional(),
  ram: z.array(range, { error: 'expected a list of ranges' }).min(1).describe(docOf('ram')).optional(),
  xenHeap: range.describe(docOf('xen-heap')).optional(),
  iommu: wordOf<'vtd' | 'amdvi' | 'smmu' | 'smmuv3' | 'none'>('iommu', 'kind')
    .describe(docOf('iommu'))
    .optional(),
  smmuPath: textOf('treePath').optional(),
  s1cbndx: number.optional(),
  smmuBanks: number.optional(),
  smmuMappings: number.optional(),
  streamBits: number.optional(),
  sharept: flag.optional(),
  quarantine: flag.optional(),
  verbosity: (oneOf(['quiet', 'verbose', 'debug']) as z.ZodType<'quiet' | 'verbose' | 'debug'>).optional(),
  scratchPage: flag.optional(),
  dom0Mode: wordOf<'relaxed' | 'strict' | 'passthrough'>('dom0', 'mode').describe(docOf('dom0')).optional(),
  dom0Pages: number.optional(),
  noDom0: flag.optional(),
  dom0PageTables: number.optional(),
  devices: z
    .array(
      only('a device', {
        name: textOf('name'),
        address: textOf('deviceAddress'),
        stream: number.optional(),
        alias: textOf('deviceAddress').optional(),
        type: wordOf<DeviceType>('device', 'type').optional(),
        phantom: number.optional(),
        behind: textOf('name').optional(),
        vfof: textOf('name').optional(),
        withheld: flag.optional(),
        hidden: flag.optional(),
        absent: flag.optional(),
        unprotected: flag.optional(),
      }),
      { error: 'expected a list of devices' },
    )
    .describe(docOf('device'))
    .optional(),
  streams: z
    .array(only('a stream', { device: textOf('name'), stream: number }), {
      error: 'expected a list of streams',
    })
    .describe(docOf('stream'))
    .optional(),
  reserved: z
    .array(
      only('a reserved region', {
        ...frames,
        device: textOf('name'),
        also: textOf('name').optional(),
        access: wordOf<'rw' | 'ro' | 'wo'>('reserved', 'access').optional(),
      }).refine(inOrder, ORDER),
      { error: 'expected a list of reserved regions' },
    )
    .describe(docOf('reserved'))
    .optional(),
  regions: z
    .array(
      only('a region of the memory map', {
        ...frames,
        kind: wordOf<RegionKind>('e820', 'kind'),
        flags: z
          .array(oneOf([...REGION_FLAGS]) as z.ZodType<RegionFlag>, { error: 'expected a list of flags' })
          .optional(),
      }).refine(inOrder, ORDER),
      { error: 'expected a list of regions' },
    )
    .describe(docOf('e820'))
    .optional(),
  mapInclusive: flag.optional(),
  mapReserved: flag.optional(),
  gnttab: z
    .array(oneOf(GNTTAB_WORDS) as z.ZodType<GnttabWord>, { error: 'expected a list of words' })
    .describe(docOf('gnttab'))
    .optional(),
  units: z
    .array(
      only('a unit', {
        name: textOf('name'),
        devices: textOf('names').optional(),
        domain_ids: number.optional(),
        mamv: number.optional(),
        levels: number.optional(),
        superpages: number.optional(),
        flags: z.array(oneOf([...UNIT_FLAGS]), { error: 'expected a list of flags' }).optional(),
      }),
      { error: 'expected a list of units' },
    )
    .describe(docOf('unit'))
    .optional(),
  limits: only('`limits`', Object.fromEntries(LIMIT_NAMES.map((limit) => [limit, number.optional()])))
    .describe(docOf('limits'))
    .optional(),
});

const config = only('a config', {
  name: textOf('newDomain'),
  file: textOf('file'),
  pages: number.optional(),
});

const top = {
  $schema: z.string().optional(),
  edition: textOf('edition').describe(docOf('xen')).optional(),
  machine: MACHINE_SCHEMA.optional(),
  configs: z.array(config, { error: 'expected a list of configs' }).describe(docOf('config')).optional(),
};

/** A program whose steps are still to be looked at. */
export const PROGRAM_SCHEMA = only('a program', {
  ...top,
  steps: z.array(z.unknown(), { error: 'expected a list of steps' }),
});

/** A whole program: what is published. Reading goes step by step instead, for its errors say more. */
export const WHOLE_SCHEMA: z.ZodType = z.lazy(() => {
  const step: z.ZodType = z
    .union([
      ...OPERATION_SCHEMAS.values(),
      z.strictObject({ repeat: times, body: z.array(z.lazy(() => step)), expect: expectations.optional() }),
    ])
    .meta({ id: 'step' });
  return z.strictObject({ ...top, steps: z.array(step) });
});

/** The JSON Schema of the JSON form, docs/program.schema.json. */
export function programJsonSchema(): object {
  const schema = z.toJSONSchema(WHOLE_SCHEMA, { io: 'input', target: 'draft-2020-12' });
  return { title: 'A dommu program', ...schema };
}
