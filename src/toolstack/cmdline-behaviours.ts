import { type BehaviourSpec, type History, type ValuesOf, valuesAt } from '../xen/editions/history.js';
import type { Release } from '../xen/editions/release.js';

/** How Xen of a release reads the items of `iommu=` and `dom0-iommu=`. */
export const COMMAND_LINE_BEHAVIOURS = {
  itemMatch: {
    doc: 'How the name of an item is compared',
    section: '§2.7',
    values: {
      prefix:
        'the start of a name stands for the first option that starts so, and nothing at all for `force`',
      'up-to-delimiter': 'names are whole; what follows `=` is left unread',
      whole: 'names are whole, and values are read',
    },
  },
  booleanMatch: {
    doc: 'How `on`, `off`, `yes` and the like are compared',
    section: '§2.7',
    values: { prefix: 'their start is enough', whole: 'they are whole' },
  },
  negatedValue: {
    doc: 'What `no-strict=1` means',
    section: '§2.7',
    values: { 'negation-lost': 'the `no-` is forgotten', invalid: 'nothing: the item is invalid' },
  },
  dom0Iommu: {
    doc: 'Whether there is `dom0-iommu=`',
    section: '§2.7',
    values: { unknown: 'no', known: 'yes' },
  },
  mapInclusiveDefault: {
    doc: 'Whether dom0’s IOMMU tables hold all below 4 GiB unless told otherwise',
    section: '§2.7',
    values: { on: 'yes', off: 'no' },
  },
  scratchPage: {
    doc: 'Whether there is `quarantine=scratch-page`',
    section: '§6.3',
    values: { unknown: 'no', known: 'yes' },
  },
} as const satisfies Record<string, BehaviourSpec>;

export type CommandLineBehaviours = ValuesOf<typeof COMMAND_LINE_BEHAVIOURS>;

/** As read from the release tags, stable series included. */
export const COMMAND_LINE_HISTORY: History<CommandLineBehaviours> = {
  specs: COMMAND_LINE_BEHAVIOURS,
  oldest: {
    itemMatch: 'prefix',
    booleanMatch: 'prefix',
    negatedValue: 'negation-lost',
    dom0Iommu: 'unknown',
    mapInclusiveDefault: 'on',
    scratchPage: 'unknown',
  },
  changes: [
    {
      behaviours: { dom0Iommu: 'known' },
      commit: '391266f0120c',
      title: 'iommu: introduce dom0-iommu option',
      release: '4.12.0',
      backports: [],
    },
    {
      behaviours: { itemMatch: 'up-to-delimiter', booleanMatch: 'whole' },
      commit: '2ddf7e3e341d',
      title: 'xen/cmdline: Fix buggy strncmp(s, LITERAL, ss - s) construct',
      release: '4.12.0',
      backports: ['4.11.2'],
    },
    {
      behaviours: { itemMatch: 'whole' },
      commit: '8ed20a7119ea',
      title: 'docs: Improve documentation and parsing for iommu=',
      release: '4.12.0',
      backports: [],
    },
    {
      behaviours: { mapInclusiveDefault: 'off' },
      commit: 'b7e8dee07cdc',
      title: 'xen/dom0: Deprecate iommu_hwdom_inclusive and leave it disabled by default',
      release: '4.12.0',
      backports: [],
    },
    {
      behaviours: { scratchPage: 'known' },
      commit: '980d6acf1517',
      title: 'IOMMU: make DMA containment of quarantined devices optional',
      release: '4.16.0',
      backports: [],
    },
    {
      behaviours: { negatedValue: 'invalid' },
      commit: '382326cac528',
      title: 'xen/cmdline: Extend parse_boolean() to signal a name match',
      release: '4.17.0',
      backports: ['4.16.2', '4.15.4', '4.14.6', '4.13.5'],
    },
  ],
};

export function commandLineBehaviours(release: Release): CommandLineBehaviours {
  return valuesAt(COMMAND_LINE_HISTORY, release);
}
