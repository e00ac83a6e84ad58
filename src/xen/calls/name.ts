import { isPageTable } from '../page-info.js';
import type { Xen } from '../state.js';
import { callerOf } from './call.js';
import { STEP_NAMES, type StepName } from './steps.js';

const ASSIGN = 'assign_device';
const POPULATE = 'populate_physmap';
const DESTROY = 'destroydomain';
const COPY = 'grant_copy';
/** What wants the type says which hypercall it is. */
const TYPE = 'get_page_type';

/** The hypercall that a step belongs to, as the program language calls it. */
const HYPERCALL: Readonly<Record<StepName | 'none', string>> = {
  none: 'none',
  domctl: ASSIGN,
  pop: ASSIGN,
  map: ASSIGN,
  recheck: ASSIGN,
  reread: ASSIGN,
  append: ASSIGN,
  complete: ASSIGN,
  assign: ASSIGN,
  assign_pages: POPULATE,
  physmap_add: POPULATE,
  release_grants: DESTROY,
  release_devices: DESTROY,
  free_iommu: DESTROY,
  paging: DESTROY,
  vcpu_pagetables: DESTROY,
  xen_pages: DESTROY,
  l4: DESTROY,
  l3: DESTROY,
  l2: DESTROY,
  dead: DESTROY,
  move_page: 'add_to_physmap',
  flush_moved: 'add_to_physmap',
  flush_target: 'add_to_physmap',
  type_read: TYPE,
  type_commit: TYPE,
  type_flush: TYPE,
  type_iommu: TYPE,
  type_validate: TYPE,
  type_undo: TYPE,
  entry_put: 'update_va_mapping',
  entry_write: 'mmu_update',
  exchange_pages: 'memory_exchange',
  unmap_flush: 'unmap_grant_ref',
  unmap_complete: 'unmap_grant_ref',
  map_grant: 'map_grant_ref',
  copy_bytes: COPY,
  copy_unpin: COPY,
  copy_put: COPY,
  physmap_place: 'add_to_physmap',
  version_held: 'grant_set_version',
};

/** What is under way in row `call`; `none` when nothing is. */
export function hypercallOf(xen: Xen, call: number): string {
  const name = HYPERCALL[STEP_NAMES[xen.call.step.get(call)] as StepName | 'none'];
  if (name !== TYPE) return name;
  const type = xen.call.flags.get(call);
  return isPageTable(type) ? `pin_l${type}_table` : 'update_va_mapping';
}

/** The same with who is in it: `assign_device of d0`. */
export function describeCall(xen: Xen, call: number): string {
  return `${hypercallOf(xen, call)} of ${xen.domainName(callerOf(xen, call))}`;
}
