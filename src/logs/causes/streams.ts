import type { Profile } from '../../xen/editions/behaviours.js';
import { releaseList, releasesThat } from './affected-releases.js';
import type { JudgedEvent } from './cause.js';
import { hasBit, mayBeAbsent, natureOf } from './fault-nature.js';
import {
  addressesOf,
  behaves,
  history,
  isArm,
  isXen,
  lastSaid,
  option,
  ownerOf,
  releaseSaid,
  where,
} from './log-world.js';
import { cause, excludes, hints, opposes, shows, suggests, supports } from './weigh.js';

const isStream = (nature: string): boolean => nature === 'stream-unknown' || nature === 'no-context';

/** Two entries of a stream match table fit one stream: not unknown, but known twice. (IHI 0062D §12.6.9, sGFSR.SMCF) */
const isConflict = (event: JudgedEvent): boolean =>
  event.reason?.name === 'SMCF' || (hasBit(event, 'SMCF') && !hasBit(event, 'USF'));

/** A stream id that the device tree or IORT gives no device. */
export const STREAM_UNKNOWN = cause({
  id: 'stream-unknown',
  title:
    'the unit has no tables for this stream: the device tree or IORT gives the device no, or another, stream id',
  prior: 2,
  applies: (event) =>
    event.kind === 'dma-fault' && isArm(event) && isStream(natureOf(event)) && !isConflict(event),
  *weigh(event, world) {
    const { stream } = event.details;
    yield shows(`the unit knows no tables for ${stream === undefined ? 'the stream' : `stream ${stream}`}`);
    if (event.device === null || event.device === event.details.unit)
      yield hints('no device of this log goes by that stream');
    const had = history(event, world).find(({ value }) => /^(?:assigned|deassigned)/.test(value));
    if (had !== undefined) yield opposes(`it had tables before: the log says ${had.value} (${where(had)})`);
    const [first] = world.facts.firmwareComplaints;
    if (first !== undefined) yield supports(`“${first.value}” (${where(first)})`);
    const kdump = option(world.facts.linuxCommandLine, /^elfcorehdr=/);
    if (kdump !== undefined)
      yield suggests(
        `this is a kernel after a crash (${where(kdump)}): devices of the one before go on, and no driver has their streams yet`,
      );
  },
  check: (event) =>
    `compare the stream id ${event.details.stream ?? ''} with \`iommus = <&smmu ID>\` (or iommu-map of the PCI host bridge) in the device tree, or with the IORT: every id that the device uses must stand there${isXen(event) ? '; a device that Xen has not given to any domain faults like this on purpose' : '. A device without a driver (used by firmware, or left on by a loader) must be switched off or described, too; `arm-smmu.disable_bypass=0` would let all such devices reach all memory'}`,
});

/** Two masters with one stream id, or two ids that differ only in masked bits. */
export const STREAM_CONFLICT = cause({
  id: 'stream-conflict',
  title:
    'two entries of the SMMU’s stream match table fit the same stream: two devices share a stream id, or one’s mask covers the other',
  prior: 2,
  applies: (event) => event.kind === 'dma-fault' && isArm(event) && isConflict(event),
  *weigh(event) {
    yield shows(
      `the unit found more than one entry for ${event.details.stream === undefined ? 'the stream' : `stream ${event.details.stream}`} (SMCF)`,
    );
    if (isXen(event))
      yield hints(
        'Xen’s driver makes an entry for each device that it is told of, also where another has the same stream id',
      );
  },
  check: (event) =>
    `look for devices with the same stream id (and mask) in \`iommus\` of the device tree: ${event.details.stream ?? 'the stream'}; devices that share one must go to the same domain`,
});

const loses = ({ smmuStreamMappings }: Profile): boolean => smmuStreamMappings === 'lost-on-detach';

/** Some releases forget a device's stream mappings when it is taken from a domain. */
export const STREAM_LOST = cause({
  id: 'stream-mapping-lost',
  title: 'Xen gave up the device’s stream mapping when it was taken from a domain, and did not set it again',
  prior: 0,
  applies: (event, world) =>
    event.kind === 'dma-fault' &&
    event.unit === 'smmuv2' &&
    isXen(event) &&
    isStream(natureOf(event)) &&
    !isConflict(event) &&
    behaves(world, loses) !== false,
  *weigh(event, world) {
    const releases = `${releaseList(releasesThat(loses))} do this`;
    if (behaves(world, loses)) yield supports(`${releaseSaid(world)}: ${releases}`);
    else yield hints(`${releases}; ${releaseSaid(world)}`);
    const given = lastSaid(event, world, /^(?:deassigned|assigned)/);
    if (given !== undefined) yield shows(`the device was ${given.value} (${where(given)})`);
  },
  check: () => 'restart the host, or take a release that keeps or renews stream mappings',
});

const invalidates = ({ armSetWay }: Profile): boolean => armSetWay === 'p2m-invalidated';

/** A cache operation by set and way makes Xen invalidate the p2m, which devices use, too (dossier §9 item 4). */
export const SET_WAY = cause({
  id: 'set-way',
  title:
    'the guest flushed caches by set and way, for which Xen made its whole p2m invalid, also for its devices',
  prior: 0,
  applies: (event, world) =>
    event.kind === 'dma-fault' &&
    isArm(event) &&
    isXen(event) &&
    mayBeAbsent(event) &&
    behaves(world, invalidates) === true,
  *weigh(event, world) {
    if (ownerOf(event, world).who === 'quarantine') yield excludes(ownerOf(event, world).because);
    const owner = ownerOf(event, world);
    if (owner.who === 'guest')
      yield suggests(
        `${releaseSaid(world)}; ${releaseList(releasesThat(invalidates))} do this, and ${owner.because}`,
      );
    const pages = addressesOf(event, world);
    if (pages > 2)
      yield supports(`the device faults at ${pages} addresses: all of the guest’s memory at once`);
  },
  check: () =>
    'have the guest (often its boot loader, U-Boot) flush by address instead, or take a release that refuses such flushes where there are devices',
});
