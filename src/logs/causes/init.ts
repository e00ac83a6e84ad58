import { errnoOf } from '../errnos.js';
import { isComplaint } from '../forms/init-reasons.js';
import { assignErrno } from './assign-errnos.js';
import type { CauseRule, JudgedEvent, World } from './cause.js';
import { history, isArm, where } from './log-world.js';
import { firstWith, ofLog, withReason } from './of-log.js';
import { cause, doubts, excludes, hints, opposes, settles, shows, suggests, supports } from './weigh.js';

const named = (event: JudgedEvent, ...names: readonly string[]): boolean =>
  event.kind === 'init' && names.includes(event.reason?.name ?? '');

/** Lines in which the IOMMU, or what hangs on it, ends up switched off. */
const isOff = (event: JudgedEvent): boolean =>
  named(event, 'iommu-off', 'iommu-off-by-choice', 'interrupts-exposed') ||
  (named(event, 'panic') && event.details.what !== undefined) ||
  (named(event, 'feature-refused') && /x2APIC/.test(event.reason?.meaning ?? ''));

/** How many complaints are looked at: those that say why an IOMMU is off stand close before that. */
const COMPLAINTS_AT_MOST = 64;

const complaints = (events: readonly JudgedEvent[]): readonly JudgedEvent[] =>
  events
    .filter(
      ({ kind, reason }) =>
        kind === 'init' && isComplaint(reason?.name ?? '') && reason?.name !== 'iommu-off',
    )
    .slice(0, COMPLAINTS_AT_MOST);

/** Complaints before an event, nearest last. */
const complaintsBefore = (event: JudgedEvent, world: World): JudgedEvent[] =>
  ofLog(world, complaints).filter((one) => one !== event && one.firstLine < event.firstLine);

/** `0x82`, of a complaint about an IO-APIC that the IVRS table does not name. */
const missingIoApic = (text: string): string | undefined =>
  /IO-APIC (0x[0-9a-f]{1,4}|\d{1,4})/i.exec(text)?.[1];

const SET_UP_FAILED = cause({
  id: 'iommu-setup-failed',
  title: 'Xen found an IOMMU and could not set it up',
  prior: 1,
  applies: isOff,
  *weigh(event, world) {
    const { because, 'because of line': line } = event.details;
    if (because !== undefined && line !== undefined) yield settles(`line ${line} says so: “${because}”`);
    const complaints = complaintsBefore(event, world).slice(0, 3);
    for (const one of complaints) {
      if (String(one.firstLine) !== line) yield suggests(`line ${one.firstLine}: ${one.reason?.meaning}`);
    }
    if (event.reason?.name === 'iommu-off-by-choice')
      yield opposes('the command line switches it off anyway');
  },
  check(event, { facts }) {
    const ioApic = missingIoApic(event.details.because ?? facts.iommuOffBecause?.value ?? '');
    if (facts.firmwareComplaints.some(({ value }) => /southbridge/i.test(value)))
      return 'update the firmware; until then name the IO-APIC of the southbridge on Xen’s command line: `ivrs_ioapic[ID]=00:14.0`, with the ID of the line `IOAPIC[0]: apic_id ID` of `xl dmesg`';
    if (ioApic !== undefined)
      return `update the firmware; until then name the IO-APIC on Xen’s command line: \`ivrs_ioapic[${ioApic}]=BUS:DEVICE.FUNCTION\`, with the function that Linux prints for it on bare metal (\`dmesg | grep -i ioapic\`), often 00:14.0 or a device 00.1 of the second die`;
    return 'read the line before; `xl dmesg | grep -i -e iommu -e vt-d -e amd-vi -e ivhd -e dmar`, booted with `iommu=verbose loglvl=all`; then look for a firmware update';
  },
});

const BY_CHOICE = cause({
  id: 'iommu-off-by-option',
  title: 'the IOMMU is switched off on Xen’s command line',
  prior: 0,
  applies: isOff,
  *weigh(event, { facts }) {
    if (event.reason?.name === 'iommu-off-by-choice' && facts.xenCommandLine !== null)
      yield settles(
        `Xen’s command line (${where(facts.xenCommandLine)}) has iommu= with 0, no, off or false`,
      );
  },
  check: () => 'remove `iommu=0` (or no, off) from Xen’s options in the boot loader, and boot again',
});

const NOT_IN_FIRMWARE = cause({
  id: 'iommu-not-in-firmware',
  title: 'the firmware has no IOMMU to offer: it is switched off in its settings, or the machine has none',
  prior: 3,
  applies: (event) => isOff(event) && event.unit === null && event.reason?.name !== 'iommu-off-by-choice',
  *weigh(event, world) {
    if (event.details['because of line'] !== undefined)
      yield excludes('Xen found one, and says why it is off');
    const found = firstWith(world, event, 'init', 'unit-found', 'capabilities');
    if (found !== undefined) yield opposes(`an IOMMU was found (line ${found.firstLine})`);
    else if (event.details.because !== undefined && event.details['because of line'] === undefined)
      yield supports('the log begins with Xen’s start and has no line of an IOMMU or of its tables');
  },
  check: (_, { facts }) =>
    facts.other.has('arm')
      ? 'look in the device tree (or IORT) for an SMMU or IPMMU with `status = "okay"` and for `iommus` of the devices; QEMU needs `-machine virt,iommu=smmuv3`; Xen has drivers for Arm’s SMMUs and Renesas’ IPMMU only'
      : 'switch on VT-d (Intel) or IOMMU (AMD; not only SVM) in the firmware’s settings; then `xl dmesg | grep -i -e "virtualisation" -e ACPI:` must show a DMAR or IVRS table and I/O virtualisation enabled',
});

const INTERRUPTS_EXPOSED = cause({
  id: 'no-interrupt-remapping',
  title: 'the unit cannot remap interrupts, the firmware asks not to, or an IO-APIC is missing in its tables',
  prior: 3,
  applies: (event) => named(event, 'interrupts-exposed'),
  *weigh(_, { facts }) {
    if (facts.iommu?.value === 'disabled')
      yield supports(`the IOMMU is off altogether (${where(facts.iommu)})`);
    const [first] = facts.firmwareComplaints;
    if (first !== undefined)
      yield supports(`the firmware’s tables are complained of: “${first.value}” (${where(first)})`);
    if (/intremap/.test(facts.xenCommandLine?.value ?? ''))
      yield supports('intremap stands on Xen’s command line');
  },
  check: () =>
    'look for x2APIC opt-out and interrupt remapping in the firmware’s settings, update it, and do not use `iommu=no-intremap` where guests that are not trusted have devices',
});

const FIRMWARE_WRONG = cause({
  id: 'firmware-table-wrong',
  title: 'the firmware’s table of IOMMUs (DMAR, IVRS, IORT) is wrong',
  prior: 4,
  applies: (event) =>
    named(event, 'firmware-bug', 'rmrr-invalid', 'rmrr-failed') ||
    (named(event, 'unit-failed') && !isArm(event)),
  *weigh(event, { facts }) {
    const others = facts.firmwareComplaints.filter(({ line }) => line !== event.firstLine);
    if (others.length > 0)
      yield supports(`it is complained of more than once (${others.slice(0, 3).map(where).join(', ')})`);
    if (named(event, 'unit-failed')) yield doubts('a unit that fails may be at fault itself');
  },
  check: (event) =>
    `dump the table (\`acpidump -n ${event.unit === 'amdvi' ? 'IVRS' : isArm(event) ? 'IORT' : 'DMAR'} > table.txt\`), look at it with \`dommu audit --acpi table.txt\`, and update the firmware${event.source === 'xen' && named(event, 'rmrr-invalid') ? '; `iommu=workaround_bios_bug` makes Xen up to 4.11 go on' : ''}`,
});

const SHARED_REGION = cause({
  id: 'reserved-region-shared',
  title:
    'firmware declares a reserved region (RMRR) for the device, with which it may not simply be handed to a guest',
  prior: 4,
  applies: (event) => named(event, 'rmrr-refused', 'device-failed'),
  *weigh(event, world) {
    const { device, source, details } = event;
    if (!named(event, 'rmrr-refused')) {
      const refused = withReason(world, 'init', 'rmrr-refused').find((one) => one.device === device);
      if (refused === undefined || event.reason?.code !== -1 || device === null)
        yield excludes('nothing in the log says so');
      else yield settles(`line ${refused.firstLine} refuses the same device for its region`);
      return;
    }
    if (source === 'linux')
      yield shows('Linux hands no device with such a region on, other than USB controllers and graphics');
    else if (details.start !== undefined)
      yield shows(`the line says that other devices share the region at ${details.start}`);
    const region = world.facts.reservedRegions.find(
      ({ devices }) => device !== null && devices.includes(device),
    );
    if (region !== undefined) yield shows(`the firmware names a region for it (${where(region)})`);
  },
  check: (event) =>
    event.source === 'linux'
      ? `look in the firmware’s settings and the maker’s notes for how to take ${event.device ?? 'the device'} out of the region (HP: shared memory features of the slot, conrep), and update the firmware; kernels that leave the check out let the device go on using memory of the firmware’s from within the guest`
      : `give all devices of the region to one guest, switch off what it is for in the firmware (legacy USB, remote management), or accept the risk with \`pci = [ '${event.device ?? 'DEVICE'},rdm_policy=relaxed' ]\``,
});

const ERRNO_SAYS = cause({
  id: 'device-move-errno',
  title: 'the errno says why Xen did not move the device',
  prior: 3,
  applies: (event) => named(event, 'device-failed', 'device-unknown'),
  *weigh(event, world) {
    const meaning = assignErrno(event);
    if (meaning !== undefined) yield shows(meaning);
    const [known] = history(event, world);
    if (known !== undefined) yield hints(`the log says of the device: ${known.value} (${where(known)})`);
  },
  check: (event) => {
    const name = event.reason?.code == null ? '' : (errnoOf(event.reason.code)?.name ?? '');
    if (name === 'EXDEV')
      return 'set memory and maxmem of the guest to the same amount, and attach the device while it is not being migrated';
    if (name === 'EBUSY')
      return '`xl pci-assignable-list` and `xl pci-list` of each guest; `xl debug-keys Q` prints in `xl dmesg` whose each device is';
    if (name === 'EPERM')
      return 'look for the device in the RMRR lines of `xl dmesg` (boot with `iommu=verbose`); `rdm_policy=relaxed` of the device accepts the risk';
    return '`xl debug-keys Q`, then `xl dmesg`: is the device there, and whose is it; boot with `iommu=verbose` for the units’ scopes';
  },
});

/** Xen found an IO-APIC in one of firmware's tables and not in the other, or not where it is. */
const IO_APICS_DIFFER = cause({
  id: 'io-apics-differ',
  title:
    'the IO-APICs of the IVRS table are not those of the MADT, so that Xen writes to one that it has not mapped',
  prior: 3,
  applies: (event) => named(event, 'panic') && /ioapic/.test(event.details.function ?? ''),
  *weigh({ details }) {
    if (/null pointer/.test(details['page fault at'] ?? ''))
      yield supports(
        'the address is that of a null pointer: there is no IO-APIC with the id that was looked for',
      );
  },
  check: () =>
    'compare the lines `IOAPIC[…]: apic_id …` of the boot with the IO-APICs of the IVRS (`acpidump -n IVRS > table.txt; dommu audit --acpi table.txt`); update the firmware; until then `iommu=no-intremap` lets Xen boot, and any device that a guest has can then send any interrupt',
});

const OPTION_WRONG = cause({
  id: 'option-wrong',
  title: 'an option of Xen’s command line is mistyped, or not possible on this machine',
  prior: 4,
  applies: (event) => named(event, 'option-invalid'),
  *weigh(_, { facts }) {
    if (facts.xenCommandLine !== null)
      yield hints(
        `the command line is in ${where(facts.xenCommandLine)}: “${facts.xenCommandLine.value.slice(0, 200)}”`,
      );
  },
  check: () =>
    'hold the options against docs/misc/xen-command-line of your release, or have them read: `dommu check guest.cfg --cmdline "…"`',
});

const NO_MEMORY = cause({
  id: 'xen-out-of-memory',
  title: 'Xen had no memory left for tables',
  prior: 2,
  applies: (event) => named(event, 'map-failed', 'out-of-memory', 'panic') && !isOff(event),
  *weigh(event) {
    if (event.reason?.code === -12) yield shows('the errno is ENOMEM');
    if (named(event, 'out-of-memory')) yield shows('the line says so');
  },
  check: () => '`xl info | grep free_memory`; give dom0 less (`dom0_mem=`), so that Xen’s heap has more',
});

const UNIT_AT_FAULT = cause({
  id: 'unit-at-fault',
  title: 'a unit did not do what it was told in time: faulty, powered down, or not where the firmware says',
  prior: 3,
  applies: (event) => named(event, 'unit-failed'),
  *weigh(event, { facts }) {
    if (/^(?:f{8}|f{16})$/.test(event.details.cap ?? ''))
      yield shows('its registers read as all ones: nothing is there');
    if (facts.iommu?.value === 'disabled')
      yield hints(`the IOMMU was off afterwards (${where(facts.iommu)})`);
  },
  check: () =>
    'compare the unit’s address with the table (`dommu audit --acpi table.txt`) and with what Linux finds on bare metal; update the firmware',
});

/** What can be behind what is said while IOMMUs are set up and devices are moved. */
export const INIT_CAUSES: readonly CauseRule[] = [
  SET_UP_FAILED,
  BY_CHOICE,
  NOT_IN_FIRMWARE,
  INTERRUPTS_EXPOSED,
  FIRMWARE_WRONG,
  SHARED_REGION,
  ERRNO_SAYS,
  IO_APICS_DIFFER,
  OPTION_WRONG,
  UNIT_AT_FAULT,
  NO_MEMORY,
];
