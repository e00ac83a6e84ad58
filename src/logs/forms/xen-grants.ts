import { domainInWords, domainOf } from '../domids.js';
import type { EventDraft } from '../event.js';
import type { FormLine, LineForm } from '../form.js';
import { type Message, messageForms } from './message.js';

/**
 * xen/common/grant_table.c. Nearly all of it is printed by debug builds only, with the level of warnings or less, so that a
 * log without `guest_loglvl=all` has none of it. Whoever maps speaks (`d0v1`), whoever granted is named in the line.
 */
const DEBUG = 'debug builds of Xen';
const ALL = `${DEBUG}, 4.6 to 4.22`;

/** Only lines that stand behind the file's name, as these words could be anybody's. */
const inGrantTable = ({ before }: FormLine): false | undefined =>
  before.includes('grant_table.c:') ? undefined : false;

/** `expected d3`: for whom the entry would have to be. */
function expectedDomain({ fields }: FormLine, event: EventDraft): undefined {
  const expected = domainOf(fields.expected);
  if (expected !== null) event.details.expected = domainInWords(expected);
  return undefined;
}

const REFERENCES: readonly Message[] = [
  {
    texts: [
      'Bad grant reference {reference:hex} for transfer to d{other:dec}',
      'Bad grant reference ({reference:dec}) for transfer to domain({other:dec})',
      'Bad grant reference {reference:hex}',
    ],
    printedBy: `${DEBUG}, 4.9 to 4.22; decimal 4.6 to 4.8`,
    name: 'grant-reference-invalid',
    meaning:
      'a grant was used that the granting domain’s table does not have: its number is beyond the table',
    manual: 'dossier §5.2',
  },
  {
    texts: [
      'Bad ref {reference:hex} for d{granter:dec}',
      'Bad ref {reference:hex}',
      'Bad ref ({reference:dec})',
      'Bad ref-a {reference:hex}',
      'Bad ref-b {reference:hex}',
    ],
    printedBy: `${DEBUG}, 4.10 to 4.22; 4.9; 4.6 to 4.8`,
    name: 'grant-reference-invalid',
    meaning:
      'a grant was used that the granting domain’s table does not have: its number is beyond the table',
    manual: 'dossier §5.2',
    also: inGrantTable,
  },
  {
    texts: [
      'Bad flags ({flags:hex}) or dom ({found:dec}); expected d{expected:dec}< flags {wanted:hex}>',
      'Bad flags ({flags:hex}) or dom ({found:dec}). (expected dom {expected:dec}',
      'Bad flags ({flags:hex}) or dom ({found:dec}). (NB. expected dom {expected:dec}',
    ],
    printedBy: `${DEBUG}, 4.10 to 4.22; 4.6 to 4.9`,
    name: 'grant-not-given',
    meaning: 'the grant’s entry is empty or for another domain: it was never given, or taken back already',
    manual: 'dossier §5.2',
    also: expectedDomain,
  },
  {
    texts: [
      'Unstable flags ({flags:hex}) or dom ({found:dec}); expected d{expected:dec}',
      'Unstable flags ({flags:hex}) or dom ({found:dec}). (expected dom {expected:dec}',
      'Shared grant entry is unstable',
      'Unstable grant readonly flag',
    ],
    printedBy: `${DEBUG}, 4.10 to 4.22; 4.6 to 4.9`,
    name: 'grant-unstable',
    meaning: 'the granting domain changed the entry while it was being used',
    manual: 'dossier §5.2',
    also: expectedDomain,
  },
  {
    texts: ['Attempt to write-pin a r/o grant entry'],
    printedBy: ALL,
    name: 'grant-read-only',
    meaning: 'a grant that is for reading was to be mapped or copied to for writing',
    manual: 'dossier §5.2',
  },
  {
    texts: ['Bad domain ({found:dec} != {expected:dec}), or risk of counter overflow {pin:hex}'],
    printedBy: ALL,
    name: 'grant-in-use',
    meaning: 'the grant is in use by another domain, or so often that Xen cannot count once more',
    manual: 'dossier §5.2',
    also: expectedDomain,
  },
  {
    texts: ['ref a {reference:hex} busy', 'ref b {reference:hex} busy'],
    printedBy: ALL,
    name: 'grant-in-use',
    meaning: 'a grant that is in use was to be swapped',
    also: inGrantTable,
  },
  {
    texts: [
      'transitive grant referenced bad domain {other:dec}',
      'transitive grant when transitivity not allowed',
      'transitive grants cannot be self-referential',
    ],
    printedBy: ALL,
    name: 'grant-transitive-refused',
    meaning: 'a grant that passes another grant on cannot be used here',
  },
];

const MAPPINGS: readonly Message[] = [
  {
    texts: ['Could not pin grant frame {frame:hex}', 'Could not get writable frame {frame:hex}'],
    printedBy: ALL,
    name: 'grant-frame-refused',
    meaning:
      'the granted page could not be kept: it does not belong to the granting domain any more, or is no page that may be written',
    manual: 'dossier §5.2',
  },
  {
    texts: [
      'Iomem mapping not permitted {frame:hex} (domain {other:dec})',
      "HVM guests can't grant map iomem",
      'No device mapping in HVM domain',
    ],
    printedBy: ALL,
    name: 'grant-iomem-refused',
    meaning: 'a grant of a device’s memory cannot be mapped by this domain',
    also: (_, event) => {
      if (event.details.other !== undefined) event.details.other = `d${event.details.other}`;
      return undefined;
    },
  },
  {
    texts: ['Bad flags in grant map op: {flags:hex}', 'Bad flags in grant map op ({flags:hex})'],
    printedBy: `${DEBUG}, 4.10 to 4.22; 4.6 to 4.9`,
    name: 'grant-map-flags',
    meaning: 'a grant was to be mapped neither for the CPU nor for devices',
    manual: 'dossier §5.2',
  },
  {
    texts: [
      'Bad d{granter:dec} handle {handle:hex}',
      'Bad handle {handle:hex}',
      'Bad handle ({handle:dec})',
      'Unstable d{granter:dec} handle {handle:hex}',
      'Unstable handle {handle:hex}',
      'Zero flags for d{granter:dec} handle {handle:hex}',
      'Zero flags for handle {handle:hex}',
      'Zero flags for handle ({handle:dec})',
    ],
    printedBy: `${DEBUG}, 4.10 to 4.22; without domain before`,
    name: 'grant-handle-invalid',
    meaning:
      'a grant was to be unmapped by a handle that stands for no mapping, or for one that is being unmapped',
    manual: 'dossier §5.5',
    also: inGrantTable,
  },
  {
    texts: [
      "PTE flags {flags:hex} for {address:hex} don't match grant ({wanted:hex})",
      "PTE {pte:hex} for {address:hex} doesn't match grant ({wanted:hex})",
      "PTE entry {pte:hex} for address {address:hex} doesn't match frame {frame:hex}",
      'Could not find L1 PTE for linear< address> {address:hex}',
      'Could not find L1 PTE for address {address:hex}',
      'Misaligned PTE address {address:hex}',
    ],
    printedBy: `${DEBUG}, 4.10 to 4.22; PTE entry 4.6 to 4.9`,
    name: 'grant-unmap-refused',
    meaning:
      'a grant was to be mapped or unmapped at an address for which the page tables have no entry, or another',
    manual: 'dossier §5.5',
  },
  {
    texts: ['old mapping invalid (type {p2m_type:dec}, mfn {mfn:hex}, frame {frame:hex})'],
    printedBy: `${DEBUG}, 4.6 to 4.9`,
    name: 'grant-unmap-refused',
    meaning: 'a grant was to be unmapped at a guest frame where it is not mapped',
    manual: 'dossier §5.5',
  },
  {
    texts: [
      'Grant release {handle:hex} ref {reference:hex} flags {flags:hex} d{granter:dec}',
      'Grant release {handle:hex} ref {reference:hex} flags {flags:hex} dom {granter:dec}',
      'Grant release ({handle:dec}) ref:({reference:dec}) flags:({flags:hex}) dom:({granter:dec})',
    ],
    printedBy: `${DEBUG}, 4.10 to 4.22; 4.9; 4.6 to 4.8`,
    name: 'grant-released',
    meaning: 'a domain died with a grant of another domain mapped, and Xen unmapped it',
    manual: 'dossier §5.7',
  },
  {
    texts: [
      'has active grant {reference:hex} (GFN {gfn:hex}, MFN: {frame:hex})',
      'has an active grant: GFN: {gfn:hex} (MFN: {frame:hex})',
    ],
    printedBy: 'Xen 4.10 to 4.22; 4.8 and 4.9',
    name: 'grant-still-mapped',
    meaning: 'a domain died while others still have pages of it mapped: they keep it from going away',
    manual: 'dossier §5.7',
    also: dyingDomain,
  },
  {
    texts: ['active grants to report'],
    printedBy: 'Xen 4.8 to 4.22',
    name: 'grant-still-mapped',
    meaning: 'a domain died while others still have many pages of it mapped: they keep it from going away',
    manual: 'dossier §5.7',
    also: dyingDomain,
  },
];

/** `d3 has …` and `Dom3 has …`, which is no prefix. */
function dyingDomain({ before }: FormLine, event: EventDraft): undefined {
  const found = /(?:d|Dom)(\d{1,5}) (?:has too many \(\d{1,9}\) )?$/.exec(before.slice(-48));
  event.domain = domainOf(found?.[1]) ?? event.domain;
  return undefined;
}

const TABLES: readonly Message[] = [
  {
    texts: [
      'Expand grant table of d{domain:dec} to {wanted:dec} failed. Current: {current:dec} Max: {limit:dec}',
      'Expand grant table to {wanted:dec} failed. Current: {current:dec} Max: {limit:dec}',
    ],
    printedBy: `${DEBUG}, 4.10 to 4.22; 4.6 to 4.9`,
    name: 'grant-table-full',
    meaning: 'a domain wants a larger grant table than its limit (max_grant_frames) allows',
  },
  {
    texts: ['Failed to obtain maptrack handle'],
    printedBy: ALL,
    name: 'grant-mappings-full',
    meaning: 'a domain has as many grants mapped as its limit (max_maptrack_frames) allows',
  },
  {
    texts: [
      'Allocation failure when expanding d{domain:dec} grant table',
      'Allocation failure when expanding grant table',
    ],
    printedBy: `${DEBUG}, 4.10 to 4.22; 4.6 to 4.9`,
    name: 'allocation-failed',
    meaning: 'there was no memory for a larger grant table',
  },
  {
    texts: [
      'tried to change grant table version from {from:dec} to {to:dec}, but some grant entries still in use',
      'tried to change grant table version to 1 with non-representable entries',
      'bad flags {flags:hex} in grant {reference:hex} when switching version',
      'tried to change to grant table v1, but {operations:dec} v2 operations still in progress',
    ],
    printedBy: ALL,
    name: 'grant-version-refused',
    meaning: 'a domain wanted to change the version of its grant table while entries are in use',
  },
  {
    texts: [
      'copy source out of bounds:',
      'copy dest out of bounds:',
      'copy beyond page area',
      'source frame {gfn:hex} invalid',
      'only allow copy-by-mfn for DOMID_SELF',
    ],
    printedBy: ALL,
    name: 'grant-copy-refused',
    meaning: 'a copy through a grant would go beyond the page or the granted part of it',
    also: inGrantTable,
  },
  {
    texts: [
      'Transferee {to:domain} has no headroom (tot {pages:dec}, max {limit:dec}',
      'Transferee {to:domain} is dying',
      'Transferee {to:domain} is now dying',
      "can't remove GFN {gfn:hex} (MFN {frame:hex})",
      'gnttab_transfer: {said:text}',
    ],
    printedBy: ALL,
    name: 'grant-transfer-refused',
    meaning: 'a page could not be given away through a grant',
  },
];

const XEN = { source: 'xen', unit: null, kind: 'memory' } as const;

export const XEN_GRANT_FORMS: readonly LineForm[] = [
  ...messageForms(XEN, REFERENCES),
  ...messageForms(XEN, MAPPINGS),
  ...messageForms(XEN, TABLES),
];
