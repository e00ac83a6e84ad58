import { type BehaviourSpec, type History, type ValuesOf, valuesAt } from '../xen/editions/history.js';
import type { Release } from '../xen/editions/release.js';

/**
 * What releases of xl, libxl and of Xen's createdomain do differently when a domain with devices is created. The code
 * asks for a behaviour by name and never for a version number. Values are listed from the oldest to the newest.
 */
export const TOOLSTACK_BEHAVIOURS = {
  contextDecided: {
    doc: 'When xl gives a domain its IOMMU context',
    section: '§2.6',
    values: {
      'at-first-assignment': 'with its first device',
      'at-creation': 'by `passthrough=` or the devices of the config, when it is created',
    },
  },
  hapDefault: {
    doc: 'Whether libxl looks at the host before it turns HAP on',
    section: '§2.6',
    values: { 'always-on': 'it does not', 'from-capabilities': 'HAP is the default where the host has it' },
  },
  hapUnsupported: {
    doc: 'What Xen does with HAP on a host that has none',
    section: '§2.2',
    values: { 'falls-back': 'the domain gets shadow paging', refused: 'createdomain is refused' },
  },
  podRefused: {
    doc: 'Which domains with populate-on-demand memory libxl refuses',
    section: '§2.6 item 5',
    values: {
      'with-pci-devices': 'those with `pci=`',
      'with-any-passthrough': 'those with an IOMMU context, whatever it is for',
    },
  },
  pciSpec: {
    doc: 'How xl reads an item of `pci=`',
    section: '§2.6',
    values: {
      positional: 'an address, then options; one that it does not know is skipped',
      keywords: '`bdf=`, `vslot=` and `name=`, too; what it does not know is refused',
    },
  },
  rdmPolicy: {
    doc: 'What xl makes of `policy=` within `rdm=`',
    section: '§6.4',
    values: { read: 'it is read', 'drops-rdm': 'the whole setting is dropped without a word' },
  },
  trapUnmappedAccesses: {
    doc: 'Whether xl asks for `trap_unmapped_accesses`',
    section: '§2.1',
    values: { unknown: 'it does not know it', 'default-on-arm': 'on Arm, unless told otherwise' },
  },
  nestedVirtFlag: {
    doc: 'Whether libxl passes CDF_nested_virt',
    section: '§2.1',
    values: { absent: 'no', present: 'for `nestedhvm`' },
  },
  vpmuFlag: {
    doc: 'Whether libxl passes CDF_vpmu',
    section: '§2.1',
    values: { absent: 'no', present: 'for `vpmu`' },
  },
} as const satisfies Record<string, BehaviourSpec>;

export type ToolstackBehaviours = ValuesOf<typeof TOOLSTACK_BEHAVIOURS>;

/**
 * Read from the release tags, stable series included: the carriers of `podRefused` differ from what the main line
 * alone would suggest.
 */
export const TOOLSTACK_HISTORY: History<ToolstackBehaviours> = {
  specs: TOOLSTACK_BEHAVIOURS,
  oldest: {
    contextDecided: 'at-first-assignment',
    hapDefault: 'always-on',
    hapUnsupported: 'falls-back',
    podRefused: 'with-pci-devices',
    pciSpec: 'positional',
    rdmPolicy: 'read',
    trapUnmappedAccesses: 'unknown',
    nestedVirtFlag: 'absent',
    vpmuFlag: 'absent',
  },
  changes: [
    {
      behaviours: { hapDefault: 'from-capabilities' },
      commit: '948a4f6af38f',
      title: 'sysctl/libxl: choose a sane default for HAP',
      release: '4.13.0',
      backports: [],
    },
    {
      behaviours: { hapUnsupported: 'refused' },
      commit: 'd0c0ba7d3de6',
      title: "x86/hvm/domain: remove the 'hap_enabled' flag",
      release: '4.13.0',
      backports: [],
    },
    {
      behaviours: { contextDecided: 'at-creation' },
      commit: 'ad011ad08843',
      title: 'libxl/xl: Overhaul passthrough setting logic',
      release: '4.13.0',
      backports: [],
    },
    {
      // xlu_rdm_parse then takes the success of parse_rdm_policy for a failure.
      behaviours: { pciSpec: 'keywords', rdmPolicy: 'drops-rdm' },
      commit: 'bdc0799fe26a',
      title: 'libxlu: introduce xlu_pci_parse_spec_string()',
      release: '4.15.0',
      backports: [],
    },
    {
      behaviours: { nestedVirtFlag: 'present' },
      commit: 'dbe399b174e4',
      title: 'xen/domctl: Introduce and use XEN_DOMCTL_CDF_nested_virt',
      release: '4.15.0',
      backports: [],
    },
    {
      behaviours: { vpmuFlag: 'present' },
      commit: 'dbb948110a0e',
      title: 'xen: Expose the PMU to the guests',
      release: '4.16.0',
      backports: [],
    },
    {
      behaviours: { podRefused: 'with-any-passthrough' },
      commit: '07449ecfa425',
      title: "tools/libxl: don't allow IOMMU usage with PoD",
      release: '4.17.0',
      backports: ['4.16.1', '4.15.3', '4.14.5'],
    },
    {
      behaviours: { trapUnmappedAccesses: 'default-on-arm' },
      commit: 'd057628757ff',
      title: 'tools/arm: Add the trap_unmapped_accesses xl config option',
      release: '4.21.0',
      backports: [],
    },
  ],
};

export function toolstackBehaviours(release: Release): ToolstackBehaviours {
  return valuesAt(TOOLSTACK_HISTORY, release);
}
