import type { Model, Property, Symmetry } from '../../src/check/model.js';
import { Store } from '../../src/store/store.js';
import { decimal, enumeration, Layout, optional } from '../../src/store/table.js';
import { renamings } from './symmetry.js';

/**
 * A hypervisor of nineteen rules, to show how to search something that is not Xen: two domains with a CPU each, pages with a
 * type and a count, grants, an IOMMU table a domain, and one device with an IOTLB that is flushed some time after it was
 * asked for. Hypercalls that must wait for the flush have two steps; whatever else happens comes in between.
 */

const DOMAINS = 2;

/** Types of a page. */
const Type = { none: 0, writable: 1, pageTable: 2 } as const;

/** What a page is granted for, what an IOMMU entry allows, and what the IOTLB remembers: nothing, reading, writing too. */
const Rights = { none: 0, read: 1, write: 2 } as const;

/** What a CPU waits in for the flush. */
const Waiting = { no: 0, promotion: 1, release: 2, unmap: 3 } as const;

const rightsField = enumeration(['none', 'read', 'write']);

/** One thing that can happen: performs it and returns true, or returns false and has changed nothing. */
type Rule = () => boolean;

/** What a rule is called, and the rule. */
interface NamedRule {
  readonly name: string;
  readonly rule: Rule;
}

/** What to leave out, to see what it was there for. */
export interface Mistakes {
  /** Promoting a page to a page table waits for no flush. */
  readonly promotesAtOnce?: boolean;
  /** A page is free as soon as it is released, whatever the IOTLB remembers. */
  readonly releasesAtOnce?: boolean;
}

export class MiniHypervisor implements Model {
  readonly state = new Store();
  readonly layout = new Layout(this.state);
  readonly actions: readonly NamedRule[];
  readonly actionCount: number;
  readonly properties: readonly Property[];
  readonly symmetries: readonly Symmetry[];
  private readonly pages: number;
  private readonly mistakes: Mistakes;
  private readonly page;
  private readonly iommu;
  private readonly cpu;
  private readonly device;

  /** @param pages how many pages of memory there are, from 1. */
  constructor(pages: number, mistakes: Mistakes = {}) {
    this.pages = pages;
    this.mistakes = mistakes;
    const { layout } = this;
    const domain = optional({ show: (slot) => `d${slot + 1}` });
    this.page = layout.table(
      'page',
      pages,
      {
        owner: domain,
        type: enumeration(['none', 'writable', 'page table']),
        count: decimal,
        granted: rightsField,
        mapped: enumeration(['no', 'yes']),
        iotlb: rightsField,
      },
      (page) => `page ${page}`,
    ).columns;
    this.iommu = layout.table(
      'iommu',
      DOMAINS * pages,
      { rights: rightsField },
      (row) => `d${Math.floor(row / pages) + 1} IOMMU table page ${row % pages}`,
    ).columns;
    this.cpu = layout.table(
      'cpu',
      DOMAINS,
      { waiting: enumeration(['no', 'promotion', 'release', 'unmap']), page: optional(decimal) },
      (slot) => `CPU of d${slot + 1}`,
    ).columns;
    this.device = layout.table(
      'device',
      1,
      { owner: domain, flush: enumeration(['done', 'asked for']) },
      () => 'device',
    ).columns;
    this.actions = this.rules();
    this.actionCount = this.actions.length;
    this.properties = [
      { id: 'no-write-to-page-table', violation: () => this.writtenPageTable() },
      { id: 'no-reach-of-free-page', violation: () => this.reachedFreePage() },
    ];
    this.symmetries = renamings(layout, pages, DOMAINS);
  }

  perform(action: number): boolean {
    return this.actions[action]!.rule();
  }

  private writtenPageTable(): string | undefined {
    if (this.device.flush.get(0) !== 0) return undefined;
    for (let p = 0; p < this.pages; p++) {
      const isTable = this.page.type.get(p) === Type.pageTable && this.page.count.get(p) !== 0;
      if (isTable && this.page.iotlb.get(p) === Rights.write)
        return `page ${p} is a page table, and the device can still write it`;
    }
    return undefined;
  }

  private reachedFreePage(): string | undefined {
    for (let p = 0; p < this.pages; p++) {
      if (this.page.owner.get(p) === 0 && this.page.iotlb.get(p) !== 0)
        return `page ${p} is free, and the device can still reach it`;
    }
    return undefined;
  }

  private rules(): NamedRule[] {
    const rules: NamedRule[] = [];
    for (let d = 0; d < DOMAINS; d++) {
      for (let p = 0; p < this.pages; p++) rules.push(...this.rulesOfPage(d, p));
      rules.push({ name: `d${d + 1}: goes on after the flush`, rule: () => this.goOn(d) });
    }
    rules.push(...this.rulesOfDevice());
    return rules;
  }

  private rulesOfPage(d: number, p: number): NamedRule[] {
    const named = (name: string, rule: Rule): NamedRule => ({ name: `d${d + 1}: ${name} page ${p}`, rule });
    return [
      named('takes', () => this.take(d, p)),
      named('maps writable', () => this.isMine(d, p) && this.getWritable(d, p)),
      named('unmaps', () => this.isMine(d, p) && this.putWritable(p)),
      named('makes a page table of', () => this.isMine(d, p) && this.promote(d, p)),
      named('no longer uses as a page table', () => this.isMine(d, p) && this.demote(p)),
      named('releases', () => this.isMine(d, p) && this.release(d, p)),
      named('grants for reading', () => this.isMine(d, p) && this.grant(p, Rights.read)),
      named('grants for writing', () => this.isMine(d, p) && this.grant(p, Rights.write)),
      named('ends the grant of', () => this.isMine(d, p) && this.endGrant(p)),
      named('maps for reading the granted', () => this.isTheirs(d, p) && this.mapReading(d, p)),
      named('maps for writing the granted', () => this.isTheirs(d, p) && this.mapWriting(d, p)),
      named('unmaps the granted', () => this.isTheirs(d, p) && this.unmapGranted(d, p)),
    ];
  }

  private rulesOfDevice(): NamedRule[] {
    const rules: NamedRule[] = [];
    for (let d = 0; d < DOMAINS; d++)
      rules.push({ name: `device: given to d${d + 1}`, rule: () => this.assign(d) });
    rules.push({ name: 'device: taken away', rule: () => this.deassign() });
    rules.push({ name: 'IOTLB: flushed', rule: () => this.flush() });
    for (let p = 0; p < this.pages; p++)
      for (let d = 0; d < DOMAINS; d++)
        rules.push({ name: `device: of d${d + 1} reaches page ${p}`, rule: () => this.reach(d, p) });
    return rules;
  }

  private row(d: number, p: number): number {
    return d * this.pages + p;
  }

  private isIdle(d: number): boolean {
    return this.cpu.waiting.get(d) === Waiting.no;
  }

  /** No hypercall that waits for a flush is about the page. */
  private isFree(p: number): boolean {
    return this.cpu.page.get(0) !== p + 1 && this.cpu.page.get(1) !== p + 1;
  }

  private isMine(d: number, p: number): boolean {
    return this.isIdle(d) && this.page.owner.get(p) === d + 1 && this.isFree(p);
  }

  private isTheirs(d: number, p: number): boolean {
    return this.isIdle(d) && this.page.owner.get(p) === DOMAINS - d && this.isFree(p);
  }

  private wait(d: number, p: number, what: number): void {
    this.device.flush.set(0, 1);
    this.cpu.waiting.set(d, what);
    this.cpu.page.set(d, p + 1);
  }

  private take(d: number, p: number): boolean {
    if (!this.isIdle(d) || this.page.owner.get(p) !== 0) return false;
    this.page.owner.set(p, d + 1);
    this.iommu.rights.set(this.row(d, p), Rights.write);
    return true;
  }

  /** Whether the page can be had writable once more. */
  private canBeWritable(p: number): boolean {
    const count = this.page.count.get(p);
    return (this.page.type.get(p) === Type.writable || count === 0) && count < 2;
  }

  private getWritable(d: number, p: number): boolean {
    if (!this.canBeWritable(p)) return false;
    this.page.type.set(p, Type.writable);
    this.iommu.rights.set(this.row(d, p), Rights.write);
    this.page.count.add(p, 1);
    return true;
  }

  private putWritable(p: number): boolean {
    const mappedForWriting =
      this.page.mapped.get(p) !== 0 && this.page.granted.get(p) === Rights.write ? 1 : 0;
    if (this.page.type.get(p) !== Type.writable || this.page.count.get(p) <= mappedForWriting) return false;
    this.page.count.add(p, -1);
    return true;
  }

  private promote(d: number, p: number): boolean {
    if (this.page.count.get(p) !== 0) return false;
    this.page.type.set(p, Type.pageTable);
    this.page.count.set(p, 1);
    this.iommu.rights.set(this.row(d, p), Rights.none);
    if (this.mistakes.promotesAtOnce !== true) this.wait(d, p, Waiting.promotion);
    return true;
  }

  private demote(p: number): boolean {
    if (this.page.type.get(p) !== Type.pageTable || this.page.count.get(p) !== 1) return false;
    this.page.count.set(p, 0);
    return true;
  }

  private release(d: number, p: number): boolean {
    if (this.page.count.get(p) !== 0 || this.page.granted.get(p) !== Rights.none) return false;
    this.iommu.rights.set(this.row(d, p), Rights.none);
    if (this.mistakes.releasesAtOnce !== true) this.wait(d, p, Waiting.release);
    else this.giveBack(p);
    return true;
  }

  private giveBack(p: number): void {
    this.page.owner.set(p, 0);
    this.page.type.set(p, Type.none);
  }

  private grant(p: number, rights: number): boolean {
    if (this.page.granted.get(p) !== Rights.none) return false;
    this.page.granted.set(p, rights);
    return true;
  }

  private endGrant(p: number): boolean {
    if (this.page.granted.get(p) === Rights.none || this.page.mapped.get(p) !== 0) return false;
    this.page.granted.set(p, Rights.none);
    return true;
  }

  private mapReading(d: number, p: number): boolean {
    if (this.page.granted.get(p) !== Rights.read || this.page.mapped.get(p) !== 0) return false;
    this.page.mapped.set(p, 1);
    this.iommu.rights.set(this.row(d, p), Rights.read);
    return true;
  }

  private mapWriting(d: number, p: number): boolean {
    if (this.page.granted.get(p) !== Rights.write || this.page.mapped.get(p) !== 0) return false;
    if (!this.canBeWritable(p)) return false;
    this.page.mapped.set(p, 1);
    this.iommu.rights.set(this.row(d, p), Rights.write);
    return this.getWritable(DOMAINS - 1 - d, p);
  }

  private unmapGranted(d: number, p: number): boolean {
    if (this.page.mapped.get(p) === 0) return false;
    this.iommu.rights.set(this.row(d, p), Rights.none);
    this.wait(d, p, Waiting.unmap);
    return true;
  }

  private goOn(d: number): boolean {
    const waiting = this.cpu.waiting.get(d);
    if (waiting === Waiting.no || this.device.flush.get(0) !== 0) return false;
    const p = this.cpu.page.get(d) - 1;
    if (waiting === Waiting.release) this.giveBack(p);
    if (waiting === Waiting.unmap) {
      this.page.mapped.set(p, 0);
      if (this.page.granted.get(p) === Rights.write) this.page.count.add(p, -1);
    }
    this.cpu.waiting.set(d, Waiting.no);
    this.cpu.page.set(d, 0);
    return true;
  }

  private assign(d: number): boolean {
    if (this.device.owner.get(0) !== 0) return false;
    this.device.owner.set(0, d + 1);
    return true;
  }

  private deassign(): boolean {
    if (this.device.owner.get(0) === 0) return false;
    this.device.owner.set(0, 0);
    this.forgetIotlb();
    return true;
  }

  private flush(): boolean {
    if (this.device.flush.get(0) === 0) return false;
    this.device.flush.set(0, 0);
    this.forgetIotlb();
    return true;
  }

  private forgetIotlb(): void {
    for (let p = 0; p < this.pages; p++) this.page.iotlb.set(p, Rights.none);
  }

  private reach(d: number, p: number): boolean {
    if (this.device.owner.get(0) !== d + 1 || this.page.iotlb.get(p) !== Rights.none) return false;
    const rights = this.iommu.rights.get(this.row(d, p));
    if (rights === Rights.none) return false;
    this.page.iotlb.set(p, rights);
    return true;
  }
}
