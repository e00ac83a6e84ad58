import type { Timeline } from '../program/timeline.js';
import { countUpTo } from '../store/ascending.js';
import type { Table } from '../store/table.js';
import { wordOf } from './here.js';

const callTable = ({ xen }: Timeline): Table => xen.layout.tables.find(({ name }) => name === 'call')!;

/** The row of the hypercall that a step of the run began, went on with, or ended; -1 for none. */
export function callOfStep(timeline: Timeline, step: number): number {
  const { base, rows, fieldNames } = callTable(timeline);
  for (const word of timeline.valuesBefore(step).keys()) {
    const row = Math.floor((word - base) / fieldNames.length);
    if (row >= 0 && row < rows) return row;
  }
  return -1;
}

/** The step of the run that began the hypercall which is, or has last been, under way in a row; undefined for none. */
export function begunAt(timeline: Timeline, call: number, step: number): number | undefined {
  const { steps, before } = timeline.writers(wordOf(callTable(timeline), call, 'step'));
  for (let i = countUpTo(steps, step) - 1; i >= 0; i--) if (before[i] === 0) return steps[i];
  return undefined;
}
