import { readAddress, readEntry } from '../program/argument-kinds.js';
import { LOOP_END } from '../program/execution.js';
import { OPERATION_BY_NAME, type Parameter } from '../program/operations.js';
import type { Argument, Statement } from '../program/program.js';
import type { NamesGiven } from '../program/scene.js';
import type { Timeline } from '../program/timeline.js';
import { hex } from '../text/hex.js';

/** A statement as an action: names of pages, which a program gives as it goes, are frames. */
export type OwnStatement = Pick<Statement, 'op' | 'args'>;

/** What a program does behind a step, in words that mean the same wherever they are said. */
export interface Story {
  /** By step, from the one behind `from` on; undefined where nothing is done to the machine. */
  readonly statements: readonly (OwnStatement | undefined)[];
  /** Names that it gives to domains and handles which have none before. */
  readonly names: NamesGiven;
}

/** Statements that are there for who reads the program. */
const NOTHING_DONE: ReadonlySet<string> = new Set([LOOP_END, 'mark', 'same_state', 'checks']);

/** What names stand for. */
interface Meaning {
  readonly domains: ReadonlyMap<string, number>;
  readonly pages: ReadonlyMap<string, number>;
  readonly handles: ReadonlyMap<string, number>;
}

/** Reads what a run does in steps `from` + 1 to `to`: the timeline is where it was afterwards. */
export function storyOf(timeline: Timeline, from: number, to: number): Story {
  const { position } = timeline;
  const teller = new Teller(timeline, from);
  const statements: (OwnStatement | undefined)[] = [];
  for (let step = from + 1; step <= to; step++) statements.push(teller.tell(step));
  timeline.seek(position);
  return { statements, names: teller.names };
}

class Teller {
  readonly names = { domains: new Map<number, string>(), handles: new Map<number, string>() };
  private readonly timeline: Timeline;
  private before: Meaning;

  constructor(timeline: Timeline, from: number) {
    this.timeline = timeline;
    this.before = meaningAt(timeline, from);
    // What the scene has named goes by these names.
    for (const [name, slot] of this.before.domains) this.names.domains.set(slot, name);
    for (let step = 1; step <= from; step++) this.noteHandle(timeline.statement(step), this.before, true);
  }

  tell(step: number): OwnStatement | undefined {
    const statement = this.timeline.statement(step);
    if (NOTHING_DONE.has(statement.op)) return undefined;
    const after = meaningAt(this.timeline, step);
    this.noteDomain(statement, after);
    this.noteHandle(statement, after, false);
    const { parameters } = OPERATION_BY_NAME.get(statement.op)!;
    const told: Record<string, Argument> = {};
    for (const parameter of parameters) {
      const value = statement.args[parameter.name];
      if (value !== undefined) told[parameter.name] = this.say(parameter, value, statement, after);
    }
    const slot = after.domains.get(String(statement.args.domain));
    const makes = parameters.some(({ kind }) => kind === 'newDomain');
    const choosesDomid = makes && parameters.some(({ name }) => name === 'domid');
    if (choosesDomid && told.domid === undefined && slot !== undefined) told.domid = slot;
    this.before = after;
    return { op: statement.op, args: told };
  }

  private noteDomain({ op, args }: Statement, after: Meaning): void {
    const makes = OPERATION_BY_NAME.get(op)!.parameters.some(({ kind }) => kind === 'newDomain');
    const slot = after.domains.get(String(args.domain));
    if (makes && slot !== undefined && !this.names.domains.has(slot))
      this.names.domains.set(slot, String(args.domain));
  }

  /** A handle's name is the first that is given to it, or, in the scene, the last; no two have the same. */
  private noteHandle({ op, args }: Statement, at: Meaning, replaces: boolean): void {
    if (op !== 'map_grant_ref' && op !== 'begin map_grant_ref') return;
    const row = this.rowOf(args, at);
    if (row === undefined || (!replaces && this.names.handles.has(row))) return;
    const isTaken = [...this.names.handles].some(([other, name]) => name === args.handle && other !== row);
    if (!isTaken) this.names.handles.set(row, String(args.handle));
  }

  private rowOf({ domain, handle }: Statement['args'], { domains, handles }: Meaning): number | undefined {
    const [mapper, number] = [domains.get(String(domain)), handles.get(String(handle))];
    if (mapper === undefined || number === undefined) return undefined;
    return mapper * this.timeline.xen.spec.limits.handles + number;
  }

  /** An argument without names that could come to stand for something else. */
  private say({ kind }: Parameter, value: Argument, { args }: Statement, after: Meaning): Argument {
    const { before, names } = this;
    const frame = (page: string | number) => (typeof page === 'number' ? page : before.pages.get(page));
    switch (kind) {
      case 'domain':
      case 'newDomain': {
        const slot = (kind === 'domain' ? before : after).domains.get(String(value));
        return (slot === undefined ? undefined : names.domains.get(slot)) ?? value;
      }
      case 'page':
        return frame(value as string | number) ?? value;
      case 'newPage':
        return after.pages.get(String(value)) ?? value;
      case 'address': {
        const read = typeof value === 'number' ? undefined : readAddress(String(value));
        const page = read === undefined || 'address' in read ? undefined : frame(read.page);
        return page === undefined ? value : page * 0x1000 + (read as { offset: number }).offset;
      }
      case 'entry': {
        const read = readEntry(String(value));
        const page = read === undefined ? undefined : frame(read.page);
        return page === undefined ? value : `${hex(page)}[${read!.index}]`;
      }
      case 'handle':
      case 'newHandle': {
        const row = this.rowOf({ ...args, handle: value }, kind === 'handle' ? before : after);
        return (row === undefined ? undefined : names.handles.get(row)) ?? value;
      }
      default:
        return value;
    }
  }
}

/** Takes the timeline there. */
function meaningAt(timeline: Timeline, step: number): Meaning {
  timeline.seek(step);
  const { domains, pages, handles } = timeline.names;
  return { domains: new Map(domains), pages: new Map(pages), handles: new Map(handles) };
}
