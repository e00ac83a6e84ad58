import { ASSIGN_DEVICE, DOMCTL } from './abi/domctl.js';
import type { Dom0 } from './dom0.js';
import type { StatusResult } from './protocol.js';

/** Assigns a PCI device to a domain, asks whether that would do, or takes it away. */
export function assignment(
  dom0: Dom0,
  command: 'assign_device' | 'test_assign_device' | 'deassign_device',
  domid: number,
  sbdf: number,
  flags: number,
): StatusResult {
  const { rc, steps } = dom0.domctl(DOMCTL[command], domid, ASSIGN_DEVICE, { flags, machine_sbdf: sbdf });
  return { rc, steps };
}
