import { hex } from '../../text/hex.js';
import { deviceTableFrames, parseSbdf } from '../../xen/machine.js';
import type { JudgedEvent } from '../causes/cause.js';
import { hexNumber } from '../values.js';
import type { WantedFault } from './wanted-fault.js';

/** Where a program's machine has things: as in the log where that can be, so that the model's lines look like the log's. */
export interface Place {
  readonly iommu: WantedFault['iommu'];
  /** The frame that the story is about, and the offset of the access in it. */
  readonly page: number;
  readonly offset: number;
  /** The same where it is Xen's: low memory, too. */
  readonly xenPage: number;
  /** The first of four frames for everything else. */
  readonly low: number;
  /** The lines that declare memory, IOMMU, device. `dom0` is the line of dom0; `page` says whether the frame is RAM. */
  machine(dom0: string, page?: 'ram' | 'xen' | 'nothing', flags?: string): string;
}

const range = (first: number, last: number): string => `${hex(first)}..${hex(last)}`;

/** Frames below are where the scenes have their own memory. */
const OWN_MEMORY = 0x400;
/** A frame that stands for the log's where that one cannot be used. */
const USUAL_PAGE = 0x8424cb;
/** Frames that a machine of the model can have. */
const MOST_FRAMES = 2 ** 36;
const ORDINARY_DEVICE = '0000:03:00.0';

const TREE_PATH = /^\/[\w@,.\-/]{1,200}$/;

/** A device that the model can have: in PCI segment 0, or of the device tree. */
function deviceOf({ device, unit, details }: JudgedEvent): string {
  if (unit === 'vtd' || unit === 'amdvi') {
    const known = device !== null && parseSbdf(device) !== undefined && device.startsWith('0000:');
    return known ? device : ORDINARY_DEVICE;
  }
  // Lines of SMMUs name the unit where they do not name who it was.
  return device !== null && TREE_PATH.test(device) && device !== details.unit ? device : '/ethernet@ff0e0000';
}

function iommuLine(iommu: WantedFault['iommu'], { details, bits }: JudgedEvent, flags: string): string {
  const path = details.unit ?? '';
  const named = TREE_PATH.test(path) ? ` ${path}` : '';
  const bank = bits.find(({ name }) => name === 'S1CBNDX')?.value ?? 0;
  const more =
    iommu === 'smmu' ? `${named}${bank > 0 ? ` s1cbndx=${hex(bank)}` : ''}` : iommu === 'smmuv3' ? named : '';
  return `iommu ${iommu}${more}${flags === '' ? '' : ` ${flags}`}`;
}

/** The machine on which a story of an event is told. */
export function placeOf(event: JudgedEvent, { iommu }: WantedFault): Place {
  const address = event.address ?? -1n;
  const frame = address < 0n ? -1 : Number(address >> 12n);
  const page = frame >= OWN_MEMORY && frame < MOST_FRAMES ? frame : USUAL_PAGE;
  const offset = page === frame ? Number(address & 0xffcn) : 0;
  const low = 0x100;
  const arm = iommu === 'smmu' || iommu === 'smmuv3';
  const device = deviceOf(event);
  const stream = hexNumber(event.details.stream) ?? 0x877;
  const heapFrames = 0x40 + (iommu === 'amdvi' ? deviceTableFrames([parseSbdf(device) ?? 0]) : 0);
  // Whatever the device, that ends below OWN_MEMORY.
  const heap = low + 4;
  const xenPage = frame > 0 && frame + heapFrames <= low ? frame : page;
  return {
    iommu,
    page,
    offset,
    xenPage,
    low,
    machine: (dom0, what = 'ram', flags = '') =>
      [
        `machine ${arm ? 'arm' : 'x86'}`,
        `ram ${range(low, low + 3)}`,
        ...(what === 'ram' ? [`ram ${range(page, page)}`] : []),
        `xen-heap ${what === 'xen' ? range(xenPage, xenPage + heapFrames - 1) : range(heap, heap + heapFrames - 1)}`,
        iommuLine(iommu, event, flags),
        dom0,
        `device nic ${device}${arm ? ` stream=${hex(stream < 0x1_0000 ? stream : 0x877)}` : ''}`,
      ].join('\n'),
  };
}

export { hex };
