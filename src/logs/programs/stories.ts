import type { AlphabetBounds } from '../../program/alphabet-bounds.js';
import { deviceOwner } from '../../xen/devices.js';
import { ownerOf } from '../../xen/frames.js';
import type { Xen } from '../../xen/state.js';
import type { JudgedEvent } from '../causes/cause.js';
import { hex, type Place } from './place.js';

/** A cause as something that can happen on a small machine. */
export interface Story {
  /** The machine and who is on it: lines of the program language. */
  scene(place: Place, event: JudgedEvent): string;
  /** What the search may try from there: nothing unless it is said. */
  readonly bounds?: Partial<AlphabetBounds>;
  /** The address that the device goes to. */
  address(place: Place, event: JudgedEvent): number;
  /** Whether a fault there, in the present state, is this cause's; any is unless there is this. */
  holds?(xen: Xen, place: Place): boolean;
  /** What the program shows, a sentence for its first line. */
  readonly shows: string;
}

/** The device is the first one of every scene, the guest the first domain after dom0. */
export const DEVICE = 0;
const GUEST = 1;

const ofPage = ({ page, offset }: Place): number => page * 4096 + offset;
const isArm = ({ iommu }: Place): boolean => iommu === 'smmu' || iommu === 'smmuv3';
const pageOwner = (xen: Xen, { page }: Place): number => ownerOf(xen, xen.ram.indexOf(page));

/** Nothing but what a story names. */
const QUIET: Partial<AlphabetBounds> = {
  levels: [],
  refs: 0,
  handles: 0,
  vaSlots: 0,
  entries: 0,
  hotplug: false,
  selfGrants: false,
  memory: false,
};

const PV_LIMITS = 'limits domains=2 grants=1 handles=1 va_slots=1';

/** A PV guest with the page and another one, and the device. */
const pvGuest = (place: Place): string => `
${place.machine('dom0 relaxed pages=1')}
${PV_LIMITS}
createdomain guest iommu max_pages=3
populate_physmap guest ${hex(place.page)}
populate_physmap guest ${hex(place.low + 1)}
assign_device guest nic
`;

/** A guest on Arm with two guest frames, and the device. */
const armGuest = (place: Place): string => `
${place.machine('dom0 relaxed pages=1')} withheld
limits domains=2 grants=1 handles=1 gfns=3
createdomain guest iommu max_pages=3
populate_physmap guest ${hex(place.page)} gfn=0
populate_physmap guest ${hex(place.low + 1)} gfn=1
assign_device guest nic
`;

/** A dom0 that has the device, and a guest that has the page: a backend and a frontend. */
const backend = (place: Place): string => `
${place.machine(isArm(place) ? 'dom0 relaxed pages=1' : 'dom0 strict pages=1')}
${isArm(place) ? 'limits domains=2 grants=1 handles=1 gfns=4' : PV_LIMITS}
createdomain guest max_pages=2
populate_physmap guest ${hex(place.page)}${isArm(place) ? ' gfn=0' : ''}
`;

/** dom0 with the device, and nobody else. */
const dom0Alone =
  (page: 'xen' | 'nothing') =>
  (place: Place): string =>
    `
${place.machine('dom0 relaxed pages=1', page)}
limits domains=1 grants=1 handles=1 va_slots=1
`;

/** A guest that has the device and one page, which is not the one of the fault. */
const otherPage = (place: Place): string =>
  isArm(place)
    ? `
${place.machine('dom0 relaxed pages=1')} withheld
limits domains=2 grants=1 handles=1 gfns=3
createdomain guest iommu max_pages=2
populate_physmap guest ${hex(place.low + 1)} gfn=1
assign_device guest nic
`
    : `
${place.machine('dom0 relaxed pages=1')}
${PV_LIMITS}
createdomain guest iommu max_pages=2
populate_physmap guest ${hex(place.low + 1)}
assign_device guest nic
`;

/** Whether dom0 has a grant mapped: the guest has only the one page to grant. */
const isMapped = (xen: Xen): boolean => xen.maptrack.flags.get(0) !== 0;

/** What fits into the model's numbers, of an address. */
const exactly = ({ address }: JudgedEvent): number => Number((address ?? 0n) & 0xf_ffff_ffff_fffcn);

/** By cause: what happens. */
export const STORIES: Readonly<Record<string, Story>> = {
  'special-page': {
    shows: 'a page of a PV guest that becomes a page table is taken from its devices',
    scene: pvGuest,
    bounds: { ...QUIET, levels: [1, 2, 3, 4], vaSlots: 1, entries: 1, memory: true },
    address: ofPage,
    holds: (xen, place) => !isArm(place) && pageOwner(xen, place) === GUEST,
  },
  'unmapped-too-early': {
    shows: 'a page that the guest gives back is taken from its devices, too',
    scene: (place) => (isArm(place) ? armGuest(place) : pvGuest(place)),
    bounds: { ...QUIET, memory: true },
    address: (place) => (isArm(place) ? place.offset : ofPage(place)),
    holds: (xen, place) => pageOwner(xen, place) !== GUEST,
  },
  'grant-not-mapped': {
    shows: 'dom0 has mapped a guest’s grant, and its device still cannot reach the page',
    scene: backend,
    bounds: { ...QUIET, refs: 1, handles: 1 },
    address: ofPage,
    holds: isMapped,
  },
  'read-only-written': {
    shows: 'a page that was granted for reading only is not written by the mapper’s device',
    scene: backend,
    bounds: { ...QUIET, refs: 1, handles: 1 },
    address: ofPage,
    holds: isMapped,
  },
  'wrong-direction': {
    shows:
      'a page that is mapped for reading only is not written: under Xen a read-only grant is such a page',
    scene: backend,
    bounds: { ...QUIET, refs: 1, handles: 1 },
    address: ofPage,
    holds: isMapped,
  },
  'grant-unmap-removed': {
    shows: 'a guest that maps and unmaps a grant of its own page loses the page for its devices',
    scene: pvGuest,
    bounds: { ...QUIET, refs: 1, handles: 1, selfGrants: true },
    address: ofPage,
    holds: (xen, place) => pageOwner(xen, place) === GUEST,
  },
  quarantined: {
    shows: 'a device that its guest gives back is in quarantine, and what it still does is refused',
    scene: pvGuest,
    bounds: { ...QUIET, hotplug: true },
    address: ofPage,
    holds: (xen) => deviceOwner(xen, DEVICE) === xen.domIo,
  },
  'strict-dom0': {
    shows: 'a strict dom0’s device does not reach a page that is not dom0’s',
    scene: backend,
    address: ofPage,
  },
  'xen-own-memory': {
    shows: 'dom0’s devices do not reach Xen’s own memory',
    scene: dom0Alone('xen'),
    address: ({ xenPage }) => xenPage * 4096,
  },
  'reserved-region-missing': {
    shows: 'what is no memory by the firmware’s map is not in dom0’s table',
    scene: dom0Alone('nothing'),
    address: (place, event) => (event.address === null ? ofPage(place) : exactly(event)),
  },
  'graphics-under-iommu': {
    shows: 'memory that the firmware’s map does not tell of, as graphics’ own, is not in dom0’s table',
    scene: dom0Alone('nothing'),
    address: (place, event) => (event.address === null ? ofPage(place) : exactly(event)),
  },
  'null-address': {
    shows: 'nothing is mapped at address 0',
    scene: otherPage,
    address: (_, event) => exactly(event),
  },
  'address-width': {
    shows: 'an address of more bits than the tables have is refused',
    scene: otherPage,
    address: (_, event) => exactly(event),
  },
  'stream-unknown': {
    shows: 'a device that was given to nobody has no tables',
    scene: (place) => `
${place.machine('dom0 relaxed pages=1')} withheld
limits domains=1 grants=1 handles=1 gfns=1
`,
    address: ofPage,
  },
  'never-mapped': {
    shows: 'a device reaches its own domain’s pages and no others',
    scene: otherPage,
    address: ofPage,
  },
};
