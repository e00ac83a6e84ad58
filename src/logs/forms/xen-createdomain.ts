import type { LineForm } from '../form.js';
import { type Message, messageForms } from './message.js';

const DEBUG = 'debug builds of Xen';

/** What XEN_DOMCTL_createdomain refuses (dossier §2.2), always EINVAL: common/domain.c and arch/x86/domain.c. */
const CREATEDOMAIN: readonly Message[] = [
  {
    texts: ['IOMMU requested but not available', 'IOMMU is not enabled'],
    printedBy: `${DEBUG}, 4.15 to 4.22; 4.13 and 4.14`,
    name: 'passthrough-not-supported',
    meaning: 'a domain with an IOMMU context was asked for, and Xen has no IOMMU in use',
    manual: 'dossier §2.2',
  },
  {
    texts: [
      'IOMMU options specified but IOMMU not requested',
      'IOMMU options specified but IOMMU not enabled',
      'Unknown IOMMU options {options:hex}',
    ],
    printedBy: `${DEBUG}, 4.13 to 4.22`,
    name: 'createdomain-refused',
    meaning:
      'a domain was asked for with options for an IOMMU context that it is not to have, or with unknown ones',
    manual: 'dossier §2.2',
  },
  {
    texts: ['HAP requested but not available', 'HAP requested but not supported'],
    printedBy: `${DEBUG}, 4.13 to 4.22`,
    name: 'hap-unavailable',
    meaning: 'hardware-assisted paging was asked for on a host that has none',
    manual: 'dossier §2.2',
  },
  {
    texts: ['Shadow paging requested but not available'],
    printedBy: `${DEBUG}, 4.22`,
    name: 'shadow-unavailable',
    meaning: 'a guest without hardware-assisted paging was asked for, and Xen is built without shadow paging',
    manual: 'dossier §2.2',
  },
  {
    texts: ['HVM support not available'],
    printedBy: `${DEBUG}, 4.12 to 4.22`,
    name: 'hvm-unavailable',
    meaning: 'an HVM or PVH guest was asked for, and the host or this build cannot run them',
    manual: 'dossier §2.2',
  },
  {
    texts: ['PV support not available'],
    printedBy: `${DEBUG}, 4.12 to 4.22`,
    name: 'pv-unavailable',
    meaning: 'a PV guest was asked for, and this build of Xen cannot run them',
    manual: 'dossier §2.2',
  },
];

export const XEN_CREATEDOMAIN_FORMS: readonly LineForm[] = messageForms(
  { source: 'xen', unit: null, kind: 'toolstack' },
  CREATEDOMAIN,
);
