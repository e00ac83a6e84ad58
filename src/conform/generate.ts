import type { Premise, ReachedRules } from '../coverage/reached.js';
import type { Situation } from '../coverage/situation.js';
import { bootMachine } from '../program/build.js';
import { Names } from '../program/names.js';
import { performStatement } from '../program/perform.js';
import {
  type Argument,
  completeMachine,
  type MachineDeclaration,
  type Program,
  type Statement,
} from '../program/program.js';
import type { Edition } from '../xen/editions/edition.js';
import { ownerOf } from '../xen/frames.js';
import { isPageTable } from '../xen/page-info.js';
import type { Xen } from '../xen/state.js';
import { Life } from '../xen/tables/domain.js';
import type { Random } from './random.js';

/** What random programs look like. */
export interface ProgramShape {
  readonly edition: Edition;
  readonly iommu: MachineDeclaration['iommu'];
  readonly dom0Mode: MachineDeclaration['dom0Mode'];
  /** Operations a program. */
  readonly length: number;
  /** Devices that can do DMA, and others. */
  readonly edus: number;
  readonly nics: number;
  /** Whether DMA tells anything on this machine. */
  readonly dma: boolean;
}

type Args = Record<string, Argument>;

/** Statements tried for each place in a program: the first that meets a rule not yet reached is taken. */
const CANDIDATES = 5;
/** How often an operation that succeeds is preferred to one that is refused. */
const PREFER_OK = 0.7;
const MAX_GUESTS = 4;
const REFS = 3;
const VA_SLOTS = 4;
const ENTRIES = 3;

/**
 * A random program, run on the model while it is written: only what the language accepts, seldom what Xen refuses, and
 * rather what meets a rule that no program has met so far (`reached`).
 */
export function randomProgram(
  name: string,
  random: Random,
  shape: ProgramShape,
  reached: ReachedRules,
): Program {
  return new Generator(name, random, shape, reached).write();
}

class Generator {
  private readonly name: string;
  private readonly random: Random;
  private readonly shape: ProgramShape;
  private readonly reached: ReachedRules;
  private readonly machine: MachineDeclaration;
  private readonly model: Xen;
  private readonly names: Names;
  private readonly steps: Statement[] = [];
  /** Names that the program has introduced, whatever became of what they stand for. */
  private readonly guests: string[] = [];
  private readonly pages: string[] = [];
  private readonly handles: { readonly name: string; readonly domain: string }[] = [];
  /** Whether guests map grants in this program: each then needs a vCPU. */
  private readonly guestsMap: boolean;
  private readonly choices: readonly { readonly op: string; readonly weight: number }[];
  private fresh = 0;

  constructor(name: string, random: Random, shape: ProgramShape, reached: ReachedRules) {
    this.name = name;
    this.random = random;
    this.shape = shape;
    this.reached = reached;
    this.machine = completeMachine({
      ram: [{ first: 0x100, last: 0x17f }],
      xenHeap: { first: 0x10, last: 0xff },
      iommu: shape.iommu,
      dom0Mode: shape.dom0Mode,
      devices: deviceNames(shape).map((device, i) => ({
        name: device,
        address: `0000:00:${(i + 4).toString(16).padStart(2, '0')}.0`,
      })),
      limits: { domains: MAX_GUESTS + 3, grant_frames: 4 },
    });
    this.model = bootMachine(this.machine, shape.edition.profile);
    this.names = new Names(this.model);
    this.guestsMap = random.chance(0.4);
    this.choices = Object.entries(WEIGHTS)
      .map(([op, weight]) => ({ op, weight }))
      .filter(({ op }) => op !== 'dma' || shape.dma);
  }

  write(): Program {
    while (this.steps.length < this.shape.length) {
      const chosen = this.choose();
      if (chosen === undefined) continue;
      const premise = this.reached.before(this.model, this.names, chosen);
      const { status } = performStatement(this.model, this.names, chosen, this.name);
      this.reached.after(premise, status);
      this.introduce(chosen);
      this.steps.push(chosen);
    }
    return { file: this.name, machine: this.machine, configs: [], steps: this.steps };
  }

  /** The next statement, or undefined when none of those thought of can be carried out. */
  private choose(): Statement | undefined {
    let best: Statement | undefined;
    let bestScore = -1;
    for (let i = 0; i < CANDIDATES; i++) {
      const statement = this.candidate();
      if (statement === undefined) continue;
      const tried = this.attempt(statement);
      if (tried === undefined) continue;
      if (this.reached.wouldBeNew(tried.premise, tried.status)) return statement;
      const score = (tried.status === 'ok' ? 1 : 0) + (this.random.chance(PREFER_OK) ? 0 : 1);
      if (score <= bestScore) continue;
      best = statement;
      bestScore = score;
    }
    return best;
  }

  /** What the model answers to a statement, without carrying it out for good; undefined where the host would go down. */
  private attempt(statement: Statement): { premise: Premise; status: string } | undefined {
    const { model, names } = this;
    const premise = this.reached.before(model, names, statement);
    if (isReckless(statement, premise.situation)) return undefined;
    const before = model.store.mark();
    const kept = [new Map(names.domains), new Map(names.pages), new Map(names.handles)] as const;
    const { status } = performStatement(model, names, statement, this.name);
    const down = model.hostBug !== undefined;
    model.store.rollback(before);
    [names.domains, names.pages, names.handles].forEach((map, i) => {
      map.clear();
      for (const [name, value] of kept[i]!) map.set(name, value);
    });
    return down ? undefined : { premise, status };
  }

  private introduce({ op, args }: Statement): void {
    if (op === 'createdomain') this.guests.push(String(args.domain));
    if (op === 'populate_physmap') this.pages.push(String(args.page));
    if (op === 'memory_exchange') this.pages.push(String(args.newpage));
    if (op === 'map_grant_ref') this.handles.push({ name: String(args.handle), domain: String(args.domain) });
  }

  private candidate(): Statement | undefined {
    const { op } = this.living().length === 0 ? { op: 'createdomain' } : this.random.weighted(this.choices);
    const args = ARGUMENTS[op]!(this);
    return args === undefined ? undefined : { line: 0, column: 0, op, args, expect: [] };
  }

  // What arguments are made of; used by ARGUMENTS below.

  chance(probability: number): boolean {
    return this.random.chance(probability);
  }

  below(limit: number): number {
    return this.random.below(limit);
  }

  freshName(kind: string): string {
    return `${kind}${this.fresh++}`;
  }

  /** Guests that exist, by name. */
  living(): string[] {
    return this.guests.filter((name) => {
      const slot = this.names.domains.get(name);
      return slot !== undefined && this.model.domain.life.get(slot) === Life.alive;
    });
  }

  /** Whether a domain says when it is made that it wants an IOMMU; before 4.13 it has one from its first device on. */
  get declaresIommu(): boolean {
    return this.model.profile.iommuContext === 'at-creation';
  }

  get canCreate(): boolean {
    return this.living().length < MAX_GUESTS;
  }

  guest(): string {
    const living = this.living();
    return this.chance(0.03) || living.length === 0
      ? this.random.pick(this.guests)
      : this.random.pick(living);
  }

  guestOrDom0(): string {
    return this.chance(0.15) ? 'dom0' : this.guest();
  }

  mapper(): string {
    return this.guestsMap && this.chance(0.6) ? this.guest() : 'dom0';
  }

  /** Something about a guest's own grant table, where guests have a vCPU that can ask. */
  byVcpu(make: (domain: string) => Args): Args | undefined {
    return this.guestsMap ? make(this.guest()) : undefined;
  }

  /** A page, mostly one of `domain`'s. */
  page(domain: string): string | undefined {
    if (this.pages.length === 0) return undefined;
    const slot = this.names.domains.get(domain);
    const own = this.pages.filter((name) => {
      const frame = this.names.pages.get(name);
      if (frame === undefined || slot === undefined) return false;
      return ownerOf(this.model, this.model.ram.indexOf(frame)) === slot;
    });
    return own.length > 0 && this.chance(0.9) ? this.random.pick(own) : this.random.pick(this.pages);
  }

  device(): string {
    return this.random.pick(deviceNames(this.shape));
  }

  edu(): string {
    return this.random.pick(deviceNames(this.shape).slice(0, this.shape.edus));
  }

  handle(): { readonly name: string; readonly domain: string } | undefined {
    return this.handles.length === 0 ? undefined : this.random.pick(this.handles.slice(-6));
  }

  rights(): string {
    return this.chance(0.75) ? 'rw' : 'ro';
  }
}

/** DMA that writes over a page table: from a device that may, Xen need not survive it. */
const isReckless = ({ op, args }: Statement, { type, count, device }: Situation): boolean =>
  op === 'dma' && args.access === 'write' && device === 'dom0' && isPageTable(type) && count > 0;

const deviceNames = ({ edus, nics }: ProgramShape): string[] => [
  ...Array.from({ length: edus }, (_, i) => `edu${i}`),
  ...Array.from({ length: nics }, (_, i) => `nic${i}`),
];

/** How often each operation comes up. DMA by QEMU's edu device takes a tenth of a second. */
const WEIGHTS: Readonly<Record<string, number>> = {
  createdomain: 4,
  destroydomain: 1.5,
  populate_physmap: 14,
  decrease_reservation: 6,
  memory_exchange: 2,
  max_mem: 1,
  pin_l1_table: 6,
  pin_l2_table: 2,
  pin_l3_table: 1,
  pin_l4_table: 3,
  unpin_table: 7,
  mmu_update: 10,
  update_va_mapping: 14,
  store: 4,
  grant: 8,
  end_grant: 3,
  map_grant_ref: 9,
  unmap_grant_ref: 7,
  grant_copy: 4,
  grant_transfer: 2,
  accept_transfer: 2,
  grant_transitive: 1,
  swap_grant_ref: 1.5,
  grant_set_version: 2,
  grant_get_version: 0.7,
  grant_setup_table: 0.7,
  grant_query_size: 0.7,
  grant_get_status_frames: 0.7,
  assign_device: 7,
  test_assign_device: 2,
  deassign_device: 4,
  dma: 0.5,
};

/** An optional argument, said now and then. */
const sometimes = (g: Generator, probability: number, args: Args): Args =>
  g.chance(probability) ? args : {};

function withPage(g: Generator, domain: string, make: (page: string) => Args | undefined): Args | undefined {
  const page = g.page(domain);
  return page === undefined ? undefined : make(page);
}

const pin = (g: Generator): Args | undefined => {
  const domain = g.guestOrDom0();
  return withPage(g, domain, (page) => ({ domain, page }));
};

/** The entry of a page, and what it is to point to. */
function entryWrite(g: Generator): Args | undefined {
  const domain = g.guest();
  return withPage(g, domain, (table) => {
    const entry = `${table}[${g.below(ENTRIES)}]`;
    const page = g.chance(0.8) ? g.page(domain) : undefined;
    return { domain, entry, ...(page === undefined ? {} : { page, rights: g.rights() }) };
  });
}

function assignment(g: Generator): Args {
  const domain = g.chance(0.12) ? 'dom_io' : g.chance(0.05) ? 'dom0' : g.guest();
  const device = g.chance(0.05) ? 'absent' : g.device();
  return { domain, device };
}

/** One end of a copy: a page of the caller's, or a grant, mostly somebody else's. */
function copyEnd(g: Generator, domain: string, end: 'from' | 'to'): Args | undefined {
  const offset = sometimes(g, 0.3, { [`${end}_offset`]: 8 * g.below(ENTRIES) });
  if (g.chance(0.4)) return withPage(g, domain, (page) => ({ [end]: page, ...offset }));
  return { [`${end}_ref`]: g.below(REFS), [`${end}_domain`]: g.guest(), ...offset };
}

/** Arguments for each operation, or undefined when there is nothing yet that it could be about. */
const ARGUMENTS: Readonly<Record<string, (g: Generator) => Args | undefined>> = {
  createdomain: (g) => {
    if (!g.canCreate) return undefined;
    const flags = [
      ...(g.chance(g.declaresIommu ? 0.8 : 0.03) ? ['iommu'] : []),
      ...(g.chance(0.03) ? ['hap'] : []),
    ];
    return {
      domain: g.freshName('g'),
      ...(flags.length > 0 ? { flags } : {}),
      ...sometimes(g, g.declaresIommu ? 0.1 : 0, { iommu_opts: g.chance(0.7) ? 1 : 2 }),
      ...sometimes(g, 0.02, { max_vcpus: 0 }),
      ...sometimes(g, 0.05, { domid: 1 + g.below(2) }),
      ...sometimes(g, 0.02, { raw_flags: 0x4000_0000 }),
      max_pages: g.chance(0.2) ? 3 : 12,
    };
  },
  destroydomain: (g) => ({ domain: g.chance(0.05) ? 'dom0' : g.guest() }),
  populate_physmap: (g) => ({ domain: g.guest(), page: g.freshName('P') }),
  decrease_reservation: (g) => {
    const domain = g.guestOrDom0();
    return withPage(g, domain, (page) => ({ domain, page }));
  },
  memory_exchange: (g) => {
    const domain = g.guest();
    return withPage(g, domain, (page) => ({ domain, page, newpage: g.freshName('P') }));
  },
  max_mem: (g) => ({ domain: g.guest(), pages: 2 + g.below(12) }),
  pin_l1_table: pin,
  pin_l2_table: pin,
  pin_l3_table: pin,
  pin_l4_table: pin,
  unpin_table: pin,
  mmu_update: entryWrite,
  store: entryWrite,
  update_va_mapping: (g) => {
    const domain = g.guestOrDom0();
    const va = g.below(VA_SLOTS);
    if (g.chance(0.3)) return { domain, va };
    const foreign = domain === 'dom0' && g.chance(0.7) ? g.guest() : undefined;
    return withPage(g, foreign ?? domain, (page) => ({
      domain,
      va,
      page,
      rights: g.rights(),
      ...(foreign === undefined ? {} : { of: foreign }),
    }));
  },
  grant: (g) => {
    const domain = g.guest();
    return withPage(g, domain, (page) => ({
      domain,
      ref: g.below(REFS),
      to: g.mapper(),
      page,
      ...(g.chance(0.3) ? { flags: ['readonly'] } : {}),
    }));
  },
  end_grant: (g) => ({ domain: g.guest(), ref: g.below(REFS) }),
  map_grant_ref: (g) => {
    const where = g.chance(0.7) ? ['host'] : g.chance(0.5) ? ['device'] : ['host', 'device'];
    return {
      domain: g.mapper(),
      handle: g.freshName('h'),
      granter: g.guest(),
      ref: g.chance(0.03) ? 5000 : g.below(REFS),
      flags: [...where, ...(g.chance(0.35) ? ['readonly'] : [])],
    };
  },
  unmap_grant_ref: (g) => {
    const handle = g.handle();
    if (handle === undefined) return undefined;
    const { domain, name } = handle;
    if (g.chance(0.15)) return { domain, handle: name, flags: [g.chance(0.5) ? 'host' : 'device'] };
    // The bus address may be any page's: Xen looks whether it is the mapping's.
    const address = g.chance(0.15) ? g.page(g.guest()) : undefined;
    return { domain, handle: name, ...(address === undefined ? {} : { dev_bus_addr: address }) };
  },
  grant_copy: (g) => {
    const domain = g.mapper();
    const [from, to] = [copyEnd(g, domain, 'from'), copyEnd(g, domain, 'to')];
    // Whole entries: half of one would name another frame on each side.
    return from === undefined || to === undefined ? undefined : { domain, ...from, ...to, length: 8 };
  },
  grant_transfer: (g) => {
    const domain = g.mapper();
    return withPage(g, domain, (page) => ({ domain, page, to: g.guest(), ref: g.below(REFS) }));
  },
  accept_transfer: (g) => ({ domain: g.guest(), ref: g.below(REFS), from: g.mapper() }),
  grant_transitive: (g) => ({
    domain: g.guest(),
    ref: g.below(REFS),
    to: g.mapper(),
    via: g.guest(),
    viaref: g.below(REFS),
    ...sometimes(g, 0.3, { flags: ['readonly'] }),
  }),
  swap_grant_ref: (g) => g.byVcpu((domain) => ({ domain, a: g.below(REFS), b: g.below(REFS) })),
  // Nothing that makes Xen take memory: it may take a page that the program has given back and still names.
  grant_set_version: (g) => g.byVcpu((domain) => ({ domain, version: g.chance(0.3) ? 3 : 1 })),
  grant_get_version: (g) => g.byVcpu((domain) => ({ domain, ...sometimes(g, 0.3, { of: g.guest() }) })),
  grant_setup_table: (g) =>
    g.byVcpu((domain) => ({ domain, frames: g.below(2), ...sometimes(g, 0.2, { of: g.guest() }) })),
  grant_query_size: (g) => g.byVcpu((domain) => ({ domain, ...sometimes(g, 0.3, { of: g.guest() }) })),
  grant_get_status_frames: (g) =>
    g.byVcpu((domain) => ({ domain, frames: g.below(3), ...sometimes(g, 0.2, { of: g.guest() }) })),
  assign_device: (g) => ({ ...assignment(g), ...sometimes(g, 0.08, { flags: g.chance(0.5) ? 1 : 0xff }) }),
  test_assign_device: assignment,
  deassign_device: assignment,
  dma: (g) => {
    const device = g.edu();
    return withPage(g, g.guest(), (page) => ({
      device,
      access: g.chance(0.5) ? 'read' : 'write',
      address: `${page}+0x${(8 * g.below(512)).toString(16)}`,
    }));
  },
};
