import { assignErrno } from './assign-errnos.js';
import type { CauseRule, JudgedEvent, World } from './cause.js';
import { belowMaxmem, verdictOnConfig } from './config-check.js';
import { history, where } from './log-world.js';
import { firstWith } from './of-log.js';
import { cause, doubts, excludes, hints, opposes, settles, shows, suggests, supports } from './weigh.js';

const named = (event: JudgedEvent, ...names: readonly string[]): boolean =>
  event.kind === 'toolstack' && names.includes(event.reason?.name ?? '');

const coded = (event: JudgedEvent, ...codes: readonly number[]): boolean =>
  event.reason?.code != null && codes.includes(event.reason.code);

const ENOSYS = -38;
const EOPNOTSUPP = -95;
const EBUSY = -16;
const EPERM = -1;
const EXDEV = -18;
const ENODEV = -19;
const EADDRINUSE = -98;

const minorOf = ({ edition }: World): number | undefined => edition?.release?.minor;

/** Refusals that mean, or may mean, that Xen has no context to put the device into. */
const withoutContext = (event: JudgedEvent, world: World): boolean =>
  (event.source === 'xen' && named(event, 'no-iommu')) ||
  (named(event, 'assign-refused') && (event.reason?.code == null || coded(event, ENOSYS, EOPNOTSUPP))) ||
  // libxl 4.13 looks for ENOSYS where Xen 4.13 says EOPNOTSUPP (mended by ed69c2ecaf in 4.14.0).
  (named(event, 'assigned-elsewhere') && minorOf(world) === 13);

export const IOMMU_OFF = cause({
  id: 'iommu-off',
  title:
    'Xen has no IOMMU in use: it is off in the firmware or on the command line, or its tables are broken',
  prior: 3,
  applies: (event, world) =>
    withoutContext(event, world) ||
    named(
      event,
      'passthrough-not-supported',
      'quarantine-failed',
      'passthrough-undecided',
      'pci-cannot-add',
    ) ||
    (named(event, 'assign-refused') && coded(event, ENODEV)),
  *weigh(event, world) {
    const { facts } = world;
    const { iommu } = facts;
    if (iommu?.value === 'enabled') yield excludes(`Xen has one in use (${where(iommu)})`);
    if (iommu?.value === 'disabled')
      yield settles(`Xen says so: I/O virtualisation disabled (${where(iommu)})`);
    const because = facts.iommuOffBecause;
    if (because !== null) yield shows(`why, is in ${where(because)}: “${because.value}”`);
    if (iommu === null && named(event, 'passthrough-not-supported'))
      yield shows('libxl asked Xen, and Xen has none');
    const refused = firstWith(world, event, 'toolstack', 'quarantine-failed', 'passthrough-not-supported');
    if (iommu === null && refused !== undefined)
      yield suggests(`so does line ${refused.firstLine}: ${refused.reason?.meaning}`);
  },
  check: () =>
    '`xl dmesg | grep -i -e virtualisation -e vt-d -e amd-vi`, and `xl info | grep virt_caps` must list hvm_directio or pv_directio; else switch on VT-d or AMD’s IOMMU in the firmware and remove `iommu=0` from Xen’s options',
});

export const NO_CONTEXT = cause({
  id: 'domain-without-context',
  title:
    'the domain was created without an IOMMU context, and cannot get one any more: devices must be declared at its creation',
  prior: 2,
  applies: withoutContext,
  *weigh(event, world) {
    const { facts } = world;
    const minor = minorOf(world);
    if (minor !== undefined && minor < 13)
      yield excludes(`up to 4.12 the first device brings the context, and this is ${world.edition!.name}`);
    if (facts.iommu?.value === 'disabled') yield opposes(`the IOMMU is off anyway (${where(facts.iommu)})`);
    if (facts.iommu?.value === 'enabled')
      yield supports(
        `the IOMMU is in use (${where(facts.iommu)}), so that only the domain can lack something`,
      );
    if (coded(event, EOPNOTSUPP)) yield supports('EOPNOTSUPP is what Xen answers for such a domain');
    const verdict = verdictOnConfig(world);
    if (verdict?.hasContext === false)
      yield settles('the config gives it none: it has neither devices nor passthrough=');
    if (verdict?.hasContext === true)
      yield doubts('the config gives it one: was the domain created with this config?');
  },
  check: () =>
    'add `passthrough="enabled"` to the config of a domain that is to get devices later, or list them in `pci=`, and create it anew; `dommu check guest.cfg` says which context a config gives',
});

export const WRONG_WORDS = cause({
  id: 'libxl-4.13-wrong-words',
  title: 'libxl 4.13 says “already assigned” for every refusal, and means the IOMMU or the domain’s context',
  prior: 0,
  applies: (event) => named(event, 'assigned-elsewhere'),
  *weigh(_, world) {
    if (minorOf(world) === 13)
      yield supports(
        'this is 4.13, in which libxl looks for ENOSYS where Xen answers EOPNOTSUPP (mended in 4.14)',
      );
    if (world.facts.iommu?.value === 'disabled')
      yield supports(`the IOMMU is off (${where(world.facts.iommu)})`);
  },
  check: () =>
    'look whether the IOMMU is on (`xl dmesg | grep -i virtualisation`) and the config has passthrough="enabled" or the device; update to 4.14 or later for the right words',
});

export const OTHER_OWNER = cause({
  id: 'device-has-owner',
  title: 'another domain has the device, or it is hidden from all',
  prior: 3,
  applies: (event) =>
    named(event, 'assigned-elsewhere', 'already-attached', 'removed-in-use') ||
    (named(event, 'assign-refused') && coded(event, EBUSY)),
  *weigh(event, world) {
    const owned = history(event, world).findLast(({ value }) => /^assigned/.test(value));
    if (owned !== undefined) yield shows(`the log says of it: ${owned.value} (${where(owned)})`);
    if (coded(event, EBUSY)) yield supports('EBUSY is what Xen answers for a device that a guest has');
    if (minorOf(world) === 13 && named(event, 'assigned-elsewhere'))
      yield opposes('libxl 4.13 prints this for other refusals, too');
  },
  check: ({ device }) =>
    `\`xl pci-list\` of each guest; \`xl debug-keys Q\`, then \`xl dmesg | grep ${device?.replace(/^0000:/, '') ?? 'DEVICE'}\` prints whose it is`,
});

const ASSIGNABLE = [
  'not-assignable',
  'not-on-pciback',
  'pciback-bind-failed',
  'pciback-missing',
  'pciback-unreachable',
];

export const NOT_MADE_ASSIGNABLE = cause({
  id: 'not-made-assignable',
  title: 'dom0 still has the device: it was not given to pciback',
  prior: 4,
  applies: (event) =>
    named(event, 'not-assignable', 'not-on-pciback', 'pciback-bind-failed', 'unbind-failed'),
  *weigh(event, world) {
    const hidden = history(event, world).find(({ value }) => value.startsWith('hidden'));
    if (hidden !== undefined) yield opposes(`pciback took it (${where(hidden)})`);
    const driver = history(event, world).find(({ value }) => value.startsWith('driver '));
    if (driver !== undefined) yield supports(`dom0 has a ${driver.value} for it (${where(driver)})`);
  },
  check: ({ device }) =>
    `\`modprobe xen-pciback; xl pci-assignable-add ${device?.replace(/^0000:/, '') ?? 'DEVICE'}; xl pci-assignable-list\`; to hide it from the start, \`xen-pciback.hide=(${device ?? 'DEVICE'})\` on dom0’s command line`,
});

export const PCIBACK_MISSING = cause({
  id: 'pciback-not-loaded',
  title: 'the pciback driver is not there: it was not loaded, or refused to',
  prior: 4,
  applies: (event) => named(event, ...ASSIGNABLE),
  *weigh(event, world) {
    const { facts } = world;
    const bad = firstWith(world, event, 'toolstack', 'hide-malformed');
    if (bad !== undefined)
      yield shows(
        `the list of devices to hide in line ${bad.firstLine} is malformed at ${bad.details.entry ?? 'an entry'}, for which the driver does not load`,
      );
    if (named(event, 'pciback-missing')) yield supports('its folder in sysfs is not there');
    else {
      const took = [...facts.devices.values()].flat().find(({ value }) => value.startsWith('hidden'));
      if (took !== undefined) yield opposes(`it has taken a device (${where(took)})`);
    }
  },
  check: () =>
    '`modprobe xen-pciback`, `dmesg | grep -i pciback`, `ls /sys/bus/pci/drivers/pciback`; a kernel needs CONFIG_XEN_PCIDEV_BACKEND',
});

export const HIDE_TYPO = cause({
  id: 'hide-list-mistyped',
  title: 'an entry of the list of devices to hide is mistyped, and the driver takes none of the list',
  prior: 3,
  applies: (event) => named(event, 'hide-malformed'),
  *weigh(event, { facts }) {
    const { entry, position, problem } = event.details;
    if (problem !== undefined) yield shows(`entry ${position ?? ''} is \`${entry ?? ''}\`: ${problem}`);
    if (/^\(\d{1,3}(?::\d{1,3}){3}:?\)$/.test(entry ?? ''))
      yield suggests(
        'four numbers with colons are how Linux prints a SCSI device (host:channel:target:lun); what is hidden is its controller, by the address of `lspci -D`',
      );
    for (const [device, told] of facts.devices) {
      const took = told.find(({ value }) => value.startsWith('hidden'));
      if (took !== undefined)
        yield doubts(`pciback has ${device} (${where(took)}): a list was read, perhaps an earlier one`);
    }
  },
  check: ({ details }) =>
    `write \`${details['would be right'] ?? '([DDDD:]BB:DD.F)'}\` there; where dom0 does not start any more, take the option out in the boot loader. Never hide a device that dom0 itself boots from`,
});

export const CONFIG_CONTRADICTS = cause({
  id: 'config-contradiction',
  title: 'the guest’s config asks for what does not exist or go together',
  prior: 3,
  applies: (event) => Object.hasOwn(CONFIG_ADVICE, event.reason?.name ?? '') && event.kind === 'toolstack',
  *weigh(event, world) {
    const name = event.reason!.name;
    const refusal = verdictOnConfig(world)?.refusals.find(({ code }) => code === name);
    if (refusal !== undefined) yield settles(`dommu check finds it in the config: ${refusal.text}`);
    else if (world.config !== undefined)
      yield doubts('the config that was given does not: was the domain created with it?');
    const { why, value, problem } = event.details;
    if (why !== undefined) yield shows(`share_pt is ${why}`);
    if (value !== undefined)
      yield shows(`the value is \`${value}\`${problem === undefined ? '' : `: ${problem}`}`);
  },
  check: (event) => CONFIG_ADVICE[event.reason!.name]!,
});

/** What to change, by the reason. */
const CONFIG_ADVICE: Readonly<Record<string, string>> = {
  'passthrough-disabled-with-devices': 'remove passthrough="disabled" or the devices',
  'passthrough-pvh': 'use type="hvm", or "pv" with a kernel that has the PCI front end',
  'share-pt-impossible': 'use passthrough="enabled", which takes what is possible, or "sync_pt"',
  'passthrough-not-on-arm': 'use passthrough="enabled" or "share_pt"',
  'pod-with-passthrough':
    'set memory and maxmem to the same amount: a device cannot wait for a page that is populated on demand',
  'passthrough-value': 'use disabled, enabled, sync_pt or share_pt',
  'no-paging': 'use type="pv", or switch on virtualisation in the firmware',
  'hvm-unavailable': 'switch on VT-x or SVM in the firmware; `xl info | grep virt_caps` must list hvm',
  'pv-unavailable': 'use a Xen that is built with PV guests, or type="pvh"',
  'hap-unavailable': 'remove hap=1',
  'shadow-unavailable': 'remove hap=0, or use a Xen that is built with shadow paging',
  'createdomain-refused': 'use tools of the same release as the hypervisor',
  'malformed-bdf':
    'write [DDDD:]BB:DD.F as `lspci -D` prints it; `dommu check guest.cfg` points at each mistake',
  'slot-missing': "give the slot of the guest: `pci = [ '03:00.*@5' ]`",
  'rdm-policy-unknown': 'use rdm_policy=strict or relaxed',
  'gfx-passthru-kind':
    'use gfx_passthru="igd" for Intel’s integrated graphics, and leave it out for other cards',
  'iomem-malformed':
    'write iomem as START,COUNT[@GFN] in hexadecimal pages, ioports as FROM-TO, irqs as numbers',
  'partial-device-tree':
    'compile the file of device_tree= with `dtc -@`; it must have a node /passthrough, and libxl must be built with libfdt’s support for it',
};

export const REGION_IN_THE_WAY = cause({
  id: 'reserved-region-in-the-way',
  title:
    'a reserved region of the device (RMRR, IVMD) lies where the guest has memory, or other devices share it',
  prior: 2,
  applies: (event) =>
    named(event, 'rdm-conflict', 'rdm-conflict-ignored', 'pci-cannot-add') ||
    (named(event, 'assign-refused') && coded(event, EBUSY, EPERM, EADDRINUSE)),
  *weigh(event, world) {
    const { facts } = world;
    if (named(event, 'rdm-conflict', 'rdm-conflict-ignored'))
      yield shows('libxl says so before it builds the guest');
    const region = facts.reservedRegions.find(
      ({ devices }) => event.device !== null && devices.includes(event.device),
    );
    if (region !== undefined) yield shows(`the firmware names a region for the device (${where(region)})`);
    if (/Operation not permitted/.test(event.details.said ?? ''))
      yield supports('it was not permitted, as for a region that devices share');
    if (coded(event, EPERM))
      yield supports('EPERM is what VT-d answers for a region that devices share under a strict policy');
  },
  check: ({ device }) =>
    `\`rdm = "strategy=host,policy=strict"\` lets libxl move the guest’s memory out of the way; \`pci = [ '${device ?? 'DEVICE'},rdm_policy=relaxed' ]\` goes on without the region, at the device’s risk`,
});

export const MEMORY_FEATURE = cause({
  id: 'memory-feature-active',
  title:
    'the guest’s memory is being populated on demand, paged, shared or logged, with which no device goes',
  prior: 1,
  applies: (event) => named(event, 'assign-refused') && coded(event, EXDEV),
  *weigh(_, world) {
    yield shows('EXDEV is what Xen answers then');
    yield* belowMaxmem(world);
  },
  check: () =>
    'set memory and maxmem to the same amount, and attach devices when no migration, memory sharing or paging runs',
});

export const UNKNOWN_TO_XEN = cause({
  id: 'device-unknown-to-xen',
  title: 'Xen does not know the device, or no IOMMU unit covers it',
  prior: 2,
  applies: (event) => named(event, 'assign-refused', 'deassign-refused') && coded(event, ENODEV),
  *weigh(event, world) {
    yield supports('ENODEV is what Xen answers then');
    const known = history(event, world).find(({ value }) => value === 'known to Xen');
    if (known !== undefined) yield opposes(`dom0 told Xen of it (${where(known)})`);
    const [first] = world.facts.firmwareComplaints;
    if (first !== undefined)
      yield suggests(`the firmware’s tables are complained of: “${first.value}” (${where(first)})`);
  },
  check: () =>
    '`xl debug-keys Q`, then `xl dmesg`: is the device in the list; `lspci -D`: does the address exist at all',
});

export const EARLY_LIBXL = cause({
  id: 'passthrough-left-undecided',
  title:
    'whoever created the domain was not xl (libvirt, or libxl for a stub domain), on a machine without IOMMU, with a libxl that leaves the decision to xl',
  prior: 3,
  applies: (event) => named(event, 'passthrough-undecided'),
  *weigh(event, world) {
    yield hints('builds of libxl of October 2019, before 4.13.0, did that; fa3a19188c mended it');
    const iommu = firstWith(world, event, 'init', 'iommu-off');
    if (iommu !== undefined) yield supports(`the IOMMU is off (line ${iommu.firstLine})`);
  },
  check: () =>
    'update the tools to 4.13.0 or later; until then switch the IOMMU on, or create the domain with xl',
});

export const ERRNO_OF_ASSIGNMENT = cause({
  id: 'assign-errno',
  title: 'the errno says why Xen refused',
  prior: 2,
  applies: (event) =>
    named(event, 'assign-refused', 'deassign-refused', 'quarantine-failed', 'dequarantine-failed') &&
    !coded(event, ENOSYS, EOPNOTSUPP),
  *weigh(event) {
    const meaning = assignErrno(event);
    if (meaning !== undefined) yield supports(meaning);
  },
  check: () =>
    'look in `xl dmesg` of the same time, with `loglvl=all`: Xen names the device, the domain and the errno',
});

/** What can be behind refusals of libxl and Xen to give a device. */
export const TOOLSTACK_CAUSES: readonly CauseRule[] = [
  IOMMU_OFF,
  NO_CONTEXT,
  WRONG_WORDS,
  OTHER_OWNER,
  HIDE_TYPO,
  PCIBACK_MISSING,
  NOT_MADE_ASSIGNABLE,
  CONFIG_CONTRADICTS,
  REGION_IN_THE_WAY,
  MEMORY_FEATURE,
  UNKNOWN_TO_XEN,
  ERRNO_OF_ASSIGNMENT,
  EARLY_LIBXL,
];
