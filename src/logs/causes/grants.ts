import { hex } from '../../text/hex.js';
import { mendedBy, releaseList, releasesThat } from './affected-releases.js';
import type { JudgedEvent, World } from './cause.js';
import { accessOf, mayBeAbsent, mayBeDenied, natureOf } from './fault-nature.js';
import { atSamePage, behaves, isArm, isXen, ofKind, ownerOf, releaseSaid, where } from './log-world.js';
import { cause, doubts, excludes, hints, opposes, shows, suggests, supports } from './weigh.js';

/** On Arm the predicate for grants asked for tables that mirror the p2m, which there never do (dossier §5.3, 91d4eca7ad). */
const losesArmGrants = ({ armGrantNeedsIommu }: { readonly armGrantNeedsIommu: string }): boolean =>
  armGrantNeedsIommu === 'need_sync';

/** The releases that map no grant for Arm's devices, by their profiles. */
export const releasesLosingArmGrants = () => releasesThat(losesArmGrants);

/** Whether the device may be one of the backend domain, which maps others' grants. */
const mayBeBackend = (event: JudgedEvent, world: World): boolean => {
  const { who } = ownerOf(event, world);
  return who !== 'quarantine' && who !== 'host';
};

/** Lines behind a fault in which what Xen says can still belong to it. */
const BEHIND = 20;

/**
 * What Xen says of grants that can have to do with the fault: before it or close behind it, and of the same domain
 * (`sure`) or of one that is not known to be another.
 */
function grantTrouble(
  event: JudgedEvent,
  world: World,
): { readonly said: JudgedEvent; readonly sure: boolean } | undefined {
  const { domain } = ownerOf(event, world);
  const said = ofKind('memory', world).filter(
    (one) =>
      one.firstLine <= event.firstLine + BEHIND &&
      /grant/i.test(`${one.reason?.name} ${one.reason?.meaning}`) &&
      (domain === null || one.domain === null || one.domain === domain),
  );
  const same = said.find((one) => domain !== null && one.domain === domain);
  const first = same ?? said[0];
  return first === undefined ? undefined : { said: first, sure: same !== undefined };
}

/** A page of a guest that dom0 hands to its own device without it being in the device's tables. */
export const GRANT_NOT_MAPPED = cause({
  id: 'grant-not-mapped',
  title:
    'the page is a guest’s that was granted to the device’s domain, and Xen has not mapped the grant for devices',
  prior: 2,
  applies: (event) => event.kind === 'dma-fault' && isXen(event) && mayBeAbsent(event),
  *weigh(event, world) {
    const { facts } = world;
    if (!mayBeBackend(event, world)) yield excludes(ownerOf(event, world).because);
    if (isArm(event) && ownerOf(event, world).who === 'guest')
      yield opposes(
        'the device is a guest’s: only a domain that is mapped 1:1, as dom0, hands it machine addresses of grants',
      );
    if (isArm(event)) {
      const affected = behaves(world, losesArmGrants);
      const releases = `grant mappings are lost on Arm in ${releaseList(releasesLosingArmGrants())}`;
      if (affected) yield shows(`${releases}; ${releaseSaid(world)}`);
      else if (affected === undefined) yield hints(`${releases}; ${releaseSaid(world)}`);
      else
        yield opposes(
          `${releases}; ${releaseSaid(world)}, where ${mendedBy('armGrantNeedsIommu', 'need_sync')} has mended it`,
        );
      if (accessOf(event) === 'read')
        yield suggests(
          'it is a read: a device that sends a guest’s packet or block fetches it from the granted page',
        );
      else if (accessOf(event) === 'write') yield doubts('it is a write, where a sent packet is read');
    } else if (facts.dom0Mode?.value === 'Strict' && ownerOf(event, world).who !== 'guest') {
      yield suggests(
        `dom0 is strict (${where(facts.dom0Mode)}): its devices reach a guest’s page by a mapped grant only`,
      );
    } else if (facts.dom0Mode !== null && ownerOf(event, world).who === 'dom0') {
      yield excludes(
        `dom0’s table has all memory (${facts.dom0Mode.value}, ${where(facts.dom0Mode)}), granted or not`,
      );
    }
    const bus = facts.other.get('dma-error');
    if (bus !== undefined && Math.abs(bus.line - event.firstLine) <= 3)
      yield supports(
        `a driver reports a bus error right there (${bus.value}, ${where(bus)}): its transfer was refused`,
      );
    const grants = grantTrouble(event, world);
    if (grants !== undefined) yield hints(`Xen speaks of grants in line ${grants.said.firstLine}`);
  },
  check: (event, world) =>
    isArm(event) && behaves(world, losesArmGrants) !== false
      ? `take a release with ${mendedBy('armGrantNeedsIommu', 'need_sync')} (\`xen/arm: fix gnttab_need_iommu_mapping\`), or test with \`xl debug-keys g\`: in \`xl dmesg\` the frame ${event.address === null ? '' : `${hex(event.address >> 12n)} `}is among the granted ones while it faults`
      : `press \`xl debug-keys g\` and look in \`xl dmesg\` whether frame ${event.address === null ? '' : `${hex(event.address >> 12n)} `}is granted to the device’s domain, with a pin count`,
});

/** A grant, or a page, that is for reading only. */
export const READ_ONLY_WRITTEN = cause({
  id: 'read-only-written',
  title:
    'the device writes to a page that is mapped for reading only: a read-only grant, or memory that nobody may write',
  prior: 2,
  applies: (event) =>
    event.kind === 'dma-fault' && isXen(event) && mayBeDenied(event) && accessOf(event) !== 'read',
  *weigh(event, world) {
    const nature = natureOf(event);
    if (nature === 'no-permission')
      yield shows(
        event.level === null
          ? 'the unit says that an entry is present and does not permit the write'
          : `the ${event.level.name} is there and does not permit the write: ${event.level.problem}`,
      );
    const owner = ownerOf(event, world);
    if (owner.who === 'quarantine') {
      const zeros = behaves(
        world,
        ({ quarantine, quarantineTable }) =>
          quarantine === 'scratch-read-only' && quarantineTable === 'shared',
      );
      if (zeros)
        yield supports(
          `in quarantine, ${releaseSaid(world)}, all addresses lead to one page of zeros for reading only`,
        );
    }
    if (atSamePage(event, world).some((one) => accessOf(one) === 'read' && one.device === event.device))
      yield opposes('the device’s reads of the same address are refused, too: there is no entry for reading');
    if (accessOf(event) === null) yield doubts('the log does not say that it is a write');
  },
  check: (event) =>
    `press \`xl debug-keys g\` and look in \`xl dmesg\` for frame ${event.address === null ? 'of the address' : hex(event.address >> 12n)}: a grant with the readonly flag (4) or only read pins must be offered without \`readonly\`, or the device must not write to it`,
});

/** Unmapping one's own grant removes the domain's own mapping (e8185c5f01), or another's entry on Arm. */
export const GRANT_UNMAP_REMOVED = cause({
  id: 'grant-unmap-removed',
  title: 'unmapping a grant also removed the mapping that the domain’s devices still need',
  prior: 0,
  applies: (event, world) =>
    event.kind === 'dma-fault' &&
    isXen(event) &&
    mayBeAbsent(event) &&
    behaves(world, removes(event)) === true,
  *weigh(event, world) {
    const owner = ownerOf(event, world);
    if (owner.who === 'quarantine') yield excludes(owner.because);
    if (owner.who === 'dom0' && world.facts.dom0Mode?.value === 'Relaxed')
      yield excludes(
        `dom0’s table is not kept in step with grants (Relaxed, ${where(world.facts.dom0Mode)})`,
      );
    const grants = grantTrouble(event, world);
    if (grants === undefined) return;
    const spoken = `line ${grants.said.firstLine} speaks of grants: ${grants.said.reason?.meaning ?? ''}`;
    if (!grants.sure) {
      yield hints(`${spoken}; whether of this domain the log does not say`);
      return;
    }
    yield suggests(
      `${releaseSaid(world)}, where this happens (${releaseList(releasesThat(removes(event)))})`,
    );
    yield supports(spoken);
  },
  check: () =>
    'see in `xl debug-keys g` whether the domain maps grants of its own pages, and take a release that leaves its mapping alone',
});

type Removing = { readonly selfGrant: string; readonly armUnmapCheck: string };

const removes =
  (event: JudgedEvent) =>
  ({ selfGrant, armUnmapCheck }: Removing): boolean =>
    isArm(event) ? armUnmapCheck === 'no' : selfGrant === 'reaches-iommu';

export const GRANT_CAUSES = [GRANT_NOT_MAPPED, READ_ONLY_WRITTEN, GRANT_UNMAP_REMOVED];
