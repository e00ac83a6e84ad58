import { GNTMAP } from '../formats/grant-v1.js';
import { InputError } from '../text/diagnostic.js';
import { stepCall } from '../xen/calls/dispatch.js';
import { Step, TOOLSTACK } from '../xen/calls/steps.js';
import { assignDevice, deassignDevice } from '../xen/device-domctl.js';
import { deviceOwner } from '../xen/devices.js';
import { destroyDomain } from '../xen/domain-death.js';
import { gfnOf, isDomainFrame, isFree } from '../xen/frames.js';
import { clearGrantEntry, grantEntryWord, writeGrantEntry } from '../xen/grant-entry.js';
import { mapGrantRef } from '../xen/grant-map.js';
import { unmapGrantRef } from '../xen/grant-unmap.js';
import { decreaseReservation, populatePhysmap } from '../xen/memory.js';
import { p2mLookup } from '../xen/p2m.js';
import { entryHigh, entryLow, mmuUpdate, pinTable, unpinTable, updateVaMapping } from '../xen/page-table.js';
import { isUntranslatedHwdom } from '../xen/rule.js';
import type { Xen } from '../xen/state.js';
import { Life } from '../xen/tables/domain.js';
import { guestStore } from '../xen/vcpu.js';
import type { AlphabetBounds } from './alphabet-bounds.js';
import { gfnsTried, refsTried } from './alphabet-examples.js';
import { addOperations, addStatements } from './alphabet-operations.js';
import { type AddAction, addFailures, addStep, addSteps } from './alphabet-steps.js';
import { deviceAccess } from './device-access.js';
import type { Argument, Statement } from './program.js';

/** One thing that some actor may try: an operation of the program language with its arguments fixed. */
export interface Action {
  readonly op: string;
  readonly actor: string;
  readonly args: Readonly<Record<string, Argument>>;
  /** Tries it. Allocates nothing. */
  readonly perform: () => Attempt;
}

/** What came of trying an action. */
export const Attempt = {
  /** It cannot be tried now, or would be another action: whatever it changed is to be undone. */
  impossible: 0,
  /** Xen refused, which may have left traces: a page that fails to become a page table has lost its type. */
  refused: 1,
  done: 2,
} as const;
export type Attempt = (typeof Attempt)[keyof typeof Attempt];

export const answered = (status: number): Attempt => (status < 0 ? Attempt.refused : Attempt.done);
const possible = (done: boolean): Attempt => (done ? Attempt.done : Attempt.impossible);

const mapFlags = (halves: readonly string[]): number =>
  (halves.includes('host') ? GNTMAP.host : 0) | (halves.includes('device') ? GNTMAP.device : 0);

export { type AlphabetBounds, DEFAULT_ALPHABET } from './alphabet-bounds.js';

/** What a device writes: the search only needs to know that it can. */
const WRITTEN = 0;

/** Actions that a search can hold; more would not fit into memory, and no search with so many gets anywhere. */
const MAX_ACTIONS = 1 << 20;

/** What a program calls the things that actions are about. */
export interface ActionNames {
  domain(slot: number): string;
  handle(mapper: number, handle: number): string;
}

/** Whether a device is held to the rule: it has an owner, and that is not a dom0 trusted with the host's memory. */
function isBoundDevice(xen: Xen, device: number): boolean {
  const owner = deviceOwner(xen, device);
  return owner >= 0 && !isUntranslatedHwdom(xen, owner);
}

/** Everything that guests, their devices, the backend in dom0 and the toolstack may do on a machine. */
export function alphabetOf(xen: Xen, names: ActionNames, bounds: AlphabetBounds): Action[] {
  return new AlphabetBuilder(xen, names, bounds).build();
}

class AlphabetBuilder {
  private readonly xen: Xen;
  private readonly names: ActionNames;
  private readonly bounds: AlphabetBounds;
  private readonly actions: Action[] = [];
  /** Indexes of the frames that domains can own. */
  private readonly frames: readonly number[];
  /** Whose actions are being added: those of a guest end with its life. */
  private acting = TOOLSTACK;

  constructor(xen: Xen, names: ActionNames, bounds: AlphabetBounds) {
    this.xen = xen;
    this.names = names;
    const { limits } = xen.spec;
    this.bounds = {
      ...bounds,
      refs: Math.min(bounds.refs, limits.grants),
      handles: Math.min(bounds.handles, limits.handles),
      vaSlots: Math.min(bounds.vaSlots, limits.vaSlots),
    };
    const frames = bounds.only?.frames ?? Array.from({ length: xen.ram.frames }, (_, pdx) => pdx);
    this.frames = frames.filter((pdx) => isDomainFrame(xen, pdx));
  }

  private name(slot: number): string {
    return this.names.domain(slot);
  }

  private frame(pdx: number): number {
    return this.xen.ram.frameAt(pdx);
  }

  private add(op: string, actor: string, args: Record<string, Argument>, perform: () => Attempt): void {
    if (this.bounds.kinds?.includes(op) === false) return;
    if (this.actions.length === MAX_ACTIONS) throw tooManyActions();
    this.actions.push({ op, actor, args, perform: this.whileAlive(perform) });
  }

  private get endsDomains(): boolean {
    const { destroy = false, operations = [], statements = [] } = this.bounds;
    const names = [...operations, ...statements.map(({ op }) => op)];
    return destroy || names.some((name) => name.endsWith('destroydomain'));
  }

  /** Only a search that lets guests be destroyed needs to look. */
  private whileAlive(perform: () => Attempt): () => Attempt {
    const { xen, acting } = this;
    if (!this.endsDomains || acting === TOOLSTACK) return perform;
    return () => (xen.domain.life.get(acting) === Life.alive ? perform() : Attempt.impossible);
  }

  build(): Action[] {
    const { onlyOperations = false, steps = false, operations = [] } = this.bounds;
    const add: AddAction = (op, actor, args, perform) => this.add(op, actor, args, perform);
    if (!onlyOperations) this.ordinary();
    if (this.bounds.failures) addFailures(this.xen, this.bounds, add);
    if (steps && !onlyOperations) addSteps(this.xen, this.names, this.bounds, this.frames, add);
    else if (operations.some((name) => name.includes('begin '))) this.stepsOfAll(add);
    else if (this.xen.profile.iommuContext === 'at-first-assignment') this.stepsOfToolstack();
    if (this.bounds.destroy && !onlyOperations) this.deaths();
    this.operations();
    return this.actions;
  }

  /** What is begun goes on. */
  private stepsOfAll(add: AddAction): void {
    for (let slot = 0; slot < this.xen.domIo; slot++)
      if (this.xen.exists(slot)) addStep(this.xen, slot, this.name(slot), this.bounds.merge !== false, add);
  }

  private stepsOfToolstack(): void {
    this.add('step', 'dom0', {}, () =>
      this.isIdle() ? Attempt.impossible : answered(stepCall(this.xen, TOOLSTACK)),
    );
  }

  private ordinary(): void {
    for (let slot = 1; slot < this.xen.domIo; slot++) {
      if (this.xen.domain.life.get(slot) === Life.absent) continue;
      this.acting = slot;
      const { memory = true } = this.bounds;
      if (this.xen.isTranslated(slot)) {
        if (memory) this.translatedMemory(slot);
      } else {
        if (memory) this.pvMemory(slot);
        this.pvPageTables(slot);
      }
      this.grants(slot);
    }
    this.acting = TOOLSTACK;
    for (let device = 0; device < this.xen.spec.devices.length; device++) this.device(device);
  }

  private operations(): void {
    const { xen, names, bounds, frames } = this;
    const add = (slot: number, ...action: Parameters<AddAction>): void => {
      this.acting = slot;
      this.add(...action);
    };
    addOperations(xen, names, bounds, frames, bounds.operations ?? [], add);
    addStatements(xen, names, bounds.statements ?? [], add);
  }

  private deaths(): void {
    const { xen } = this;
    for (let slot = 1; slot < xen.domIo; slot++) {
      if (!xen.exists(slot)) continue;
      this.add('destroydomain', 'dom0', { domain: this.name(slot) }, () =>
        answered(destroyDomain(xen, TOOLSTACK, slot)),
      );
    }
  }

  private isIdle(): boolean {
    return this.xen.call.step.get(TOOLSTACK) === Step.none;
  }

  private pvMemory(slot: number): void {
    const { xen } = this;
    const domain = this.name(slot);
    for (const pdx of this.frames) {
      const page = this.frame(pdx);
      // Xen makes no promise which free frame it gives.
      this.add('populate_physmap', domain, { domain, page }, () =>
        isFree(xen, pdx) ? answered(populatePhysmap(xen, slot, 0, pdx)) : Attempt.impossible,
      );
      this.add('decrease_reservation', domain, { domain, page }, () =>
        answered(decreaseReservation(xen, slot, pdx, -1)),
      );
    }
  }

  private pvPageTables(slot: number): void {
    const { xen, bounds } = this;
    const domain = this.name(slot);
    for (const pdx of this.frames) {
      const page = this.frame(pdx);
      for (const level of bounds.levels) {
        this.add(`pin_l${level}_table`, domain, { domain, page }, () =>
          answered(pinTable(xen, slot, pdx, level)),
        );
      }
      this.add('unpin_table', domain, { domain, page }, () => answered(unpinTable(xen, slot, pdx)));
      for (let va = 0; va < bounds.vaSlots; va++) {
        for (const writable of [true, false]) {
          const args = { domain, va, page, rights: writable ? 'rw' : 'ro' };
          this.add('update_va_mapping', domain, args, () =>
            answered(updateVaMapping(xen, slot, va, pdx, writable, slot)),
          );
        }
      }
      for (let index = 0; index < bounds.entries; index++) this.entryWrites(slot, pdx, index);
    }
    for (let va = 0; va < bounds.vaSlots; va++) {
      this.add('update_va_mapping', domain, { domain, va }, () =>
        answered(updateVaMapping(xen, slot, va, -1, false, slot)),
      );
    }
  }

  /** Writing an entry, as memory or by mmu_update: to nothing, or to map any frame writable. */
  private entryWrites(slot: number, pdx: number, index: number): void {
    const { xen } = this;
    const domain = this.name(slot);
    const entry = `0x${this.frame(pdx).toString(16)}[${index}]`;
    const write = (lo: number, hi: number, args: Record<string, Argument>) => {
      this.add('store', domain, args, () => answered(guestStore(xen, slot, pdx, index, lo, hi)));
      this.add('mmu_update', domain, args, () => answered(mmuUpdate(xen, slot, pdx, index, lo, hi)));
    };
    write(0, 0, { domain, entry });
    for (const target of this.frames) {
      const args = { domain, entry, page: this.frame(target), rights: 'rw' };
      write(entryLow(xen, target, true), entryHigh(xen, target), args);
    }
  }

  private translatedMemory(slot: number): void {
    const { xen } = this;
    const domain = this.name(slot);
    const most = xen.domain.maxPages.get(slot);
    for (const gfn of gfnsTried(xen, this.bounds)) {
      if (gfn >= most && this.bounds.only?.gfns === undefined) break;
      for (const pdx of this.frames) {
        this.add('populate_physmap', domain, { domain, page: this.frame(pdx), gfn }, () => {
          const free = p2mLookup(xen, slot, gfn) < 0 && isFree(xen, pdx);
          return free ? answered(populatePhysmap(xen, slot, gfn, pdx)) : Attempt.impossible;
        });
      }
      this.add('decrease_reservation', domain, { domain, gfn }, () =>
        answered(decreaseReservation(xen, slot, -1, gfn)),
      );
    }
  }

  private grants(slot: number): void {
    const { bounds } = this;
    const grantees = bounds.selfGrants && !this.xen.isTranslated(slot) ? [TOOLSTACK, slot] : [TOOLSTACK];
    for (const ref of refsTried(this.xen, bounds)) {
      for (const grantee of grantees) this.offers(slot, ref, grantee);
      this.add('end_grant', this.name(slot), { domain: this.name(slot), ref }, () => {
        return possible(grantEntryWord(this.xen, slot, ref) !== 0 && clearGrantEntry(this.xen, slot, ref));
      });
    }
    for (const mapper of grantees) {
      this.acting = mapper;
      this.mappings(slot, mapper);
    }
  }

  /** What a mapper asks for, and what of it it gives up. */
  private halves(mapper: number): { map: readonly string[][]; unmap: readonly string[][] } {
    const { deviceMappings = false, partialUnmaps = false } = this.bounds;
    const device = deviceMappings && !this.xen.isTranslated(mapper);
    return {
      map: [['host'], ...(device ? [['device'], ['host', 'device']] : [])],
      unmap: [[], ...(partialUnmaps ? [['host'], ...(device ? [['device']] : [])] : [])],
    };
  }

  private offers(slot: number, ref: number, to: number): void {
    const { xen } = this;
    const domain = this.name(slot);
    for (const pdx of this.frames) {
      for (const readonly of [false, true]) {
        const args = {
          domain,
          ref,
          to: this.name(to),
          page: this.frame(pdx),
          ...(readonly ? { flags: ['readonly'] } : {}),
        };
        this.add('grant', domain, args, () => {
          // A guest may offer any frame; entries in use are its own to spoil, which Xen does not look at again.
          if (grantEntryWord(xen, slot, ref) !== 0) return Attempt.impossible;
          const named = xen.isTranslated(slot) ? gfnOf(xen, pdx) : xen.ram.frameAt(pdx);
          if (named < 0) return Attempt.impossible;
          writeGrantEntry(xen, slot, ref, to, named, readonly);
          return Attempt.done;
        });
      }
    }
  }

  private mappings(granter: number, mapper: number): void {
    const { xen, bounds } = this;
    const domain = this.name(mapper);
    const { handles } = xen.spec.limits;
    const { map, unmap } = this.halves(mapper);
    for (let handle = 0; handle < bounds.handles; handle++) {
      const name = this.names.handle(mapper, handle);
      for (const ref of refsTried(xen, bounds)) {
        for (const readonly of [false, true]) {
          for (const halves of map) this.mapping(granter, mapper, ref, handle, halves, readonly);
        }
      }
      for (const halves of unmap) {
        const clear = halves.length === 0 ? GNTMAP.host | GNTMAP.device : mapFlags(halves);
        const args = { domain, handle: name, ...(halves.length > 0 && { flags: halves }) };
        this.add('unmap_grant_ref', domain, args, () => {
          const row = mapper * handles + handle;
          if (xen.maptrack.granter.get(row) - 1 !== granter) return Attempt.impossible;
          return answered(unmapGrantRef(xen, mapper, handle, clear, -1));
        });
      }
    }
  }

  private mapping(
    granter: number,
    mapper: number,
    ref: number,
    handle: number,
    halves: readonly string[],
    readonly: boolean,
  ): void {
    const { xen } = this;
    const { handles } = xen.spec.limits;
    const flags = mapFlags(halves) | (readonly ? GNTMAP.readonly : 0);
    // Where a translated mapper wants it: past its own pages.
    const gfn = xen.spec.limits.gfns - 1 - handle;
    const args = {
      domain: this.name(mapper),
      handle: this.names.handle(mapper, handle),
      granter: this.name(granter),
      ref,
      flags: [...halves, ...(readonly ? ['readonly'] : [])],
      ...(xen.isTranslated(mapper) ? { gfn } : {}),
    };
    this.add('map_grant_ref', args.domain, args, () => {
      if (xen.maptrack.flags.get(mapper * handles + handle) !== 0) return Attempt.impossible;
      for (let lower = 0; lower < handle; lower++) {
        if (xen.maptrack.flags.get(mapper * handles + lower) === 0) return Attempt.impossible;
      }
      return answered(mapGrantRef(xen, mapper, granter, ref, flags, gfn));
    });
  }

  private device(device: number): void {
    const { xen, bounds } = this;
    const { name } = xen.spec.devices[device]!;
    const remembersAbsent = xen.vtds.some(({ capabilities }) => capabilities.cachingMode);
    const inputs = new Set(this.frames.map((pdx) => xen.ram.frameAt(pdx)));
    if (xen.hasTranslatedDomains) {
      for (const gfn of gfnsTried(xen, bounds)) inputs.add(gfn);
    }
    for (const input of inputs) {
      const address = input * 4096;
      for (const access of ['read', 'write']) {
        const write = access === 'write';
        const args = { device: name, access, address, ...(write ? { value: WRITTEN } : {}) };
        this.add('dma', name, args, () => {
          if (!isBoundDevice(xen, device)) return Attempt.impossible;
          if (deviceAccess(xen, device, address, write, WRITTEN)) return Attempt.done;
          return remembersAbsent ? Attempt.refused : Attempt.impossible;
        });
        for (const stream of xen.spec.arch === 'x86' ? xen.requesters[device]!.slice(1) : []) {
          this.add('dma', name, { ...args, stream }, () =>
            possible(
              isBoundDevice(xen, device) && deviceAccess(xen, device, address, write, WRITTEN, stream),
            ),
          );
        }
      }
    }
    if (!bounds.hotplug) return;
    for (let slot = 1; slot < xen.domIo; slot++) {
      if (xen.domain.life.get(slot) === Life.absent) continue;
      const args = { domain: this.name(slot), device: name };
      this.add('begin assign_device', 'dom0', args, () => {
        return this.isIdle() ? answered(assignDevice(xen, TOOLSTACK, slot, device, 0)) : Attempt.impossible;
      });
      this.add('deassign_device', 'dom0', args, () =>
        this.isIdle() ? answered(deassignDevice(xen, TOOLSTACK, slot, device)) : Attempt.impossible,
      );
    }
  }
}

function tooManyActions(): InputError {
  return new InputError({
    severity: 'error',
    code: 'too-many-actions',
    message: `these bounds give actors more than ${MAX_ACTIONS} things to try in each state`,
    file: '--pages',
    line: 1,
    column: 1,
    hint: 'lower --pages, --entries or --refs: what a guest can do with a page does not depend on how many it has',
  });
}

/** An action as a statement of the program language. */
export function actionStatement(action: Action, line: number): Statement {
  return { line, column: 1, op: action.op, args: action.args, expect: [] };
}
