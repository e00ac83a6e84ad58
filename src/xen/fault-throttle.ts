import type { Xen } from './state.js';

/** Faults after which a device is silenced, and the milliseconds without one that halve their number. */
const PT_FAULT_THRESHOLD = 10;
const QUIET_MS = 10;

/**
 * pci_check_disable_device, which both drivers of x86 ask to look at each fault (dossier §6.8): after ten that follow one
 * another closely, Xen takes the device its bus mastering, as it cannot rely on a guest to do so. SMMUs' drivers do not.
 * Assigning the device and taking it away start the count over, but only whoever drives the device lets it go on.
 */
export function noteFault(xen: Xen, device: number): void {
  if (xen.spec.arch === 'arm') return;
  const { faultCount, faultTime, masterOff } = xen.device;
  const since = xen.now - faultTime.get(device);
  if (since < 0 || since > QUIET_MS) faultCount.set(device, faultCount.get(device) >> 1);
  faultTime.set(device, xen.now);
  faultCount.add(device, 1);
  if (faultCount.get(device) >= PT_FAULT_THRESHOLD) masterOff.set(device, 1);
}

/** Whether the device issues accesses at all. */
export function isBusMaster(xen: Xen, device: number): boolean {
  return xen.device.masterOff.get(device) === 0;
}
