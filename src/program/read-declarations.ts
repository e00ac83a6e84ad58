import type { SourceText } from '../text/source.js';
import type { Declaration } from './declarations.js';
import type { Token } from './lexer.js';
import { type PlaceBook, START } from './places.js';
import {
  type ConfigDomain,
  completeMachine,
  type DeviceDeclaration,
  type LimitName,
  type MachineDeclaration,
  type Range,
  type RegionDeclaration,
  type ReservedDeclaration,
  type UnitDeclaration,
} from './program.js';
import type { ReadArguments } from './read-arguments.js';
import { inputError, quote, type Span } from './refuse.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What the declarations of a text say, as they are read one after the other. */
export class Draft {
  edition: string | undefined;
  readonly configs: ConfigDomain[] = [];
  readonly machine: Mutable<Partial<MachineDeclaration>> = {};
  /** Where each field of the machine was declared. */
  readonly fields: Record<string, Span> = {};
  /** Where each limit was declared. */
  readonly limits: Record<string, Span> = {};
  /** Line of the first declaration of each name. */
  readonly seen = new Map<string, number>();
  readonly places: PlaceBook;
  readonly source: SourceText;

  constructor(source: SourceText, places: PlaceBook) {
    this.source = source;
    this.places = places;
  }

  /** Takes in one declaration. */
  declare(declaration: Declaration, head: Token, read: ReadArguments): void {
    const { name } = declaration;
    const before = this.seen.get(name);
    if (before !== undefined && !declaration.repeats) {
      const message = `${quote(name)} is declared already on line ${before}`;
      throw inputError(this.source, head, { code: 'duplicate-declaration', message });
    }
    this.seen.set(name, before ?? head.line);
    APPLY[name]!(this, read.args as never, read.spans, head);
  }

  finish(): MachineDeclaration {
    const machine = completeMachine(this.machine);
    this.places.note(machine, START, this.fields);
    this.places.note(machine.limits, START, this.limits);
    return machine;
  }

  set<K extends keyof MachineDeclaration>(
    field: K,
    value: MachineDeclaration[K],
    span: Span | undefined,
  ): void {
    this.machine[field] = value;
    if (span !== undefined) this.fields[field] = span;
  }

  /** Adds an item to one of the machine's lists. */
  add<K extends 'ram' | 'devices' | 'streams' | 'reserved' | 'regions' | 'units'>(
    field: K,
    item: MachineDeclaration[K][number],
    head: Token,
    spans: ReadArguments['spans'],
  ): void {
    const list = (this.machine[field] ?? []) as MachineDeclaration[K][number][];
    list.push(item);
    this.machine[field] = list as unknown as MachineDeclaration[K];
    this.fields[field] ??= head;
    this.places.note(item, head, spans);
  }
}

type Apply<Args> = (draft: Draft, args: Args, spans: ReadArguments['spans'], head: Token) => void;
// The table checks each entry against its own arguments; the reader has made them as DECLARATIONS says.
const apply = <Args>(function_: Apply<Args>): Apply<never> => function_ as Apply<never>;

/** What each declaration does to the draft; the arguments are those of its row in DECLARATIONS. */
const APPLY: Readonly<Record<string, Apply<never>>> = {
  xen: apply<{ edition: string }>((draft, { edition }, spans) => {
    draft.edition = edition;
    draft.fields.edition = spans.edition!;
  }),
  machine: apply<Pick<MachineDeclaration, 'arch'>>((draft, { arch }, spans) =>
    draft.set('arch', arch, spans.arch),
  ),
  ram: apply<{ frames: Range }>((draft, { frames }, spans, head) => draft.add('ram', frames, head, spans)),
  'xen-heap': apply<{ frames: Range }>((draft, { frames }, spans, head) => {
    draft.set('xenHeap', frames, spans.frames);
    draft.places.note(frames, head, spans);
  }),
  iommu: apply<{
    kind: MachineDeclaration['iommu'];
    path?: string;
    s1cbndx?: number;
    banks?: number;
    mappings?: number;
    streambits?: number;
    flags?: string[];
  }>((draft, { kind, path, s1cbndx, banks, mappings, streambits, flags = [] }, spans) => {
    draft.set('iommu', kind, spans.kind);
    if (path !== undefined) draft.set('smmuPath', path, spans.path);
    if (s1cbndx !== undefined) draft.set('s1cbndx', s1cbndx, spans.s1cbndx);
    if (banks !== undefined) draft.set('smmuBanks', banks, spans.banks);
    if (mappings !== undefined) draft.set('smmuMappings', mappings, spans.mappings);
    if (streambits !== undefined) draft.set('streamBits', streambits, spans.streambits);
    const verbosity = flags.includes('debug') ? 'debug' : flags.includes('verbose') ? 'verbose' : undefined;
    if (verbosity !== undefined) draft.set('verbosity', verbosity, spans.flags);
    if (flags.includes('no-sharept')) draft.set('sharept', false, spans.flags);
    if (flags.includes('no-quarantine')) draft.set('quarantine', false, spans.flags);
    if (flags.includes('scratch-page')) draft.set('scratchPage', true, spans.flags);
  }),
  dom0: apply<{ mode?: MachineDeclaration['dom0Mode']; pages?: number; tables?: number; flags?: string[] }>(
    (draft, { mode, pages, tables, flags = [] }, spans) => {
      if (flags.includes('none')) draft.set('noDom0', true, spans.flags);
      if (flags.includes('map-inclusive')) draft.set('mapInclusive', true, spans.flags);
      if (flags.includes('no-map-inclusive')) draft.set('mapInclusive', false, spans.flags);
      if (flags.includes('no-map-reserved')) draft.set('mapReserved', false, spans.flags);
      if (mode !== undefined) draft.set('dom0Mode', mode, spans.mode);
      if (pages !== undefined) draft.set('dom0Pages', pages, spans.pages);
      if (tables !== undefined) draft.set('dom0PageTables', tables, spans.tables);
    },
  ),
  device: apply<DeviceDeclaration & { flags?: string[] }>((draft, { flags = [], ...device }, spans, head) => {
    draft.add(
      'devices',
      { ...device, ...Object.fromEntries(flags.map((flag) => [flag, true])) },
      head,
      spans,
    );
  }),
  stream: apply<{ device: string; stream: number }>((draft, stream, spans, head) =>
    draft.add('streams', stream, head, spans),
  ),
  unit: apply<UnitDeclaration>((draft, unit, spans, head) => draft.add('units', { ...unit }, head, spans)),
  reserved: apply<{ frames: Range } & Omit<ReservedDeclaration, keyof Range>>(
    (draft, { frames, ...rest }, spans, head) => draft.add('reserved', { ...frames, ...rest }, head, spans),
  ),
  e820: apply<{ frames: Range } & Omit<RegionDeclaration, keyof Range>>(
    (draft, { frames, ...rest }, spans, head) => draft.add('regions', { ...frames, ...rest }, head, spans),
  ),
  gnttab: apply<{ flags: MachineDeclaration['gnttab'] }>((draft, { flags }, spans) =>
    draft.set('gnttab', flags, spans.flags),
  ),
  limits: apply<Partial<Record<LimitName, number>>>((draft, limits, spans) => {
    for (const [name, value] of Object.entries(limits)) {
      if (draft.machine.limits?.[name as LimitName] !== undefined) {
        const message = `limit ${quote(name)} is declared already`;
        throw inputError(draft.source, spans[name]!, { code: 'duplicate-declaration', message });
      }
      draft.machine.limits = { ...draft.machine.limits, [name]: value };
      draft.limits[name] = spans[name]!;
    }
  }),
  config: apply<Omit<ConfigDomain, 'line' | 'column'>>((draft, config, spans, { line, column, length }) => {
    const domain = { ...config, line, column };
    draft.configs.push(domain);
    draft.places.note(domain, { line, column, length }, spans);
  }),
};
