import { hex } from '../../text/hex.js';
import { accessOf, mayBeAbsent } from './fault-nature.js';
import { isArm, isXen, releaseSaid } from './log-world.js';
import { cause, hints, shows, suggests } from './weigh.js';

/**
 * Where a device writes its interrupts (GITS_TRANSLATER): 0x40 in the second frame of 64 KiB of an Interrupt Translation
 * Service. (Arm GICv3, IHI 0069H §12.19.5)
 */
const DOORBELL = 0x40n;
const FRAME = 0xffffn;
/** Linux maps a page of 4 KiB with the doorbell wherever it likes. */
const PAGE = 0xfffn;

const isDoorbell = (address: bigint | null, mask: bigint): boolean =>
  address !== null && (address & mask) === DOORBELL;

/** Arm's SMMUs translate interrupt messages as any other write, so that the doorbell must be mapped for the device. */
export const MSI_DOORBELL = cause({
  id: 'msi-doorbell-not-mapped',
  title: 'the device sends an interrupt (MSI), and the doorbell of the GIC’s ITS is not mapped for it',
  prior: 1,
  applies: (event) =>
    event.kind === 'dma-fault' &&
    isArm(event) &&
    mayBeAbsent(event) &&
    accessOf(event) === 'write' &&
    isDoorbell(event.address, isXen(event) ? FRAME : PAGE),
  *weigh(event, world) {
    const address = hex(event.address!);
    if (isDoorbell(event.address, FRAME))
      yield shows(`it is a write to ${address}: 0x40 in a frame of 64 KiB, where an ITS has its doorbell`);
    else yield suggests(`it is a write to 0x40 in a page (${address}), as to an ITS’s doorbell`);
    // f9f6b22abf: before, a domain's tables have the doorbell only where somebody put it there.
    const minor = world.edition?.release?.minor;
    if (isXen(event) && (minor === undefined || minor < 21))
      yield hints(
        `Xen itself maps the doorbell for a domain’s devices only since 4.21 (f9f6b22abf); ${releaseSaid(world)}`,
      );
  },
  check: (event) =>
    isXen(event)
      ? 'compare the address with the ITS in the device tree (msi-controller, `reg`): its doorbell is at the base plus 0x10040; update Xen, or map that page for the domain (`iomem`)'
      : 'compare the address with the ITS in the device tree or MADT: its doorbell is at the base plus 0x10040; see whether the device’s MSIs were set up for another domain (VFIO: the reserved region `msi` in /sys/kernel/iommu_groups/*/reserved_regions)',
});
