import type { BehaviourSpec } from './history.js';

/** IOMMU units and their log lines, translated memory, Arm. Values are listed from the oldest to the newest. */
export const UNIT_BEHAVIOURS = {
  vtdFaultLine: {
    doc: 'Wording of a VT-d fault in the log',
    section: '§7.1',
    values: {
      'with-register-base': 'ends with the unit’s register base',
      plain: 'names the device and address only',
      'with-unit': 'the second line names the unit',
    },
  },
  mmioIommuRights: {
    doc: 'What a mirrored entry for device memory lets the domain’s devices do',
    section: '§4.1',
    values: {
      always: 'read it, and write it unless nobody may',
      access: 'what the access type of the p2m entry says, and no writing where nobody may',
    },
  },
  typedEntryGuard: {
    doc: 'Which p2m entries only those who made them change; memory_mapping crashes the domain for them',
    section: '§4.1',
    values: {
      grants: 'those of grants and foreign pages (-ENOENT)',
      special: 'device memory, too, but by itself (-EPERM)',
    },
  },
  sharedFlush: {
    doc: 'When a change of a shared p2m is flushed in a batch that flushes at its end',
    section: '§4.3',
    values: { 'at-once': 'at once as well', 'in-batch': 'with the batch' },
  },
  batchedMoves: {
    doc: 'What a batch of pages that move in a p2m does before it has flushed for all of them',
    section: '§4.4',
    values: {
      unreferenced: 'pages that make room are freed, and may be somebody else’s before the flush (XSA-346)',
      referenced: 'pages that make room are flushed at once, and those that move are held',
    },
  },
  overlappingMove: {
    doc: 'In which order pages move to where others are that are to move themselves',
    section: '§4.4',
    values: {
      'from-the-first': 'from the first: pages are pushed out before they have moved, others move twice',
      'from-the-end': 'from the last, if they move upwards',
    },
  },
  movedPageType: {
    doc: 'Which pages can be moved in a p2m, where they arrive as memory for reading and writing',
    section: '§4.4',
    values: { any: 'any memory, also what could only be read', 'read-write': 'such memory; else EACCES' },
  },
  iommuSuperpages: {
    doc: 'Sizes of the pages in a domain’s own IOMMU tables, and what becomes of full and of empty tables',
    section: '§4.4',
    values: {
      '4k-only': 'pages of 4 KiB; tables stay',
      superpages: 'the largest that fit; a contiguous table becomes a page, an empty one is freed',
    },
  },
  amdLevels: {
    doc: 'How many levels a domain’s AMD-Vi tables have',
    section: '§7.2',
    values: {
      growing: 'PV: as many as memory needs; translated: two, and more when they are needed',
      'by-memory': 'PV: as many as memory needs; translated: four',
      'by-width': 'as many as the width of addresses needs',
    },
  },
  amdMapFlush: {
    doc: 'When the AMD-Vi driver invalidates the translation of an entry that it writes again',
    section: '§7.2',
    values: {
      'moved-translated': 'for translated domains, when the frame is another (XSA-275)',
      'every-change': 'when anything of it changes',
    },
  },
  amdReassign: {
    doc: 'What an AMD-Vi device may do between its old domain and its new one, and who has it when there is no memory',
    section: '§6.3, §7.2',
    values: {
      'forwarded-meanwhile': 'everything passes untranslated; the new domain has it',
      'aborted-meanwhile': 'everything is aborted; the new domain has it',
      'quarantined-meanwhile': 'everything is aborted; dom_io has it',
      directly: 'its entry changes in one go; the old domain keeps it',
    },
  },
  amdDeviceFlush: {
    doc: 'What is invalidated when an AMD-Vi device changes domains',
    section: '§7.2',
    values: {
      entry: 'what the unit keeps of the device table entry',
      'entry-and-domain': 'and what it translated under the old domain id (XSA-442)',
    },
  },
  amdFlushAll: {
    doc: 'Whether AMD-Vi invalidates everything of a domain when it is asked to',
    section: '§7.2',
    values: { always: 'yes', 'if-modified': 'only when an entry was there before' },
  },
  amdFreedTables: {
    doc: 'What is invalidated when a domain’s AMD-Vi tables are freed',
    section: '§7.2',
    values: { flushed: 'everything under the domain id', 'not-flushed': 'nothing' },
  },
  vtdWalkLine: {
    doc: 'Wording of a table entry in the walk that `iommu=verbose` shows for a VT-d fault',
    section: '§7.1',
    values: {
      plain: 'the entry, and a line of its own when it is not present',
      'with-rights': 'the entry with its rights',
    },
  },
  amdFaultWalk: {
    doc: 'Whether `iommu=verbose` shows a walk of the tables for an AMD-Vi fault',
    section: '§7.2',
    values: { none: 'no', printed: 'yes' },
  },
  amdFaultLine: {
    doc: 'Wording of an AMD-Vi I/O page fault in the log',
    section: '§7.2',
    values: {
      'device-id': 'domain, device id, address and flags as numbers',
      sbdf: 'device address, flags in letters',
    },
  },
  smmuFaultLine: {
    doc: 'Wording of an SMMUv2 context fault in the log',
    section: '§7.3',
    values: { 'without-fsr': 'no fsr field', 'with-fsr': 'fsr first' },
  },
  smmuStreamMappings: {
    doc: 'What becomes of the stream mapping registers of an SMMUv2’s device when it is taken from a domain',
    section: '§6.5, §7.3',
    values: {
      'per-attachment': 'they are given back, and taken anew at the next assignment',
      'lost-on-detach': 'they are given back and never taken again: the next owner’s device faults',
      kept: 'they stay and fault until the device is assigned again',
    },
  },
  smmuV3Driver: {
    doc: 'Whether Xen has a driver for SMMUv3; without one such a machine has no IOMMU',
    section: '§7.4',
    values: { absent: 'none: devices are not translated at all', present: 'there is one' },
  },
  smmuV3NoContext: {
    doc: 'Taking a device behind an SMMUv3 from a domain that has no device there',
    section: '§6.5',
    values: {
      dereferenced: 'looks into a context that is not there: the host goes down',
      ESRCH: 'is refused',
    },
  },
  armPageAddedDying: {
    doc: 'Adding a page to the p2m of a dying Arm domain',
    section: '§4.5, §6.6',
    values: { performed: 'is carried out', ENOMEM: 'is refused (XSA-410)' },
  },
  armSharedFramePlaces: {
    doc: 'At how many guest frames of an Arm domain a frame that Xen shares can stand',
    section: '§4.5',
    values: { many: 'as many as are asked for', one: 'one, which must be given up first' },
  },
  armIommuMap: {
    doc: 'For which Arm domains and addresses the map hook of the IOMMU drivers is meant',
    section: '§9 item 3',
    values: {
      'direct-mapped': 'for direct-mapped ones at DFN = MFN; anything else is a BUG, and an unmap is refused',
      any: 'for any, as the ITS doorbell is mapped this way, too',
    },
  },
  armSetWay: {
    doc: 'What a cache operation by set and way does in an Arm domain whose p2m the IOMMU uses',
    section: '§9 item 4',
    values: {
      untrapped: 'nothing that Xen sees',
      'p2m-invalidated': 'the p2m becomes invalid until the CPU goes there: devices fault',
      undefined: 'it is refused by an undefined exception',
    },
  },
  bootDomains: {
    doc: 'Which domains of the device tree Xen makes when it boots (dom0less), and which of them get an IOMMU context',
    section: '§2.6',
    values: {
      none: 'none: their nodes are not looked at',
      'without-context': 'all, and none gets one',
      module: 'those with a partial device tree get one, and Xen does not boot where there is no IOMMU',
      'module-with-iommu': 'those with a partial device tree get one where there is an IOMMU',
      property: 'and those whose property `passthrough` says so',
      capabilities: 'and the hardware domain, which can be one of them',
    },
  },
  bootStaticMemory: {
    doc: 'Whether such a domain can have memory that its node names (xen,static-mem)',
    section: '§9 item 1',
    values: { unknown: 'the property is not known', known: 'yes' },
  },
  armDirectMap: {
    doc: 'Which Arm domains are direct-mapped',
    section: '§9 item 1',
    values: {
      'hardware-domain': 'the hardware domain',
      flag: 'those created so: dom0, and domains made at boot of static memory',
    },
  },
} as const satisfies Record<string, BehaviourSpec>;
