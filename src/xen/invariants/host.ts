import type { Xen } from '../state.js';
import type { Invariant } from './invariant.js';

function hostDown(xen: Xen): string | undefined {
  return xen.hostBug === undefined ? undefined : `Xen hits a BUG: ${xen.hostBug}`;
}

export const BUG: Invariant = {
  id: 'BUG',
  states: ['INV-NOCRASH'],
  title: 'no guest brings the host down',
  reason: 'a reachable BUG is a denial of service to everybody',
  harm: 'crash',
  violation: hostDown,
};
