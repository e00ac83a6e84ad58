import { hexValue } from '../values.js';
import type { CauseRule, JudgedEvent } from './cause.js';
import { option, where } from './log-world.js';
import { cause, hints, shows, suggests, supports } from './weigh.js';

/** What is behind VT-d's set-up that fails, and behind mappings that pKVM refuses. */

const named = (event: JudgedEvent, ...names: readonly string[]): boolean =>
  event.unit === 'vtd' && names.includes(event.reason?.name ?? '');

/** Xen stops where one unit must stay off and `force` forbids it. (vtd/iommu.c, iommu_enable_translation) */
const FORCED = cause({
  id: 'unit-off-but-forced',
  title:
    'firmware left a unit of integrated devices without what translation needs, and iommu=force or required forbids Xen to leave that unit off',
  prior: 5,
  applies: (event) => named(event, 'panic') && /force/.test(event.reason?.meaning ?? ''),
  *weigh(_, { facts }) {
    const asked = option(facts.xenCommandLine, /^iommu=.*\b(?:force|required)\b/);
    if (asked !== undefined) yield shows(`Xen’s command line has ${asked.value} (${where(asked)})`);
    else yield suggests('Xen only stops here with iommu=force or iommu=required');
    const [first] = facts.firmwareComplaints;
    if (first !== undefined) yield hints(`the line itself complains of the firmware (${where(first)})`);
  },
  check: (event) =>
    /graphics/.test(event.reason?.meaning ?? '')
      ? 'give the graphics more memory or switch VT-d on for it in the firmware’s settings, and update the firmware; or boot without `force` and `required`, and since Xen 4.10 also `iommu=no-igfx` passes: the graphics then reaches all memory'
      : 'update the firmware, or boot without `force` and `required`: the sound device then reaches all memory',
});

const isPkvm = ({ details, more, reason }: JudgedEvent): boolean =>
  reason?.name === 'map-failed' &&
  (details.pages !== undefined || details.start !== undefined) &&
  (details.pfn !== undefined || more.some((line) => line.startsWith('page->host_state')));

/** pKVM maps a range as a whole, of one kind of memory, owned by the host. */
const MIXED_REGION = cause({
  id: 'region-of-mixed-memory',
  title:
    'the region that firmware wants mapped is not memory of one kind: it spans RAM, holes or memory of the hypervisor, which pKVM does not map as one',
  prior: 1,
  applies: (event) =>
    event.source === 'linux' &&
    (named(event, 'rmrr-failed') || (named(event, 'map-failed') && isPkvm(event))),
  *weigh(event, { events }) {
    const refused = events.find((one) => one !== event && named(one, 'rmrr-failed'));
    const mapping = events.find((one) => one !== event && isPkvm(one));
    if (named(event, 'rmrr-failed') && mapping !== undefined)
      yield shows(`pKVM’s hypervisor refused the mapping (line ${mapping.firstLine})`);
    if (isPkvm(event) && event.reason?.code === -22) {
      yield supports('the errno is EINVAL: the range itself is not accepted');
      if (refused !== undefined) yield supports(`firmware asks for a mapping (line ${refused.firstLine})`);
    }
    const frame = hexValue(event.details.pfn);
    if (frame !== null && frame << 12n === event.address)
      yield hints('the address is mapped to itself, as reserved regions are');
  },
  check: () =>
    '`dmesg | grep -e RMRR -e BIOS-e820`: does the region hold several kinds of memory? Switch off in the firmware what it is for (legacy USB, remote management), update it, or boot with `intel_iommu=off` to see what needs it',
});

const NOT_THE_HOSTS = cause({
  id: 'page-not-the-hosts',
  title:
    'the page belongs to a protected guest or to the hypervisor, or is shared with one: the host may not give it to a device',
  prior: 1,
  applies: (event) => event.source === 'linux' && named(event, 'map-failed') && isPkvm(event),
  *weigh(event, { events }) {
    if (event.reason?.code === -1) yield supports('the errno is EPERM');
    const state = event.more.find((line) => line.startsWith('page->host_state'));
    if (state !== undefined) yield shows(`the hypervisor says: ${state}`);
    const near = events.find(
      (one) =>
        one !== event && Math.abs(one.firstLine - event.firstLine) <= 3 && /host_state/.test(one.more.join()),
    );
    if (near !== undefined) yield supports(`the state of the page did not fit (line ${near.firstLine})`);
  },
  check: () =>
    'see which guest or driver gave the page away (`page->host_state` in the lines before); a driver of the host must not do DMA to memory that it has donated',
});

export const VTD_CAUSES: readonly CauseRule[] = [FORCED, MIXED_REGION, NOT_THE_HOSTS];
