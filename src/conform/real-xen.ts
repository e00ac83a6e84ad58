import { PGT } from '../formats/x86-page-info.js';
import { GUEST_CRASHED, type Issuer, PIN_COMMANDS } from '../lab/agent/protocol.js';
import type { Agent, PhysicalMemory } from '../lab/machine-api.js';
import { Arguments, Nameless } from '../program/arguments.js';
import type { Outcome } from '../program/handlers/handler.js';
import type { Names } from '../program/names.js';
import { OPERATION_BY_NAME } from '../program/operations.js';
import type { Statement } from '../program/program.js';
import { hwdomRights } from '../xen/boot.js';
import { errnoName } from '../xen/errno.js';
import { isDomainFrame, isFree, ownerOf } from '../xen/frames.js';
import { typeOf } from '../xen/page-info.js';
import type { Xen } from '../xen/state.js';
import { Bindings } from './bindings.js';
import { REAL_HANDLERS } from './real-handlers.js';

/** What the adapter needs of the machine that it drives. A real host has an agent and nothing else. */
export interface RealMachine {
  readonly agent: Agent;
  readonly iommu?: 'vtd' | 'amdvi' | 'none';
  readonly memory?: PhysicalMemory;
  readonly rootTable?: number;
  consoleLength?(): number;
  consoleLines?(start: number): string[];
}

/** An operation that the real machine cannot carry out; the program is left out, and counted under the reason. */
export class CannotRun extends Error {}

/** A statement's counterpart on a real Xen; `model` is what the model has just answered. */
export type RealHandler = (real: RealXen, args: Arguments, model: Outcome) => Promise<Outcome>;

/** How a crash reads where an answer is due. */
const CRASHED = errnoName(GUEST_CRASHED);

/** A requester id that no machine of the lab has: for devices that a program names without declaring them. */
const NO_DEVICE = 0x1e << 3;

/** Operations of guests that dom0 can carry out for any of them. */
const FOR_ANY_GUEST = new Set([
  'populate_physmap',
  'decrease_reservation',
  'grant',
  'grant_transitive',
  'accept_transfer',
  'end_grant',
]);

/**
 * A real Xen behind the operations of the program language. Names are looked up in the model, which has carried out the
 * statement just before: its domids are asked for, its frames stand for the frames that Xen chose ({@link Bindings}).
 */
export class RealXen {
  readonly machine: RealMachine;
  readonly agent: Agent;
  readonly model: Xen;
  readonly names: Names;
  readonly bindings = new Bindings();
  /** Device names to requester ids. */
  readonly devices: ReadonlyMap<string, number>;
  /** Whether PV domains carry out their own hypercalls. */
  readonly guests: boolean;
  /** Slots of guests that Xen has crashed. */
  private readonly crashed = new Set<number>();
  /** Grant handles: the model's (`slot:handle`) to Xen's. */
  readonly handles = new Map<string, number>();
  /** Frames of the tables behind the virtual pages of domains, by domid. */
  readonly slotTables = new Map<number, number>();

  constructor(
    machine: RealMachine,
    agent: Agent,
    model: Xen,
    names: Names,
    devices: ReadonlyMap<string, number>,
    guests: boolean,
  ) {
    this.machine = machine;
    this.agent = agent;
    this.model = model;
    this.names = names;
    this.devices = devices;
    this.guests = guests;
  }

  /**
   * Carries out a statement that the model has just answered with `outcome`.
   * @throws CannotRun
   */
  async perform(statement: Statement, outcome: Outcome): Promise<Outcome> {
    const handler = REAL_HANDLERS[statement.op];
    if (handler === undefined) throw new CannotRun(`\`${statement.op}\` exists on the model only`);
    try {
      const args = new Arguments(statement.args, this.names, this.model);
      // What the CPUs of a domain that is dead or gone would do is not for Xen to answer.
      if (outcome.status === 'not running' || this.isNobodys(statement, args)) return outcome;
      this.refuseForTranslated(statement, args);
      this.refuseFarPages(statement);
      const real = await handler(this, args, outcome);
      return real.status === CRASHED ? this.afterCrash(args, outcome) : real;
    } catch (error) {
      // What no operation has named cannot be asked for.
      if (error instanceof Nameless) return outcome;
      throw error;
    }
  }

  /** Xen crashed the guest for what it asked, which has no answer then. The model's, once it says the same, is taken for it. */
  private afterCrash(args: Arguments, outcome: Outcome): Outcome {
    const slot = args.domain();
    if (this.crashed.has(slot))
      throw new CannotRun('a guest that Xen has crashed: the real one runs no more');
    this.crashed.add(slot);
    return this.model.domain.crashed.get(slot) === 0 ? { status: 'crashed' } : outcome;
  }

  /** Virtual pages that the program's machine does not have, and the lab's has. */
  private refuseFarPages({ args }: Statement): void {
    const { vaSlots } = this.model.spec.limits;
    if (['va', 'with'].some((name) => Number(args[name] ?? 0) >= vaSlots))
      throw new CannotRun('a virtual page without an L1 table: all that can be named here have one');
  }

  /** Whether a statement is one of a guest that no longer is, with nobody left to do it. */
  private isNobodys({ op }: Statement, args: Arguments): boolean {
    const byItself = op === 'store' || (this.guests && OPERATION_BY_NAME.get(op)?.actor === 'guest');
    return byItself && !this.model.exists(args.domain());
  }

  /** HVM domains have no vCPU that could issue hypercalls; what the toolstack can do in a guest's name, it does. */
  private refuseForTranslated({ op }: Statement, args: Arguments): void {
    if (OPERATION_BY_NAME.get(op)?.actor !== 'guest' || FOR_ANY_GUEST.has(op)) return;
    const slot = args.domain();
    if (this.model.exists(slot) && this.model.isTranslated(slot))
      throw new CannotRun('HVM guests that issue hypercalls: they run no code here');
  }

  /** The requester id of a device by name; for an unknown one an address where nothing is. */
  device(name: string): number {
    return this.devices.get(name) ?? NO_DEVICE;
  }

  domid(slot: number): number {
    return this.model.domidOf(slot);
  }

  /** Who issues a domain's hypercalls: its own vCPU, where guests have one and it still runs. */
  issuerOf(slot: number): Issuer {
    return this.guests && this.model.exists(slot) && !this.model.isDying(slot) ? 'guest' : 'toolstack';
  }

  /**
   * The MFN that stands for a frame of the model. Frames that no domain of the program ever had get one when they are
   * first named: a page of dom0, a page that dom0 has given back, or a page of Xen's own.
   */
  async mfn(frame: number): Promise<number> {
    const bound = this.bindings.mfn(frame);
    if (bound !== undefined) return bound;
    const { model, machine, agent } = this;
    const pdx = model.ram.indexOf(frame);
    if (pdx < 0 || !isDomainFrame(model, pdx)) return Math.floor((machine.rootTable ?? 0) / 4096);
    if (!isFree(model, pdx) && ownerOf(model, pdx) !== 0)
      throw new CannotRun(`frame 0x${frame.toString(16)} belongs to nobody that the program made`);
    const [{ mfns }] = await agent.perform([{ call: 'populate_physmap', domid: 0, count: 1, gfn: 0 }]);
    const mfn = mfns[0];
    if (mfn === undefined) throw new CannotRun('dom0 gets no page to stand for a frame that nobody had');
    if (isFree(model, pdx)) await agent.perform([{ call: 'decrease_reservation', domid: 0, frame: mfn }]);
    else {
      this.adopt(frame, mfn);
      if (this.isUntypedAtBoot(pdx)) await this.unmapFromDevices(mfn);
    }
    this.bindings.bind(frame, mfn);
    return mfn;
  }

  /** Whether a frame is one of those that a strict dom0 of 4.13 to 4.16 has without its devices (dossier §3.6). */
  private isUntypedAtBoot(pdx: number): boolean {
    const { model } = this;
    const untyped = typeOf(model.frame.typeInfo.get(pdx)) === PGT.none;
    return untyped && model.spec.hwdomMode === 'strict' && hwdomRights(model, pdx) === 0;
  }

  /** A page that dom0 asks for is mapped for its devices; having been a page table it no longer is, until dom0 maps it. */
  private async unmapFromDevices(mfn: number): Promise<void> {
    const [l1, unpin] = [PIN_COMMANDS.l1, PIN_COMMANDS.unpin];
    for (const command of [l1, unpin])
      await this.agent.perform([{ call: 'mmuext_op', domid: 0, command, mfn, issuer: 'toolstack' }]);
  }

  /**
   * The model's frame for a page that Xen has just given out: the one that the page stood for before, so that what still
   * names it stays right, or one that has never been named.
   * @throws CannotRun when every frame of the program's machine has been named.
   */
  frameFor(mfn: number): number {
    const { ram } = this.model;
    const before = this.bindings.frame(mfn);
    if (before !== undefined) return before;
    for (let pdx = 0; pdx < ram.frames; pdx++) {
      const frame = ram.frameAt(pdx);
      const isUsable = isDomainFrame(this.model, pdx) && isFree(this.model, pdx);
      if (isUsable && this.bindings.isFresh(frame)) return frame;
    }
    throw new CannotRun('the program’s machine has no frame left that has never been used: give it more ram');
  }

  /** Binds a page that a domain has just got on both sides, and makes both hold zeros. */
  adopt(frame: number, mfn: number): void {
    this.bindings.bind(frame, mfn);
    for (let offset = 0; offset < 4096; offset += 4) {
      if (this.model.ram.read32(frame * 4096 + offset) !== 0)
        this.model.ram.write32(frame * 4096 + offset, 0);
    }
    this.machine.memory?.zeroPage(mfn * 4096);
  }
}
