import type { Profile } from '../../xen/editions/behaviours.js';
import { releaseList, releasesThat } from './affected-releases.js';
import { accessOf, mayBeAbsent, mayBeDenied, natureOf } from './fault-nature.js';
import {
  behaves,
  driverOf,
  isX86,
  isXen,
  lastSaid,
  listItem,
  option,
  ownerOf,
  releaseSaid,
  where,
} from './log-world.js';
import { cause, doubts, excludes, hints, opposes, shows, suggests, supports } from './weigh.js';

const none = ({ quarantine }: Profile): boolean => quarantine === 'none';
const readsZeros = ({ quarantine }: Profile): boolean => quarantine === 'scratch-read-only';

/** A device that nobody uses belongs to dom_io, and what it does then is refused (dossier §6.3). */
export const QUARANTINED = cause({
  id: 'quarantined',
  title:
    'the device is in quarantine (dom_io): a guest gave it back or died, or it was made assignable, and it still does DMA',
  prior: 1,
  applies: (event) =>
    event.kind === 'dma-fault' &&
    isXen(event) &&
    isX86(event) &&
    (natureOf(event) === 'no-context' || mayBeAbsent(event) || mayBeDenied(event)),
  *weigh(event, world) {
    const { facts } = world;
    const owner = ownerOf(event, world);
    if (owner.who === 'quarantine') yield shows(owner.because);
    else if (owner.who === 'guest') yield excludes(owner.because);
    if (behaves(world, none))
      yield excludes(`${releaseSaid(world)}; quarantine came after ${releaseList(releasesThat(none))}`);
    const given = lastSaid(event, world, /^deassigned/);
    if (given !== undefined && owner.who !== 'quarantine')
      yield supports(`the device was ${given.value} (${where(given)}) before it faulted`);
    if (natureOf(event) === 'no-context') {
      if (behaves(world, readsZeros))
        yield opposes(
          `${releaseSaid(world)}, which gives quarantined devices a table, so that an entry is not absent`,
        );
      else yield suggests('its context entry is absent, as Xen leaves it for a device in basic quarantine');
    } else if (accessOf(event) === 'read' && behaves(world, readsZeros))
      yield opposes(`${releaseSaid(world)}, where quarantined devices read zeros and only writes fault`);
    const asked = option(facts.xenCommandLine, /^iommu=/);
    if (listItem(asked?.value, 'quarantine') === false)
      yield opposes(`${asked!.value} (${where(asked!)}): devices go back to dom0 instead`);
    if (asked !== undefined && /quarantine=scratch-page/.test(asked.value))
      yield opposes(`${asked.value} (${where(asked)}): DMA of quarantined devices goes to a scratch page`);
  },
  check: (event) =>
    `press \`xl debug-keys Q\`: \`xl dmesg\` shows ${event.device ?? 'the device'} with d[IO] then; have the guest’s driver stop it before detaching, or reset it (\`xl pci-assignable-remove\` and \`-add\`, a driver in dom0 in between); \`iommu=quarantine=scratch-page\` (4.16 and later) swallows the DMA instead`,
});

/** On Linux, and in old Xens for a moment, a device between two owners is in no table. */
export const BETWEEN_OWNERS = cause({
  id: 'between-owners',
  title:
    'the device was taken from one domain and not yet given to the next, and went on doing DMA meanwhile',
  prior: 1,
  applies: (event) => event.kind === 'dma-fault' && natureOf(event) === 'no-context',
  *weigh(event, world) {
    const owner = ownerOf(event, world);
    if (owner.who === 'quarantine') yield doubts(owner.because);
    const changed = lastSaid(event, world, /^(?:assigned|deassigned|unbound|detached)/);
    if (changed !== undefined && event.firstLine - changed.line <= 50)
      yield supports(`the device was ${changed.value} shortly before (${where(changed)})`);
    const driver = driverOf(event, world);
    if (driver !== undefined && /vfio|pciback|pci-stub/.test(driver.value))
      yield supports(
        `its driver is ${driver.value.replace(/^driver /, '')} (${where(driver)}): it was taken from another`,
      );
    if (isXen(event)) {
      const window = ({ vtdReassign, amdReassign }: Profile) =>
        vtdReassign === 'unmapped-first' || amdReassign === 'aborted-meanwhile';
      if (behaves(world, window))
        yield hints(
          `${releaseSaid(world)}, which takes the old tables away before it sets the new ones (${releaseList(releasesThat(window))})`,
        );
    } else if (event.reason?.code === 2)
      yield suggests('the context entry is absent: Linux clears it when the device leaves a domain');
    if (event.count > 100) yield opposes(`${event.count} times: longer than a change of owners takes`);
  },
  check: (event) =>
    `have the driver stop ${event.device ?? 'the device'} before it is unbound (\`echo ${event.device ?? 'DEVICE'} > /sys/bus/pci/devices/${event.device ?? 'DEVICE'}/driver/unbind\`), or keep it from binding at all (driver_override, xen-pciback.hide=), so that it never starts`,
});
