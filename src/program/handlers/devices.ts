import { CONTINUES } from '../../xen/calls/call.js';
import { TOOLSTACK } from '../../xen/calls/steps.js';
import { assignDevice, deassignDevice, getDeviceGroup, testAssignDevice } from '../../xen/device-domctl.js';
import { errnoName } from '../../xen/errno.js';
import { faultLines } from '../../xen/fault-lines.js';
import { isBusMaster, noteFault } from '../../xen/fault-throttle.js';
import { addDevice, removeDevice } from '../../xen/pci-hotplug.js';
import { mapPirq } from '../../xen/pirq.js';
import type { Xen } from '../../xen/state.js';
import type { Arguments } from '../arguments.js';
import { deviceAccess } from '../device-access.js';
import { type Beginning, beginHandler, runCall } from './calls.js';
import { errno, type Handlers, type Outcome } from './handler.js';

const beginAssign: Beginning = (xen, args, _names, call) =>
  assignDevice(xen, call, args.domain(), args.device(), args.number('flags', 0));

function assign(xen: Xen, args: Arguments): Outcome {
  const status = assignDevice(xen, TOOLSTACK, args.domain(), args.device(), args.number('flags', 0));
  if (status !== CONTINUES) return { status: errnoName(status), steps: 1 };
  const rest = runCall(xen, TOOLSTACK, () => false);
  return { ...rest, steps: (rest.steps ?? 0) + 1 };
}

function dma(xen: Xen, args: Arguments): Outcome {
  const write = args.text('access') === 'write';
  const value = args.number('value', 0xdeadbeef);
  const device = args.device();
  const requester = args.number('stream', xen.spec.devices[device]!.requester);
  if (!isBusMaster(xen, device)) return { status: 'no bus master' };
  if (deviceAccess(xen, device, args.address(), write, value, requester)) return { status: 'ok' };
  noteFault(xen, device);
  return {
    status: 'fault',
    faults: [faultLines(xen, device, xen.unitOf(device)!.lastFault()).join('\n')],
  };
}

/** Devices. */
export const DEVICE_HANDLERS: Handlers = {
  assign_device: assign,
  'begin assign_device': beginHandler(beginAssign),
  test_assign_device: (xen, args) => errno(testAssignDevice(xen, TOOLSTACK, args.domain(), args.device(), 0)),
  deassign_device: (xen, args) => errno(deassignDevice(xen, TOOLSTACK, args.domain(), args.device())),
  dma,
  get_device_group: (xen, args) => {
    const group = getDeviceGroup(xen, args.domain(), args.device());
    if (typeof group === 'number') return errno(group);
    return { status: group.map((device) => xen.spec.devices[device]!.name).join('+') || 'none' };
  },
  pci_device_add: (xen, args) => errno(addDevice(xen, args.device())),
  pci_device_remove: (xen, args) => errno(removeDevice(xen, args.device())),
  map_pirq: (xen, args) => errno(mapPirq(xen, args.domain(), args.device())),
  enable_bus_master: (xen, args) => {
    xen.device.masterOff.set(args.device(), 0);
    return { status: 'ok' };
  },
  wait: (xen, args) => {
    xen.now += args.number('ms', 0);
    return { status: 'ok' };
  },
};
