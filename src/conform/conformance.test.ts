import { describe, expect, it } from 'vitest';
import type { Call } from '../lab/agent/protocol.js';
import { LabError, type LabMachine } from '../lab/machine-api.js';
import { parseProgramText } from '../program/load.js';
import { SourceText } from '../text/source.js';
import { resolveEdition } from '../xen/editions/edition.js';
import { STAINED } from './clean-machine.js';
import { type ConformPlan, conform, type Dom0Mode } from './conformance.js';
import { SimulatedMachine } from './simulated.fixture.js';

const edition = resolveEdition('4.17');

/** Machines of the model that a plan is carried out on, and what became of them. */
class Rack {
  /** Modes that machines were opened in, and how many of them have been closed. */
  readonly opened: Dom0Mode[] = [];
  closed = 0;
  /** Requests that a machine answers before it breaks. */
  life = Number.POSITIVE_INFINITY;
  /** What becomes of the nth machine that is opened, from 1. */
  fails: (nth: number) => boolean = () => false;
  behaves = edition;
  /** What the nth machine, from 1, says to a reset once it has made a domain. */
  leaves: (nth: number) => number = () => 0;

  readonly open = async (mode: Dom0Mode): Promise<LabMachine> => {
    if (this.fails(this.opened.length + 1)) throw new LabError('no memory for a machine', 2);
    this.opened.push(mode);
    const { machine } = new SimulatedMachine(this.behaves, mode).judge();
    const { agent, memory, rootTable } = machine;
    const left = this.leaves(this.opened.length);
    let isUsed = false;
    const perform = async (calls: readonly Call[]): Promise<never> => {
      if (this.life-- <= 0) throw new LabError('QEMU has ended', 3);
      const results = (await agent.perform(calls)) as never;
      if (isUsed && calls[0]?.call === 'reset') return [{ rc: left }] as never;
      isUsed ||= calls[0]?.call === 'createdomain';
      return results;
    };
    return {
      agent: { hello: agent.hello, perform, close: agent.close } as unknown as LabMachine['agent'],
      memory: memory!,
      iommu: 'vtd',
      xenArguments: mode === 'relaxed' ? '' : `dom0-iommu=${mode}`,
      devices: [0x20, 0x28, 0x10, 0x18].map((sbdf, i) => ({ sbdf, kind: i < 2 ? 'edu' : 'nic' })),
      ramPath: '',
      rootTable: rootTable!,
      stop: async () => {},
      cont: async () => {},
      monitor: async () => '',
      consoleLength: () => machine.consoleLength!(),
      consoleLines: (start) => machine.consoleLines!(start),
      close: async () => void this.closed++,
    };
  };

  get left(): number {
    return this.opened.length - this.closed;
  }
}

const program = (text: string) => parseProgramText(new SourceText(`${text.slice(0, 12)}.dommu`, text));
const RELAXED = program('createdomain a');
const STRICT = program('dom0 strict\ncreatedomain a');
const PASSTHROUGH = program('dom0 passthrough\ncreatedomain a');
const ARM = program('machine arm\ncreatedomain a');

const plan = (change: Partial<ConformPlan> = {}): ConformPlan => ({
  programs: [],
  xl: false,
  dom0Tables: false,
  randomPrograms: 0,
  length: 10,
  seed: 1,
  modes: ['relaxed', 'strict', 'passthrough'],
  maxDivergences: 5,
  jobs: 1,
  alwaysNew: true,
  ...change,
});

describe('a plan', () => {
  it('opens a machine for each mode that programs ask for, and no other', async () => {
    const rack = new Rack();
    const report = await conform(plan({ programs: [PASSTHROUGH, RELAXED, RELAXED] }), rack.open);
    expect(rack.opened).toEqual(['relaxed', 'passthrough']);
    expect(report).toMatchObject({ xen: '4.17.0', edition: '4.17', operations: 3, divergences: [] });
    expect(rack.left).toBe(0);
  });

  it('counts a program that no machine suits, with the reason', async () => {
    const rack = new Rack();
    const report = await conform(plan({ programs: [ARM, STRICT], modes: ['relaxed'] }), rack.open);
    expect(rack.opened).toEqual(['relaxed']);
    expect(report.operations).toBe(0);
    expect(report.programs.map(({ skipped }) => skipped)).toEqual([
      expect.stringMatching(/Arm/),
      expect.stringMatching(/a strict dom0: the machine’s is relaxed/),
    ]);
  });

  it('shares random programs out over the modes that have tables to compare', async () => {
    const rack = new Rack();
    const report = await conform(plan({ randomPrograms: 5 }), rack.open);
    expect(rack.opened).toEqual(['relaxed', 'strict']);
    expect(report.programs).toHaveLength(5);
    expect(report.operations).toBe(50);

    const only = new Rack();
    const passthrough = await conform(plan({ randomPrograms: 2, modes: ['passthrough'] }), only.open);
    expect(only.opened).toEqual(['passthrough']);
    expect(passthrough.programs).toHaveLength(2);
  });

  it('is carried out by as many machines as there is work for', async () => {
    const rack = new Rack();
    await conform(plan({ jobs: 3, randomPrograms: 4, programs: [PASSTHROUGH] }), rack.open);
    expect(rack.opened).toEqual(['relaxed', 'relaxed', 'strict', 'strict', 'passthrough']);
    expect(rack.left).toBe(0);
  });

  it('ends when there are enough divergences, those of all modes counted', async () => {
    const rack = new Rack();
    rack.behaves = { ...edition, profile: { ...edition.profile, pvPageAdded: 'mapped-untyped' } };
    const report = await conform(plan({ randomPrograms: 200, length: 30, maxDivergences: 1 }), rack.open);
    expect(rack.opened).toEqual(['relaxed']);
    expect(report.divergences).toHaveLength(1);
    expect(rack.left).toBe(0);
  });

  it('that is interrupted opens nothing more, and tells what it has', async () => {
    const rack = new Rack();
    let asked = 0;
    const isInterrupted = () => ++asked > 4;
    const report = await conform(plan({ randomPrograms: 100 }), rack.open, { isInterrupted });
    expect(rack.opened).toEqual(['relaxed']);
    expect(report.interrupted).toBe(true);
    expect(report.programs.length).toBeGreaterThan(0);
    expect(report.programs.length).toBeLessThan(10);
    expect(rack.left).toBe(0);
  });

  it('says how it is getting on, over all modes', async () => {
    const counts: number[] = [];
    await conform(plan({ randomPrograms: 4 }), new Rack().open, {
      onProgress: (operations) => counts.push(operations),
    });
    expect(counts).toEqual([10, 20, 30, 40]);
  });
});

describe('a machine that keeps what a program left', () => {
  const programs = [STRICT, STRICT, STRICT];

  it('is closed, and the next program runs on another', async () => {
    const rack = new Rack();
    rack.leaves = (nth) => (nth === 2 ? 0 : -16);
    const report = await conform(plan({ programs }), rack.open);
    expect(rack.opened).toEqual(['strict', 'strict']);
    expect(rack.left).toBe(0);
    expect(report).toMatchObject({ operations: 3, divergences: [] });
  });

  it('leaves out what comes after where no other can be opened', async () => {
    const rack = new Rack();
    rack.leaves = () => -16;
    const report = await conform(plan({ programs, alwaysNew: false }), rack.open);
    expect(rack.opened).toEqual(['strict']);
    expect(report.programs.map(({ skipped }) => skipped)).toEqual([undefined, STAINED, STAINED]);
  });

  it('breaks the run when the other does not come up, and nothing stays open', async () => {
    const rack = new Rack();
    rack.leaves = () => -16;
    rack.fails = (nth) => nth === 2;
    const report = await conform(plan({ programs }), rack.open);
    expect(report.broken?.message).toBe('no memory for a machine');
    expect(report.operations).toBe(1);
    expect(rack.left).toBe(0);
  });
});

describe('a machine that breaks', () => {
  it('ends the campaign with what it has found so far, and every machine is closed', async () => {
    const rack = new Rack();
    rack.life = 60;
    const report = await conform(plan({ randomPrograms: 50, jobs: 2 }), rack.open);
    expect(report.broken?.message).toBe('QEMU has ended');
    // What ran then is told, up to the operation under way.
    const { file, steps } = report.underWay!;
    expect(file).toMatch(/^random-/);
    expect(report.programs.map(({ name }) => name)).not.toContain(file);
    expect(steps.length).toBeGreaterThan(0);
    expect(steps.length).toBeLessThanOrEqual(10);
    expect(report.programs.length).toBeGreaterThan(0);
    expect(report.programs.length).toBeLessThan(50);
    expect(rack.opened).toEqual(['relaxed', 'relaxed']);
    expect(rack.left).toBe(0);
  });

  it.each([1, 2, 3])('or cannot be opened leaves none open: number %i', async (nth) => {
    const rack = new Rack();
    rack.fails = (opened) => opened === nth;
    await expect(conform(plan({ randomPrograms: 4, jobs: 2 }), rack.open)).rejects.toThrow('no memory');
    expect(rack.opened).toHaveLength(nth - 1);
    expect(rack.left).toBe(0);
  });

  it('by a mistake of ours is no broken machine, and closed all the same', async () => {
    const rack = new Rack();
    const open = async (mode: Dom0Mode): Promise<LabMachine> => {
      const machine = await rack.open(mode);
      return { ...machine, memory: { ...machine.memory, refresh: () => fail() } };
    };
    const fail = () => {
      throw new TypeError('a mistake');
    };
    await expect(
      conform(plan({ programs: [program('device e 0000:00:04.0\ncreatedomain a')] }), open),
    ).rejects.toThrow(TypeError);
    expect(rack.left).toBe(0);
  });
});
