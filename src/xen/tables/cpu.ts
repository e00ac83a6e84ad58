import { flag, optional } from '../../store/table.js';
import type { TablePlan } from './plan.js';

/** The pages that a PV domain maps at its virtual addresses. */
export function vaTable(plan: TablePlan) {
  const { layout, names, rows, ofDomain, spec } = plan;
  const { limits } = spec;
  return layout.table(
    'va',
    limits.domains * limits.vaSlots,
    { frame: optional(names.frame), writable: flag },
    ofDomain(limits.vaSlots, 'va'),
    { rowsOf: [rows.domains, { kind: 'va', count: limits.vaSlots }] },
  ).columns;
}

/** What the CPU of each domain remembers of its page tables. */
export function cpuTlbTable(plan: TablePlan) {
  const { layout, names, rows, ofDomain, spec } = plan;
  const { limits } = spec;
  return layout.table(
    'cpuTlb',
    limits.domains * limits.cpuTlb,
    { frame: optional(names.frame) },
    ofDomain(Math.max(1, limits.cpuTlb), 'CPU TLB entry'),
    { rowsOf: [rows.domains, { kind: 'CPU TLB entry', count: limits.cpuTlb }] },
  ).columns;
}
