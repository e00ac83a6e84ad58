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
    doc: 'A device reads or writes memory.',
    source: '§7',
    parameters: [
      { name: 'device', kind: 'device', doc: 'the device' },
      { name: 'access', kind: 'word', words: ['read', 'write'], doc: 'the direction' },
      { name: 'address', kind: 'address', doc: 'the bus address' },
      hex(keyed('value', 'number', '32-bit word to write; 0xdeadbeef by default')),
      hex(keyed('stream', 'number', 'Arm: the stream id it comes under; the device’s first by default')),
    ],
  },
];
