import type { BehaviourSpec } from './history.js';

/** Bugs that every release from 4.11 on has mended, or that stood between releases: IOMMU drivers, devices, reserved regions, domain death. Each goes from wrong to right. */
export const MENDED_DEVICES = {
  deviceReturn: {
    doc: 'Which of the devices that guests give back go into quarantine, where there is one',
    section: '§6.2, XSA-306',
    values: {
      'as-toolstack-asked': 'those that the toolstack had put there before; others go to the hardware domain',
      always: 'all, unless the option iommu=no-quarantine says otherwise',
    },
  },
  unityRanges: {
    doc: 'What AMD-Vi maps for a device of which firmware lists several ranges',
    section: '§6.4, XSA-378',
    values: {
      merged: 'one range from the lowest to the highest of them, with the access of the last',
      each: 'each of them',
    },
  },
  sharedRootLevels: {
    doc: 'The root of shared tables for a VT-d unit of fewer levels than they have',
    section: '§7.1, XSA-390',
    values: { 'as-it-is': 'the one that the CPUs use', skipped: 'the table that the unit’s levels begin at' },
  },
  quarantineTableUsed: {
    doc: 'The table of a VT-d device in quarantine that has one of its own',
    section: '§6.3, XSA-450',
    values: { 'of-dom-io': 'dom_io’s, which has nothing in it', own: 'its own' },
  },
  reservedSharing: {
    doc: 'What a domain’s second device with the same reserved region changes',
    section: '§6.4, dd52706177',
    values: {
      uncounted: 'nothing: the first that leaves takes the region with it',
      counted: 'the count of devices that need it',
    },
  },
  deviceStays: {
    doc: 'What the destruction of a domain does about a device that does not leave',
    section: '§6.6, f591755823',
    values: { 'goes-on': 'goes on without it', stops: 'stops: the domain stays as it is' },
  },
  freedRoot: {
    doc: 'What a domain knows of its IOMMU tables when they have been freed',
    section: '§6.6, 9bd9695a8b',
    values: { dangling: 'where they were', forgotten: 'nothing' },
  },
  domainIdKept: {
    doc: 'When a domain that gives back its last device behind a VT-d unit gives back its domain id',
    section: '§6.5, §7.1, dec403cc66',
    values: {
      'until-first-function': 'with the first of the device’s requester ids that leaves',
      'until-device-left': 'when all of them have left',
    },
  },
  phantomFunctions: {
    doc: 'Which function numbers are phantom functions of a device',
    section: '§6.1, 444b555dc9',
    values: {
      'by-stride': 'all that its stride reaches, also those of real functions',
      'not-real': 'those that its stride reaches and that are no devices themselves',
    },
  },
  switchRollback: {
    doc: 'What VT-d does when it cannot undo a context entry’s change that failed',
    section: '§6.5, 99d829dba1',
    values: {
      'rolled-back': 'undoes the undoing, which fails and is undone in turn',
      'left-so': 'leaves the entry as it is',
    },
  },
  tablesFreed: {
    doc: 'Whether a domain that is destroyed gives back its IOMMU tables',
    section: '§6.6, XSA-207',
    values: { 'if-it-had-a-device': 'only when it has ever had a device', always: 'always' },
  },
  splitOrder: {
    doc: 'When the table that a large page in IOMMU tables is split into takes its place',
    section: '§4.4, 2a758376f9',
    values: { 'installed-first': 'empty, and is filled then', 'filled-first': 'once it is filled' },
  },
  amdGrowth: {
    doc: 'When AMD-Vi tables that grow by several levels are the domain’s',
    section: '§7.2, XSA-311',
    values: {
      'at-the-end': 'when all levels are there: what was made is lost if memory runs out before',
      'level-by-level': 'each level at once',
    },
  },
  mergedTable: {
    doc: 'When a table of IOMMU entries that has become one large page is given back',
    section: '§4.4, 6b4d71d028',
    values: { 'freed-first': 'before the page takes its place', 'freed-last': 'after that' },
  },
  entryWrites: {
    doc: 'How an entry of IOMMU tables is written',
    section: '§4.4, XSA-347',
    values: { 'by-halves': 'the half with the address first', 'at-once': 'in one go' },
  },
  domainIdCleanup: {
    doc: 'What goes first of a domain’s id in a VT-d unit: the id, or who has it',
    section: '§7.1, XSA-399',
    values: {
      'id-first': 'the id is free while the domain still stands for it',
      'holder-first': 'who has it',
    },
  },
  refusedAssign: {
    doc: 'What becomes of the domain that assign_device held when it was refused',
    section: '§6.1, e45066d3c3',
    values: { 'keeps-domain': 'it is held for ever', 'lets-go': 'it is let go' },
  },
  latePagesWithoutGfn: {
    doc: 'What the late walk does with pages of a translated domain that are not in its p2m',
    section: '§1.3, 7349efc695',
    values: { mapped: 'maps them where INVALID_GFN is', 'passed-over': 'passes them over' },
  },
  pirqOwner: {
    doc: 'Whose devices a guest can set up interrupts of',
    section: '§6.1 #12, XSA-237',
    values: { any: 'anybody’s', own: 'its own' },
  },
  splitRights: {
    doc: 'Rights of the entries that a large page in IOMMU tables is split into',
    section: '§4.4, b8238afd07',
    values: { all: 'reading and writing', kept: 'those of the page' },
  },
} as const satisfies Readonly<Record<string, BehaviourSpec>>;
