import { device, domain, hex, keyed, type Operation } from './operation.js';

/** Devices: who has them, and what they do. */
export const DEVICES: readonly Operation[] = [
  {
    name: 'assign_device',
    actor: 'toolstack',
    doc: 'Assigns a device to a domain (or quarantines it: dom_io).',
    source: '§1.3, §6.1',
    preemptible: true,
    parameters: [domain, device, keyed('flags', 'number', 'assignment flags; 1 is RDM_RELAXED')],
  },
  {
    name: 'test_assign_device',
    actor: 'toolstack',
    doc: 'Asks whether a device could be assigned: to this domain, or with `dom_invalid` to anybody.',
    source: '§2.5, §6.1',
    parameters: [domain, device],
  },
  {
    name: 'deassign_device',
    actor: 'toolstack',
    doc: 'Takes a device from a domain.',
    source: '§6.2',
    parameters: [domain, device],
  },
  {
    name: 'dma',
    actor: 'device',
    doc: 'A device reads or writes memory. One that Xen has silenced does not: `no bus master`.',
    source: '§7',
    parameters: [
      { name: 'device', kind: 'device', doc: 'the device' },
      { name: 'access', kind: 'word', words: ['read', 'write'], doc: 'the direction' },
      { name: 'address', kind: 'address', doc: 'the bus address' },
      hex(keyed('value', 'number', '32-bit word to write; 0xdeadbeef by default')),
      hex(
        keyed(
          'stream',
          'number',
          'the stream id it comes under, or the requester id of a phantom function; the device’s first by default',
        ),
      ),
    ],
  },
  {
    name: 'get_device_group',
    actor: 'toolstack',
    doc: 'Asks for the devices of a domain that share a group with a device: their names with `+` between, or `none`.',
    source: '§6.5',
    parameters: [domain, device],
  },
  {
    name: 'pci_device_add',
    actor: 'toolstack',
    doc: 'dom0 tells Xen of a device (physdev_op): one that was `absent`, or was removed.',
    source: '§6.5',
    parameters: [device],
  },
  {
    name: 'pci_device_remove',
    actor: 'toolstack',
    doc: 'dom0 tells Xen that a device is gone (physdev_op).',
    source: '§6.5',
    parameters: [device],
  },
  {
    name: 'map_pirq',
    actor: 'guest',
    doc: 'A guest sets up the interrupts (MSI) of a device, which come to it from then on (PHYSDEVOP_map_pirq).',
    source: '§6.1',
    parameters: [domain, device],
  },
  {
    name: 'enable_bus_master',
    actor: 'guest',
    doc: 'Whoever drives a device lets it issue accesses again, after Xen has silenced it.',
    source: '§6.8',
    parameters: [{ name: 'device', kind: 'device', doc: 'the device' }],
  },
  {
    name: 'wait',
    actor: 'program',
    doc: 'Time passes. Nothing else takes any.',
    source: '§6.8',
    parameters: [{ name: 'ms', kind: 'number', doc: 'milliseconds' }],
  },
];
