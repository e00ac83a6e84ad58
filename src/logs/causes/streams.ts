import type { Profile } from '../../xen/editions/behaviours.js';
import { releaseList, releasesThat } from './affected-releases.js';
import { mayBeAbsent, natureOf } from './fault-nature.js';
import {
  addressesOf,
  behaves,
  history,
  isArm,
  isXen,
  lastSaid,
  ownerOf,
  releaseSaid,
  where,
} from './log-world.js';
import { cause, excludes, hints, opposes, shows, suggests, supports } from './weigh.js';

const isStream = (nature: string): boolean => nature === 'stream-unknown' || nature === 'no-context';

/** A stream id that the device tree or IORT gives no device. */
export const STREAM_UNKNOWN = cause({
  id: 'stream-unknown',
  title:
    'the unit has no tables for this stream: the device tree or IORT gives the device no, or another, stream id',
  prior: 2,
  applies: (event) => event.kind === 'dma-fault' && isArm(event) && isStream(natureOf(event)),
  *weigh(event, world) {
    const { stream } = event.details;
    yield shows(`the unit knows no tables for ${stream === undefined ? 'the stream' : `stream ${stream}`}`);
    if (event.device === null || event.device === event.details.unit)
      yield hints('no device of this log goes by that stream');
    const had = history(event, world).find(({ value }) => /^(?:assigned|deassigned)/.test(value));
    if (had !== undefined) yield opposes(`it had tables before: the log says ${had.value} (${where(had)})`);
    const [first] = world.facts.firmwareComplaints;
    if (first !== undefined) yield supports(`“${first.value}” (${where(first)})`);
  },
  check: (event) =>
    `compare the stream id ${event.details.stream ?? ''} with \`iommus = <&smmu ID>\` (or iommu-map of the PCI host bridge) in the device tree: every id that the device uses must stand there; a device that Xen has not given to any domain faults like this on purpose`,
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
    behaves(world, loses) === true,
  *weigh(event, world) {
    yield supports(`${releaseSaid(world)}: ${releaseList(releasesThat(loses))} do this`);
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
