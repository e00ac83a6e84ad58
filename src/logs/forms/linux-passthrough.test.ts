import { describe, expect, it } from 'vitest';
import { eventsOf } from '../events.fixture.js';
import { LINUX_PASSTHROUGH_FORMS } from './linux-passthrough.js';
import { describeSamples, type Sample } from './samples.fixture.js';
import { XEN_PIRQ_FORMS } from './xen-pirq.js';

const DEVICE = '0000:01:00.0';

const linux = (log: string, name: string, rest: object = {}): Sample => ({
  log: `[    1.0] ${log}`,
  events: [{ source: 'linux', unit: null, reason: { name }, ...rest }],
});

describeSamples('lines of Linux about devices on their way to guests', LINUX_PASSTHROUGH_FORMS, [
  linux('pci 0000:01:00.0: Failed to add - passthrough or MSI/MSI-X might fail!', 'device-not-told-to-xen', {
    device: DEVICE,
  }),
  linux(
    'vfio-pci 0000:01:00.0: Unable to change power state from D3cold to D0, device inaccessible',
    'device-inaccessible',
    { device: DEVICE, details: { from: 'D3cold' } },
  ),
  linux('vfio-pci 0000:01:00.0: Refused to change power state, currently in D3', 'device-inaccessible', {
    device: DEVICE,
  }),
  linux('pciback 0000:01:00.0: not ready 65535ms after FLR; giving up', 'device-inaccessible', {
    device: DEVICE,
  }),
  linux(
    'ath11k_pci 0000:01:00.0: swiotlb buffer is full (sz: 1048583 bytes), total 32768 (slots), used 2528 (slots)',
    'bounce-buffers-full',
    { kind: 'memory', device: DEVICE, more: ['size 1048583'] },
  ),
  linux('xen:swiotlb_xen: Failed to get contiguous memory for DMA from Xen!', 'bounce-buffers-missing', {
    kind: 'memory',
  }),
  linux('DMA: Out of SW-IOMMU space for 4096 bytes at device 0000:01:00.0', 'bounce-buffers-full', {
    kind: 'memory',
    device: DEVICE,
  }),
  linux(
    'Lockdown: qemu-system-i38: /dev/mem,kmem,port is restricted; see man kernel_lockdown.7',
    'dev-mem-locked',
    { details: { program: 'qemu-system-i38' } },
  ),
  { log: '[   17.7] pciback 0000:01:00.0: registering for 3', events: [] },
]);

describe('a device that pciback registers', () => {
  it('is the domain’s from then on', () => {
    const { facts } = eventsOf(
      'pciback 0000:01:00.0: registering for 3\nfoo: registering for 4',
      LINUX_PASSTHROUGH_FORMS,
    );
    expect([...facts.devices]).toEqual([[DEVICE, [{ value: 'assigned to d3', line: 1 }]]]);
  });
});

const xen = (log: string, name: string, rest: object = {}): Sample => ({
  log: `(XEN) ${log}`,
  events: [{ source: 'xen', kind: 'toolstack', domain: 1, reason: { name }, ...rest }],
});

describeSamples('lines of Xen about interrupts of devices', XEN_PIRQ_FORMS, [
  xen('irq.c:1958: dom1: pirq 55 or irq 56 already mapped (0,0)', 'interrupt-refused', {
    details: { pirq: '55', irq: '56' },
  }),
  xen('irq.c:1958: dom1: irq 56 already mapped to pirq 55', 'interrupt-refused'),
  xen('irq.c:1958: dom1: invalid pirq 55 or irq 56', 'interrupt-refused'),
  xen('irq.c:1958: dom1: map invalid irq 56', 'interrupt-refused'),
  xen('irq.c:1958: dom1: map pirq with incorrect irq!', 'interrupt-refused'),
  xen('irq.c:1958: dom1: irq 56 (pirq 55) in use (ehci)', 'interrupt-refused'),
  xen('dom1: could not permit access to IRQ56 (pirq 55)', 'interrupt-refused'),
  xen('irq.c:1958: dom1: could not permit access to irq 56 mapping to pirq 55', 'interrupt-refused'),
  xen('irq.c:1958: dom1: no block of 4 free pirqs', 'interrupts-exhausted'),
  xen('irq.c:1958: dom1: no free pirq', 'interrupts-exhausted'),
  xen("irq.c:1958: dom1: can't create irq for msi!", 'interrupts-exhausted'),
  xen('Cannot bind IRQ16 to dom1. Others do not share.', 'interrupt-shared', {
    details: { why: 'Others do not share.' },
  }),
  xen('pt_irq_create_bind failed (-22) for dom1', 'interrupt-refused', {
    reason: { name: 'interrupt-refused', code: -22 },
  }),
  xen('pt_irq_create_bind failed (-22) for d1', 'interrupt-refused'),
  xen('pt_irq_destroy_bind failed (-22) for dom1', 'interrupt-refused'),
  xen('pt_irq_destroy_bind failed (-22) for d1', 'interrupt-refused'),
  xen('Potentially insecure use of MSI-X on 0000:01:00.0 by d1', 'msix-exposed', { device: DEVICE }),
  xen('d1v0 0000:01:00.0: Failed to map first MSI-X table page: -12', 'interrupt-refused', {
    device: DEVICE,
  }),
  xen('d1v0 0000:01:00.0: Failed to map last MSI-X table page: -12', 'interrupt-refused', { device: DEVICE }),
]);
