import { InputError } from '../text/diagnostic.js';
import { isIdle } from '../xen/calls/call.js';
import { stepCall } from '../xen/calls/dispatch.js';
import { TOOLSTACK } from '../xen/calls/steps.js';
import { destroyDomain } from '../xen/domain-death.js';
import { isDomainFrame } from '../xen/frames.js';
import type { Xen } from '../xen/state.js';
import { Life } from '../xen/tables/domain.js';
import {
  type Action,
  type ActionNames,
  type ActionScene,
  type AddAction,
  Attempt,
  answered,
} from './alphabet-action.js';
import type { AlphabetBounds } from './alphabet-bounds.js';
import { addDevice } from './alphabet-devices.js';
import { addGrants, addMappings, granteesTried } from './alphabet-grants.js';
import { addPvMemory, addTranslatedMemory } from './alphabet-memory.js';
import { addOperations, addStatements } from './alphabet-operations.js';
import { addPageTables } from './alphabet-page-tables.js';
import { addFailures, addStep, addSteps } from './alphabet-steps.js';

/** Actions that a search can hold; more would not fit into memory, and no search with so many gets anywhere. */
const MAX_ACTIONS = 1 << 20;

/** Everything that guests, their devices, the backend in dom0 and the toolstack may do on a machine. */
export function alphabetOf(xen: Xen, names: ActionNames, bounds: AlphabetBounds): Action[] {
  return new AlphabetBuilder(xen, names, bounds).build();
}

class AlphabetBuilder {
  private readonly scene: ActionScene;
  private readonly actions: Action[] = [];
  /** Whose actions are being added: those of a guest end with its life. */
  private acting = TOOLSTACK;

  constructor(xen: Xen, names: ActionNames, bounds: AlphabetBounds) {
    const { limits } = xen.spec;
    const frames = bounds.only?.frames ?? Array.from({ length: xen.ram.frames }, (_, pdx) => pdx);
    this.scene = {
      xen,
      names,
      bounds: {
        ...bounds,
        refs: Math.min(bounds.refs, limits.grants),
        handles: Math.min(bounds.handles, limits.handles),
        vaSlots: Math.min(bounds.vaSlots, limits.vaSlots),
      },
      frames: frames.filter((pdx) => isDomainFrame(xen, pdx)),
      add: (...action) => this.add(...action),
    };
  }

  private add(...[op, actor, args, perform]: Parameters<AddAction>): void {
    if (this.scene.bounds.kinds?.includes(op) === false) return;
    if (this.actions.length === MAX_ACTIONS) throw tooManyActions();
    this.actions.push({ op, actor, args, perform: this.whileAlive(perform) });
  }

  private get endsDomains(): boolean {
    const { destroy = false, operations = [], statements = [] } = this.scene.bounds;
    const names = [...operations, ...statements.map(({ op }) => op)];
    return destroy || names.some((name) => name.endsWith('destroydomain'));
  }

  /** Only a search that lets guests be destroyed needs to look. */
  private whileAlive(perform: () => Attempt): () => Attempt {
    const { acting } = this;
    const { life } = this.scene.xen.domain;
    if (!this.endsDomains || acting === TOOLSTACK) return perform;
    return () => (life.get(acting) === Life.alive ? perform() : Attempt.impossible);
  }

  build(): Action[] {
    const { scene } = this;
    const { xen, bounds, add } = scene;
    const { onlyOperations = false, steps = false, operations = [] } = bounds;
    if (!onlyOperations) this.ordinary();
    if (bounds.failures) addFailures(xen, bounds, add);
    if (steps && !onlyOperations) addSteps(scene);
    else if (operations.some((name) => name.includes('begin '))) this.stepsOfAll();
    else if (xen.profile.iommuContext === 'at-first-assignment') this.stepsOfToolstack();
    if (bounds.destroy && !onlyOperations) this.deaths();
    this.operations();
    return this.actions;
  }

  private ordinary(): void {
    const { scene } = this;
    const { xen, bounds } = scene;
    const { memory = true } = bounds;
    for (let slot = 1; slot < xen.domIo; slot++) {
      if (xen.domain.life.get(slot) === Life.absent) continue;
      this.acting = slot;
      if (memory && xen.isTranslated(slot)) addTranslatedMemory(scene, slot);
      if (memory && !xen.isTranslated(slot)) addPvMemory(scene, slot);
      if (!xen.isTranslated(slot)) addPageTables(scene, slot);
      addGrants(scene, slot);
      for (const mapper of granteesTried(scene, slot)) {
        this.acting = mapper;
        addMappings(scene, slot, mapper);
      }
    }
    this.acting = TOOLSTACK;
    for (let device = 0; device < xen.spec.devices.length; device++) addDevice(scene, device);
  }

  /** What is begun goes on. */
  private stepsOfAll(): void {
    const { xen, names, bounds, add } = this.scene;
    for (let slot = 0; slot < xen.domIo; slot++)
      if (xen.exists(slot)) addStep(xen, slot, names.domain(slot), bounds.merge !== false, add);
  }

  private stepsOfToolstack(): void {
    const { xen, add } = this.scene;
    add('step', 'dom0', {}, () =>
      isIdle(xen, TOOLSTACK) ? Attempt.impossible : answered(stepCall(xen, TOOLSTACK)),
    );
  }

  private deaths(): void {
    const { xen, names, add } = this.scene;
    for (let slot = 1; slot < xen.domIo; slot++) {
      if (!xen.exists(slot)) continue;
      add('destroydomain', 'dom0', { domain: names.domain(slot) }, () =>
        answered(destroyDomain(xen, TOOLSTACK, slot)),
      );
    }
  }

  private operations(): void {
    const { xen, names, bounds, frames } = this.scene;
    const add = (slot: number, ...action: Parameters<AddAction>): void => {
      this.acting = slot;
      this.add(...action);
    };
    addOperations(xen, names, bounds, frames, bounds.operations ?? [], add);
    addStatements(xen, names, bounds.statements ?? [], add);
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
