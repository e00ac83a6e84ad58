import type { Model } from '../../check/model.js';
import type { IommuFault } from '../../hardware/iommu.js';
import type { Action } from '../../program/alphabet-action.js';
import { deviceAccess } from '../../program/device-access.js';
import { XenModel } from '../../program/verify.js';
import type { Xen } from '../../xen/state.js';
import { DEVICE } from './stories.js';
import type { WantedFault } from './wanted-fault.js';

/** What the device's access to `address` comes to in the present state, which stays as it is: undefined where it passes. */
function faultOf(xen: Xen, address: number, write: boolean): IommuFault | undefined {
  const { journalLength: mark } = xen.store;
  const passes = deviceAccess(xen, DEVICE, address, write, 0);
  const fault = passes ? undefined : xen.unitOf(DEVICE)?.lastFault();
  if (xen.store.journalLength !== mark) xen.store.rollback(mark);
  return fault;
}

/** The property that a search for a fault breaks: that the access passes, or fails otherwise. */
export const FAULT_GOAL = 'the fault of the log';

/**
 * The model to search for a state in which the device's access is refused as in the log, and `holds` says that it is for the
 * cause that is looked for.
 */
export function faultGoal(
  xen: Xen,
  actions: readonly Action[],
  address: number,
  wanted: WantedFault,
  holds: () => boolean,
): Model {
  const model = new XenModel(xen, actions, []);
  const isThere = (): boolean => {
    if (!holds()) return false;
    const fault = faultOf(xen, address, wanted.write);
    return fault !== undefined && wanted.matches(fault);
  };
  return {
    state: model.state,
    actionCount: model.actionCount,
    perform: (action) => model.perform(action),
    derived: (word) => model.derived(word),
    properties: [{ id: FAULT_GOAL, violation: () => (isThere() ? 'the device faults so' : undefined) }],
  };
}
