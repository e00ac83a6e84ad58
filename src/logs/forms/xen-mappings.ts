import type { LineForm } from '../form.js';
import { type Message, messageForms } from './message.js';

const DEBUG = 'debug builds of Xen';

/** The p2m and what devices map: xen/arch/x86/mm/p2m*.c, xen/arch/arm, xen/drivers/passthrough/iommu.c. */
const MAPPINGS: readonly Message[] = [
  {
    texts: [
      'IOMMU mapping dfn {dfn:hex} to mfn {mfn:hex} failed: {errno:dec}',
      'IOMMU mapping gfn {dfn:hex} to mfn {mfn:hex} failed: {errno:dec}',
    ],
    printedBy: 'Xen 4.12 to 4.22; with gfn 4.8 to 4.11; domains other than the hardware domain are crashed',
    name: 'map-failed',
    meaning: 'memory could not be mapped for a domain’s devices',
    manual: 'dossier §4.4',
  },
  {
    texts: [
      'IOMMU unmapping dfn {dfn:hex} failed: {errno:dec}',
      'IOMMU unmapping gfn {dfn:hex} failed: {errno:dec}',
    ],
    printedBy: 'Xen 4.12 to 4.22; with gfn 4.8 to 4.11; domains other than the hardware domain are crashed',
    name: 'unmap-failed',
    meaning: 'memory could not be taken from a domain’s devices: they may go on reaching it',
    manual: 'dossier §4.4',
  },
  {
    texts: ['IOMMU mapping failed: {errno:dec}'],
    printedBy: 'Xen 4.8 to 4.12',
    name: 'map-failed',
    meaning: 'memory of a domain could not be mapped when it got its first device',
    manual: 'dossier §1.3',
  },
  {
    texts: [
      'IOMMU IOTLB flush failed: {errno:dec}, dfn {dfn:hex}, page count {pages:dec}< flags {flags:hex}>',
      'IOMMU IOTLB flush failed: {errno:dec}, gfn {dfn:hex}, page count {pages:dec}',
      'IOMMU IOTLB flush all failed: {errno:dec}',
    ],
    printedBy: 'Xen 4.8 to 4.22; domains other than the hardware domain are crashed',
    name: 'flush-failed',
    meaning:
      'the IOMMU did not confirm that it has forgotten mappings: devices may go on reaching what was taken from them',
    manual: 'dossier §4.4',
  },
  {
    texts: [
      'Cannot setup identity map d{domain:dec}:{gfn:hex}, gfn already mapped to {mfn:hex}',
      'Cannot setup identity map {domain:domain}:{gfn:hex}, gfn already mapped to {mfn:hex}',
    ],
    printedBy: 'Xen 4.6 to 4.22',
    name: 'identity-map-refused',
    meaning: 'a reserved region of the device lies where the guest has memory',
    manual: 'dossier §6.4',
  },
  {
    texts: ['non-identity map {domain:domain}:{gfn:hex} not cleared (mapped to {mfn:hex})'],
    printedBy: 'Xen 4.6 to 4.22',
    name: 'identity-map-refused',
    meaning: 'a reserved region was to be taken from a domain, and something else is mapped there',
    manual: 'dossier §6.4',
  },
  {
    texts: ['p2m_set_entry: {gfn:hex}:{order:dec} -\\> {errno:dec} ({mfn:hex})'],
    printedBy: `${DEBUG}, 4.8 to 4.22`,
    name: 'p2m-failed',
    meaning: 'an entry of a guest’s p2m could not be set',
  },
  {
    texts: [
      'p2m_set_entry failed! mfn={mfn:hex} rc:{errno:dec}',
      'set_foreign_p2m_entry failed. gpfn:{gfn:hex} mfn:{mfn:hex}',
    ],
    printedBy: `${DEBUG}, 4.6 to 4.22`,
    name: 'p2m-failed',
    meaning: 'an entry of a guest’s p2m could not be set',
  },
  {
    texts: ['GFN {gfn:hex} ({old:text}) -\\> ({new:text}) not permitted'],
    printedBy: 'Xen 4.16 to 4.22',
    name: 'p2m-move-refused',
    meaning:
      'a device’s memory was to be mapped in the p2m where something else is, or taken where it is not',
    manual: 'dossier §4.3',
  },
  {
    texts: [
      'Adding bad mfn to p2m map ({gfn:hex} -\\> {mfn:hex})',
      'Adding shared mfn {mfn:hex} directly to dom{domain:dec} physmap not allowed',
    ],
    printedBy: `${DEBUG}, 4.6 to 4.22`,
    name: 'p2m-failed',
    meaning: 'a page that is none, or is shared, was to be put into a guest’s p2m',
  },
  {
    texts: [
      'memory_map:fail: dom{domain:dec} gfn={gfn:hex} mfn={mfn:hex} nr={count:hex} ret:{errno:dec}',
      'memory_map:fail: {domain:domain} gfn={gfn:hex} mfn={mfn:hex} nr={count:hex} ret:{errno:dec}',
    ],
    printedBy: 'Xen 4.6 to 4.22',
    name: 'mmio-map-failed',
    meaning: 'a BAR or iomem= range could not be mapped for a guest',
  },
  {
    texts: [
      'memory_map: error {errno:dec} removing dom{domain:dec} access to [{start:hex},{end:hex}]',
      'memory_map: error {errno:dec} removing {domain:domain} access to [{start:hex},{end:hex}]',
    ],
    printedBy: 'Xen 4.6 to 4.22',
    name: 'mmio-map-failed',
    meaning: 'the right to a BAR or iomem= range could not be taken from a guest',
  },
  {
    texts: [
      'Unable to remove mapping gfn={gfn:hex} order={order:dec} from the p2m of domain {domain:dec}',
      'Unable to map MFN {mfn:hex} in {domain:domain}',
      'Unable to map MFNs [{mfn:hex} - {end:hex} in Dom{domain:dec}',
    ],
    printedBy: 'Xen for Arm 4.8 to 4.22',
    name: 'p2m-failed',
    meaning: 'an entry of a domain’s p2m could not be set or taken away',
  },
];

export const XEN_MAPPING_FORMS: readonly LineForm[] = messageForms(
  { source: 'xen', unit: null, kind: 'memory' },
  MAPPINGS,
);
