import { Names } from '../program/names.js';
import type { Argument, MachineDeclaration, Statement } from '../program/program.js';
import type { Edition } from '../xen/editions/edition.js';
import { ownerOf } from '../xen/frames.js';
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

/** The arguments of a statement. */
export type Args = Record<string, Argument>;

/** Guests that a random program has at a time. */
export const MAX_GUESTS = 4;

/** The devices of random programs. */
export const deviceNames = ({ edus, nics }: ProgramShape): string[] => [
  ...Array.from({ length: edus }, (_, i) => `edu${i}`),
  ...Array.from({ length: nics }, (_, i) => `nic${i}`),
];

/** What the arguments of a random program's next statement are drawn from: what it has given names to so far. */
export class Stock {
  readonly names: Names;
  private readonly random: Random;
  private readonly shape: ProgramShape;
  private readonly model: Xen;
  /** Names that the program has introduced, whatever became of what they stand for. */
  private readonly guests: string[] = [];
  private readonly pages: string[] = [];
  private readonly handles: { readonly name: string; readonly domain: string }[] = [];
  /** Whether guests map grants in this program: each then needs a vCPU. */
  private readonly guestsMap: boolean;
  private fresh = 0;

  constructor(random: Random, shape: ProgramShape, model: Xen) {
    this.random = random;
    this.shape = shape;
    this.model = model;
    this.names = new Names(model);
    this.guestsMap = random.chance(0.4);
  }

  /** Remembers the names that a statement gives. */
  introduce({ op, args }: Statement): void {
    if (op === 'createdomain') this.guests.push(String(args.domain));
    if (op === 'populate_physmap') this.pages.push(String(args.page));
    if (op === 'memory_exchange') this.pages.push(String(args.newpage));
    if (op === 'map_grant_ref') this.handles.push({ name: String(args.handle), domain: String(args.domain) });
  }

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
