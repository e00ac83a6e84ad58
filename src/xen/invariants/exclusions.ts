import { deviceOwner } from '../devices.js';
import { LogDirty } from '../exclusions.js';
import type { Xen } from '../state.js';
import type { Invariant } from './invariant.js';
import { deviceText } from './words.js';

/** What takes pages away from under a guest to give them back on its fault, with a device that cannot take a fault. */
function faultingMemory(xen: Xen): string | undefined {
  if (xen.spec.arch === 'arm') return undefined;
  for (let device = 0; device < xen.spec.devices.length; device++) {
    const slot = deviceOwner(xen, device);
    const what = slot < 0 || slot >= xen.domIo || xen.isDying(slot) ? undefined : reasonToFault(xen, slot);
    if (what !== undefined)
      return `${deviceText(xen, device)} is ${xen.domainName(slot)}'s, which has ${what}`;
  }
  return undefined;
}

function reasonToFault(xen: Xen, slot: number): string | undefined {
  const { sharingEnabled, pagingEnabled, podEntries, logDirty } = xen.domain;
  if (sharingEnabled.get(slot) !== 0) return 'memory sharing on';
  if (pagingEnabled.get(slot) !== 0) return 'paging on';
  if (podEntries.get(slot) !== 0) return 'pages to be populated on demand';
  return logDirty.get(slot) === LogDirty.global ? 'log-dirty mode on' : undefined;
}

export const I8: Invariant = {
  id: 'I8',
  states: ['INV-DIRTY'],
  title: 'no domain has a device and sharing, paging, populate on demand or global log-dirty',
  reason:
    'a device that meets an entry that is to be filled on a fault gets an error instead, and nobody sees what it writes',
  harm: 'mapping lost',
  violation: faultingMemory,
};
