import type { CauseRule, JudgedEvent } from './cause.js';
import { where } from './log-world.js';
import { withReason } from './of-log.js';
import { cause, doubts, hints, shows, supports } from './weigh.js';

/** What is wrong with a device itself, or where it stands in the machine, before a guest has it: resets, groups, power. */

const named = (event: JudgedEvent, ...names: readonly string[]): boolean =>
  event.kind === 'toolstack' && names.includes(event.reason?.name ?? '');

export const BUSY_AT_RESET = cause({
  id: 'device-busy-at-reset',
  title: 'the device was at work, or its link was down, when it was reset for pciback',
  prior: 4,
  applies: (event) => named(event, 'reset-while-busy', 'reset-failed'),
  *weigh(event, { facts }) {
    const told = event.device === null ? undefined : facts.devices.get(event.device);
    const hidden = told?.find(({ value }) => /hid/.test(value));
    if (hidden !== undefined) yield supports(`${hidden.value} (${where(hidden)})`);
  },
  check: ({ device }) =>
    `\`lspci -vvv -s ${device ?? 'DEVICE'} | grep TransPend\`; is it a device that dom0 or the firmware uses (its disks, its console)? then do not hide it`,
});

export const GROUP = cause({
  id: 'iommu-group-shared',
  title: 'devices that the IOMMU cannot tell apart are still in the host’s use',
  prior: 4,
  applies: (event) => named(event, 'group-not-viable'),
  *weigh({ details }) {
    if (details.group !== undefined) yield hints(`it is group ${details.group}`);
  },
  check: ({ details }) =>
    `\`ls /sys/kernel/iommu_groups/${details.group ?? '*'}/devices\`, and bind all of them to vfio-pci (bridges may stay)`,
});

export const NO_IOMMU_FOR_VFIO = cause({
  id: 'linux-iommu-off',
  title: 'Linux has no IOMMU in use',
  prior: 3,
  applies: (event) => event.source === 'linux' && named(event, 'no-iommu'),
  *weigh(_, { facts }) {
    if (facts.xen !== null)
      yield shows(`this is a dom0: Xen has the IOMMU (${where(facts.xen)}), and VFIO does not work under it`);
    if (/(?:intel|amd)_iommu=on/.test(facts.linuxCommandLine?.value ?? ''))
      yield doubts('Linux was asked to use it');
  },
  check: () =>
    '`dmesg | grep -i -e DMAR -e AMD-Vi`; `intel_iommu=on` on Linux’s command line; VT-d or IOMMU in the firmware. Under Xen use pciback instead',
});

export const CANNOT_BE_RESET = cause({
  id: 'device-without-reset',
  title: 'the device has no reset of its own, and other devices stand on its bus',
  prior: 4,
  applies: (event) => named(event, 'reset-unavailable'),
  *weigh({ details }) {
    if (/Active|bus reset/.test(details.said ?? '')) yield shows(`libvirt says: ${details.said}`);
  },
  check: ({ device }) =>
    `\`lspci -vvv -s ${device ?? 'DEVICE'} | grep FLReset\`; give all functions of the card to the same guest; or do without (Qubes: \`qvm-pci attach --option no-strict-reset=True\`), whereby the next owner gets the device as the last one left it`,
});

export const DEVICE_GONE = cause({
  id: 'device-does-not-answer',
  title: 'the device is powered down or did not survive a reset; its registers read as all ones',
  prior: 4,
  applies: (event) => named(event, 'device-inaccessible'),
  *weigh({ details }) {
    if (details.from === 'D3cold') yield shows('it is in D3cold: without power');
  },
  check: ({ device }) =>
    `keep it awake (\`echo 0 > /sys/bus/pci/devices/${device ?? 'DEVICE'}/d3cold_allowed\`, \`pcie_aspm=off\`), bind it to pciback or vfio-pci from the start, and switch the host off in between: some cards come back by nothing else`,
});

export const XEN_NOT_TOLD = cause({
  id: 'xen-refused-device',
  title:
    'Xen refused the device when dom0 told of it: no IOMMU unit covers it, its physical function is unknown, or (on Arm) this Xen has no PCI passthrough',
  prior: 4,
  applies: (event) => named(event, 'device-not-told-to-xen'),
  *weigh({ device }, world) {
    const xen = withReason(world, 'init', 'device-failed').find(
      (one) => one.source === 'xen' && one.device === device,
    );
    if (xen !== undefined) yield shows(`Xen says in line ${xen.firstLine}: ${xen.reason?.meaning}`);
  },
  check: () =>
    '`xl dmesg | grep -e "IOMMU: add" -e PHYSDEVOP`; on Arm it is usual, and harmless as long as the device stays in dom0',
});

export const ACS = cause({
  id: 'acs-missing',
  title:
    'the switch before the device does not redirect requests to the root (no ACS), so that devices behind it reach each other unseen',
  prior: 4,
  applies: (event) => named(event, 'acs-missing'),
  *weigh() {},
  check: () =>
    'put the card into another slot, give all devices behind the switch to one guest, or allow it (libvirt: relaxed_acs_check = 1 in qemu.conf)',
});

/** What can be behind a device that cannot be reset, told apart from others, or does not answer. */
export const DEVICE_RESET_CAUSES: readonly CauseRule[] = [
  BUSY_AT_RESET,
  GROUP,
  NO_IOMMU_FOR_VFIO,
  CANNOT_BE_RESET,
  DEVICE_GONE,
  XEN_NOT_TOLD,
  ACS,
];
