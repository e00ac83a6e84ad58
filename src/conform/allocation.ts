import { Arguments, Nameless } from '../program/arguments.js';
import type { Outcome } from '../program/handlers/handler.js';
import { performStatement } from '../program/perform.js';
import type { Argument, Statement } from '../program/program.js';
import { errnoName } from '../xen/errno.js';
import { gfnOf } from '../xen/frames.js';
import { CannotRun, type RealXen } from './real-xen.js';

/**
 * Operations with which a domain gets pages. Which frames it gets is Xen's choice: the real one goes first, and the model
 * takes the frames that stand for those. Otherwise a frame that one side gives out again, and the other does not, would
 * make what still names it (an entry, a grant) mean different things.
 */
const PAGE_ARGUMENT: Readonly<Record<string, string>> = {
  populate_physmap: 'page',
  memory_exchange: 'newpage',
};

export const allocates = ({ op }: Statement): boolean => op in PAGE_ARGUMENT;

/** What both sides answered. */
export interface Allocation {
  readonly model: Outcome;
  readonly real: Outcome;
}

/** Carries out an operation that gives pages, on the real machine and then on the model. @throws CannotRun */
export async function allocate(real: RealXen, statement: Statement, file: string): Promise<Allocation> {
  const parameter = PAGE_ARGUMENT[statement.op]!;
  if (Number(statement.args.order ?? 0) > 0)
    throw new CannotRun('an extent of many pages: the lab asks for single ones');
  const run = (args: Statement['args']): Outcome =>
    performStatement(real.model, real.names, { ...statement, args }, file);
  let got: { readonly status: string; readonly mfns: readonly number[] };
  try {
    got = await REQUESTS[statement.op]!(real, new Arguments(statement.args, real.names, real.model));
  } catch (error) {
    if (!(error instanceof Nameless)) throw error;
    const model = run(statement.args);
    return { model, real: model };
  }
  const {
    count = 1,
    gfn = 0,
    ...single
  } = statement.args as Record<string, Argument> & {
    count?: number;
    gfn?: number;
  };
  const asked = statement.args[parameter]!;
  const pages = statement.op === 'populate_physmap' ? count : 1;
  let model: Outcome = { status: 'ok' };
  for (let i = 0; i < pages && model.status === 'ok'; i++) {
    const mfn = got.mfns[i];
    const frame = typeof asked === 'number' ? asked + i : mfn === undefined ? undefined : real.frameFor(mfn);
    const where = statement.op === 'populate_physmap' ? { gfn: gfn + i } : {};
    model = run({ ...single, ...where, [parameter]: frame ?? `${String(asked)}_${i}` });
    if (model.status !== 'ok' || mfn === undefined || frame === undefined) continue;
    real.adopt(frame, mfn);
    if (i === 0 && typeof asked === 'string') real.names.pages.set(asked, frame);
  }
  return { model, real: { status: got.status } };
}

type Request = (
  real: RealXen,
  args: Arguments,
) => Promise<{ readonly status: string; readonly mfns: readonly number[] }>;

const REQUESTS: Readonly<Record<string, Request>> = {
  populate_physmap: async (real, args) => {
    const count = args.number('count', 1);
    const [{ rc, mfns }] = await real.agent.perform([
      {
        call: 'populate_physmap',
        domid: real.domid(args.domain()),
        count,
        gfn: args.number('gfn', 0),
      },
    ]);
    return { status: rc < 0 || mfns.length < count ? 'EBUSY' : 'ok', mfns };
  },
  memory_exchange: async (real, args) => {
    const slot = args.domain();
    const { model } = real;
    const domid = real.domid(slot);
    const translated = model.exists(slot) && model.isTranslated(slot);
    const frame = translated ? gfnOf(model, model.ram.indexOf(args.frame())) : await real.mfn(args.frame());
    const [{ rc, mfns }] = await real.agent.perform([{ call: 'memory_exchange', domid, frame }]);
    return { status: errnoName(rc), mfns };
  },
};
