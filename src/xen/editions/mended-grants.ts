import type { BehaviourSpec } from './history.js';

/** Bugs that every release from 4.11 on has mended, or that stood between releases: grants. Each goes from wrong to right. */
export const MENDED_GRANTS = {
  otherGrantsOfFrame: {
    doc: 'What (un)mapping a grant for devices makes of other grants of the same page that the grantee has mapped',
    section: '§5.4',
    values: {
      overlooked: 'nothing: the IOMMU entry goes with the last mapping of one grant',
      counted: 'the entry stays while any handle needs it (680e96b343)',
    },
  },
  readonlyGrantForDevices: {
    doc: 'What a grant that is mapped for reading gets in the grantee’s IOMMU tables',
    section: '§5.4',
    values: {
      'read-write': 'an entry that lets devices write, too',
      'read-only': 'an entry for reading (84d7979493)',
    },
  },
  failedMapHostMapping: {
    doc: 'What becomes of a host mapping when the IOMMU refuses the grant’s',
    section: '§5.2',
    values: { left: 'it stays, while its references go', removed: 'it goes, too (95906bf0f0)' },
  },
  useAfterBadPage: {
    doc: 'The use flags of a grant entry that turns out to name no page',
    section: '§5.2',
    values: { set: 'stay set', cleared: 'are cleared again (62698cdaf3)' },
  },
  deviceHalfAtUnmap: {
    doc: 'When an unmap gives back the pin and the references of the device’s half',
    section: '§5.5 (XSA-224)',
    values: {
      always: 'whenever there is one, also if it stays mapped',
      unmapped: 'when the caller names it by its bus address (8fdfcb2b6b)',
    },
  },
  mapTypeReferences: {
    doc: 'Which writable type references mapping a grant takes',
    section: '§5.2 (XSA-224)',
    values: {
      'as-for-host': 'none for a device, where the host would need none, and the second one unchecked',
      'by-half': 'one for each half that will give one back (75b384ece6)',
    },
  },
  unmapPins: {
    doc: 'When an unmap drops its pins',
    section: '§5.5 (XSA-218)',
    values: {
      'before-flush': 'at once; what the granter sees follows after the flush',
      'after-flush': 'with what the granter sees (9a0bd460cf)',
    },
  },
  unmapReferences: {
    doc: 'When an unmap drops its references, and the granter sees the grant free',
    section: '§5.5',
    values: {
      'before-flush': 'at once; CPUs are flushed at the end of the batch',
      'after-flush': 'when the mapper’s CPUs have been flushed (606ab7a468)',
    },
  },
  takingHandle: {
    doc: 'Two vCPUs that take a handle at the same time, one of them from the other’s list',
    section: '§5.2 (XSA-228)',
    values: { unlocked: 'can take the same', locked: 'one after the other (02cbeeb620)' },
  },
  copyRelease: {
    doc: 'What a copy gives back first',
    section: '§5.6 (XSA-236)',
    values: { page: 'the page', pin: 'the pin, by which others trust the page (e008f7619d)' },
  },
  pinnedTransitive: {
    doc: 'A copy from a transitive grant that is pinned already',
    section: '§5.6 (XSA-226)',
    values: {
      'not-acquired': 'does not acquire the grant behind it, which may be released twice for it',
      acquired: 'acquires and releases it like the first (ad48fb963d)',
    },
  },
  useAfterCopy: {
    doc: 'Which pins keep a grant entry marked in use when a copy is done with it',
    section: '§5.6 (XSA-230)',
    values: { 'host-pins': 'those for CPUs', 'all-pins': 'all (6e2a4c7356)' },
  },
  statusFramesAtVersion1: {
    doc: 'Status frames that somebody still has mapped when a table goes back to version 1',
    section: '§5.6 (XSA-255)',
    values: {
      freed: 'are freed all the same, and stay in the p2m; references are a BUG',
      kept: 'leave the p2m, and are not freed while referenced (38bfcc165d)',
    },
  },
  statusFramePlace: {
    doc: 'When it is looked up at which guest frame a frame of a grant table stands that is to be added',
    section: '§5.6 (XSA-379)',
    values: {
      before: 'before the p2m is locked, though a reference keeps the frame meanwhile',
      'under-lock': 'when nobody else can move it any more (f147422bf9)',
    },
  },
  statusFrameReference: {
    doc: 'What keeps a status frame that is on its way into a p2m from being freed',
    section: '§5.6 (XSA-384)',
    values: { none: 'nothing, for the fortnight between two repairs', held: 'a reference (eb6bbf7b30)' },
  },
  freedStatusFrame: {
    doc: 'Whether a status frame that is freed leaves the list of pages that Xen shares with the domain',
    section: '§5.6 (XSA-26)',
    values: { 'stays-listed': 'no', unlisted: 'yes (23d9492080)' },
  },
  transferFlush: {
    doc: 'Whether the CPUs of a domain that gives a page away forget it',
    section: '§5.6',
    values: { none: 'no', giver: 'yes (61730c75ce)' },
  },
  armNoGrantFrame: {
    doc: 'What Arm’s add_to_physmap does with the lock of a grant table that has no such frame',
    section: '§5.6 (XSA-235)',
    values: { 'keeps-lock': 'returns with it', unlocked: 'drops it (59546c1897)' },
  },
} as const satisfies Readonly<Record<string, BehaviourSpec>>;
