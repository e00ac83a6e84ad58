import type { Xen } from '../state.js';
import type { Invariant } from './invariant.js';

function hostDown(xen: Xen): string | undefined {
  return xen.hostBug === undefined ? undefined : `Xen hits a BUG: ${xen.hostBug}`;
}

function saidOtherwise(xen: Xen): string | undefined {
  return xen.hostMisdeed === 'a map that failed was answered as if it had succeeded'
    ? xen.hostMisdeed
    : undefined;
}

export const CONTRACT: Invariant = {
  id: 'INV-CONTRACT',
  title: 'what Xen answers is what it has done',
  reason: 'a caller that is told of a success builds on it',
  harm: 'mapping lost',
  dear: true,
  violation: saidOtherwise,
};

export const BUG: Invariant = {
  id: 'BUG',
  states: ['INV-NOCRASH'],
  title: 'no guest brings the host down',
  reason: 'a reachable BUG is a denial of service to everybody',
  harm: 'crash',
  violation: hostDown,
};
