import { isIdle } from '../xen/calls/call.js';
import { TOOLSTACK } from '../xen/calls/steps.js';
import { assignDevice, deassignDevice } from '../xen/device-domctl.js';
import { deviceOwner } from '../xen/devices.js';
import { isUntranslatedHwdom } from '../xen/rule.js';
import type { Xen } from '../xen/state.js';
import { Life } from '../xen/tables/domain.js';
import { type ActionScene, Attempt, answered, possible } from './alphabet-action.js';
import { gfnsTried } from './alphabet-examples.js';
import { deviceAccess } from './device-access.js';

/** What a device writes: the search only needs to know that it can. */
const WRITTEN = 0;

/** Whether a device is held to the rule: it has an owner, and that is not a dom0 trusted with the host's memory. */
function isBoundDevice(xen: Xen, device: number): boolean {
  const owner = deviceOwner(xen, device);
  return owner >= 0 && !isUntranslatedHwdom(xen, owner);
}

/** A device accesses memory; the toolstack takes it away and gives it again. */
export function addDevice(scene: ActionScene, device: number): void {
  const { xen, names, bounds, frames, add } = scene;
  const { name } = xen.spec.devices[device]!;
  const remembersAbsent = xen.vtds.some(({ capabilities }) => capabilities.cachingMode);
  const inputs = new Set(frames.map((pdx) => xen.ram.frameAt(pdx)));
  if (xen.hasTranslatedDomains) {
    for (const gfn of gfnsTried(xen, bounds)) inputs.add(gfn);
  }
  for (const input of inputs) {
    const address = input * 4096;
    for (const access of ['read', 'write']) {
      const write = access === 'write';
      const args = { device: name, access, address, ...(write ? { value: WRITTEN } : {}) };
      add('dma', name, args, () => {
        if (!isBoundDevice(xen, device)) return Attempt.impossible;
        if (deviceAccess(xen, device, address, write, WRITTEN)) return Attempt.done;
        return remembersAbsent ? Attempt.refused : Attempt.impossible;
      });
      for (const stream of xen.spec.arch === 'x86' ? xen.requesters[device]!.slice(1) : []) {
        add('dma', name, { ...args, stream }, () =>
          possible(isBoundDevice(xen, device) && deviceAccess(xen, device, address, write, WRITTEN, stream)),
        );
      }
    }
  }
  if (!bounds.hotplug) return;
  for (let slot = 1; slot < xen.domIo; slot++) {
    if (xen.domain.life.get(slot) === Life.absent) continue;
    const args = { domain: names.domain(slot), device: name };
    add('begin assign_device', 'dom0', args, () => {
      return isIdle(xen, TOOLSTACK)
        ? answered(assignDevice(xen, TOOLSTACK, slot, device, 0))
        : Attempt.impossible;
    });
    add('deassign_device', 'dom0', args, () =>
      isIdle(xen, TOOLSTACK) ? answered(deassignDevice(xen, TOOLSTACK, slot, device)) : Attempt.impossible,
    );
  }
}
