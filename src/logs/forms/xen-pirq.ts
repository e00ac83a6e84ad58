import type { LineForm } from '../form.js';
import { type Message, messageForms } from './message.js';

const ALL = 'Xen 4.6 to 4.22, many in debug builds only';

/** xen/arch/x86/irq.c, msi.c, common/domctl.c: interrupts of devices that guests get. */
const INTERRUPTS: readonly Message[] = [
  {
    texts: [
      'pirq {pirq:dec} or irq {irq:dec} already mapped',
      'irq {irq:dec} already mapped to pirq {pirq:dec}',
      'invalid pirq {pirq:dec} or irq {irq:dec}',
      'map invalid irq {irq:dec}',
      'map pirq with incorrect irq!',
    ],
    printedBy: ALL,
    name: 'interrupt-refused',
    meaning: 'a device’s interrupt could not be mapped for a domain: it is mapped already, or is none',
  },
  {
    texts: [
      'irq {irq:dec} (pirq {pirq:dec}) in use',
      'could not permit access to IRQ{irq:dec} (pirq {pirq:dec})',
      'could not permit access to irq {irq:dec} mapping to pirq {pirq:dec}',
    ],
    printedBy: ALL,
    name: 'interrupt-refused',
    meaning: 'a device’s interrupt is in use by another domain, or may not be given',
  },
  {
    texts: ['no block of {wanted:dec} free pirqs', 'no free pirq', "can't create irq for msi!"],
    printedBy: ALL,
    name: 'interrupts-exhausted',
    meaning:
      'there is no interrupt left for the device: the domain’s (extra_guest_irqs=) or the machine’s are used up',
  },
  {
    texts: ['Cannot bind IRQ{irq:dec} to dom{domain:dec}. {why:text}'],
    printedBy: ALL,
    name: 'interrupt-shared',
    meaning: 'the device’s interrupt line is shared with a device of another domain, which does not go',
  },
  {
    texts: [
      'pt_irq_create_bind failed ({errno:dec}) for dom{domain:dec}',
      'pt_irq_create_bind failed ({errno:dec}) for {domain:domain}',
      'pt_irq_destroy_bind failed ({errno:dec}) for dom{domain:dec}',
      'pt_irq_destroy_bind failed ({errno:dec}) for {domain:domain}',
    ],
    printedBy: 'Xen 4.6 to 4.22',
    name: 'interrupt-refused',
    meaning: 'a device’s interrupt could not be bound to an HVM guest or freed again',
  },
  {
    texts: ['nsecure use of MSI-X on {device:bdf} by {domain:domain}'],
    printedBy: 'Xen 4.6 to 4.22',
    name: 'msix-exposed',
    meaning: 'a guest can write the device’s MSI-X table itself, and so send interrupts that it should not',
  },
  {
    texts: [
      'Failed to map first MSI-X table page: {errno:dec}',
      'Failed to map last MSI-X table page: {errno:dec}',
    ],
    printedBy: 'Xen 4.19 to 4.22',
    name: 'interrupt-refused',
    meaning: 'Xen could not map the device’s MSI-X table',
  },
];

export const XEN_PIRQ_FORMS: readonly LineForm[] = messageForms(
  { source: 'xen', unit: null, kind: 'toolstack' },
  INTERRUPTS,
);
