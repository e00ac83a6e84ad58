import { describe, expect, it } from 'vitest';
import type { StepResult } from '../program/runner.js';
import { factsOf } from './facts.js';

const step = (index: number, ...changes: string[]): StepResult => ({
  index,
  line: index,
  op: 'op',
  status: 'ok',
  changes,
  faults: [],
  violations: [],
  unexpected: [],
});

describe('the facts that break an invariant', () => {
  const STEPS = [
    step(0, 'frame 0x101: owner none → d1', 'd1 IOMMU table DFN 0x101: entry none → read, write'),
    step(1, 'frame 0x102: owner none → d1'),
    step(2, 'frame 0x101: type none → l1'),
  ];

  it('are the last change of each kind of thing that the violation names, as they happened', () => {
    expect(factsOf('nic can write frame 0x101 (type l1)', STEPS)).toEqual([
      { step: 0, change: 'd1 IOMMU table DFN 0x101: entry none → read, write' },
      { step: 2, change: 'frame 0x101: type none → l1' },
    ]);
  });

  it('are found where things that changed alike share a line', () => {
    expect(factsOf('frame 0x103', [step(4, 'frame 0x101, 0x103: owner none → d1')])).toHaveLength(1);
  });

  it('are none where the violation names nothing that changed', () => {
    expect(factsOf('Xen hits a BUG: page count underflow', STEPS)).toEqual([]);
    expect(factsOf('frame 0x10', STEPS)).toEqual([]);
  });

  it('are three at most, the latest', () => {
    const steps = ['a', 'b', 'c', 'd'].map((kind, n) => step(n, `${kind} 0x1: x 0 → 1`));
    expect(factsOf('0x1', steps).map(({ step: n }) => n)).toEqual([1, 2, 3]);
  });
});
