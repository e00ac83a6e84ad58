import { ASSIGN_DEVICE } from '../device-domctl.js';
import { DESTROY_DOMAIN } from '../domain-death.js';
import { ENTRY_STEPS } from '../entry-steps.js';
import { EXCHANGE_STEPS } from '../exchange-steps.js';
import { COPY_GRANT } from '../grant-copy-steps.js';
import { ADD_GRANT_FRAME, SET_GRANT_VERSION } from '../grant-frame-steps.js';
import { MAP_GRANT, UNMAP_GRANT } from '../grant-map-steps.js';
import { POPULATE_PHYSMAP } from '../memory.js';
import { MOVE_RANGE } from '../physmap-range.js';
import { lookForPreemption } from '../preemption.js';
import type { Xen } from '../state.js';
import { GET_PAGE_TYPE } from '../type-steps.js';
import { type CONTINUES, goOn, type StepFunction } from './call.js';
import { STEP_NAMES, type StepName } from './steps.js';

/** What each step does. */
const STEP_FUNCTIONS: Readonly<Record<StepName, StepFunction>> = {
  ...ASSIGN_DEVICE,
  ...POPULATE_PHYSMAP,
  ...DESTROY_DOMAIN,
  ...GET_PAGE_TYPE,
  ...ENTRY_STEPS,
  ...EXCHANGE_STEPS,
  ...UNMAP_GRANT,
  ...MAP_GRANT,
  ...COPY_GRANT,
  ...ADD_GRANT_FRAME,
  ...SET_GRANT_VERSION,
  ...MOVE_RANGE,
};
const STEPS: readonly StepFunction[] = STEP_NAMES.map((name) =>
  name === 'none' ? () => 0 : STEP_FUNCTIONS[name as StepName],
);

/** Runs the next step of the hypercall under way in row `call`. Returns 0, an errno, or {@link CONTINUES}. */
export function stepCall(xen: Xen, call: number): number {
  lookForPreemption(xen);
  return goOn(xen, call, STEPS[xen.call.step.get(call)]!(xen, call));
}
