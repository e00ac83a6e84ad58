import { isNote } from '../forms/notes.js';
import type { CauseRule, JudgedEvent, World } from './cause.js';
import { where } from './log-world.js';
import { firstWith, ofLog, withReason } from './of-log.js';
import { cause, doubts, hints, opposes, settles, shows, suggests, supports } from './weigh.js';

/** What goes wrong where a device meets its guest: QEMU, pciback’s front end, interrupts; and lines that only pass on. */

const named = (event: JudgedEvent, ...names: readonly string[]): boolean =>
  event.kind === 'toolstack' && names.includes(event.reason?.name ?? '');

const GRAPHICS_AT = '0000:00:02.0';

export const TAKEN_FOR_GRAPHICS = cause({
  id: 'taken-for-graphics',
  title:
    'the device is no graphics card: QEMU sees it at address 00:02.0, by which alone it knows Intel’s graphics',
  prior: 1,
  applies: (event) => named(event, 'igd-passthru-needed'),
  *weigh(event) {
    const seen = event.details['address in the device model'];
    if (seen === GRAPHICS_AT && event.device !== GRAPHICS_AT)
      yield settles(
        `the host’s ${event.device} was given to QEMU as ${seen}: the addresses that a stub domain sees are its own`,
      );
    if (event.device === GRAPHICS_AT) yield opposes('the device is at 00:02.0 on the host');
  },
  check: () =>
    'let QEMU see the device at another address: list another device of the guest at this place in `pci=` (a stub domain counts them up from 00:00.0), or use QEMU in dom0, or a QEMU that looks at the device’s class',
});

export const GRAPHICS_OPTION = cause({
  id: 'gfx-passthru-missing',
  title: 'Intel’s integrated graphics is passed through without gfx_passthru',
  prior: 3,
  applies: (event) => named(event, 'igd-passthru-needed'),
  *weigh(event) {
    const seen = event.details['address in the device model'];
    if (seen !== undefined && event.device !== GRAPHICS_AT)
      yield opposes(`the host’s device is ${event.device}, which is not where integrated graphics is`);
    if (event.device === GRAPHICS_AT) yield shows('the device is at 00:02.0, where integrated graphics is');
  },
  check: () => 'add `gfx_passthru="igd"` to the config (HVM, QEMU upstream in dom0)',
});

export const QEMU_REFUSED = cause({
  id: 'qemu-refused',
  title:
    'QEMU could not take the device: where QEMU runs, the device is not in sysfs or its registers cannot be read',
  prior: 3,
  applies: (event) => named(event, 'dm-refused', 'dm-lost-device', 'dm-failed', 'dev-mem-locked'),
  *weigh(event, world) {
    const { said } = event.details;
    if (said !== undefined) yield shows(`QEMU said: ${said}`);
    const before = firstWith(
      world,
      event,
      'toolstack',
      'interrupt-refused',
      'bar-refused',
      'igd-passthru-needed',
    );
    if (before !== undefined)
      yield supports(`QEMU complains in line ${before.firstLine}, too: ${before.reason?.meaning}`);
  },
  check: () =>
    'read /var/log/xen/qemu-dm-GUEST.log (with a stub domain: its console log); is the device bound to pciback',
});

export const LOCKED_DOWN = cause({
  id: 'kernel-lockdown',
  title: 'dom0’s kernel is locked down (Secure Boot), and QEMU reads the MSI-X table through /dev/mem',
  prior: 1,
  applies: (event) => named(event, 'dm-refused', 'dev-mem-locked'),
  *weigh(event, world) {
    const [locked] = withReason(world, 'toolstack', 'dev-mem-locked');
    if (locked !== undefined) yield shows(`the kernel says so in line ${locked.firstLine}`);
    if (event.reason?.code === -1) yield supports('EPERM is what the kernel answers then');
  },
  check: () =>
    '`cat /sys/kernel/security/lockdown`; use a Xen of 4.19 or later (b2cd07a0447b) and a QEMU that goes with it, or switch Secure Boot off',
});

export const BACKEND_NOT_MADE = cause({
  id: 'libxl-waits-too-early',
  title:
    'a libxl that waits for the back end before it makes it: it cannot attach the first device to a running PV guest, or give a stub domain its device',
  prior: 4,
  applies: (event) => named(event, 'backend-missing'),
  *weigh() {},
  check: () =>
    'update libxl: 0fdb48ffe7a1 (4.15.0) brought it, 73ee2795aaef (4.17.0, 4.16.1, 4.15.2) mended it',
});

export const E820_HOST = cause({
  id: 'e820-host-missing',
  title: 'the PV guest has memory where the host has the device: its memory map must mirror the host’s',
  prior: 4,
  applies: (event) => named(event, 'bar-conflict', 'e820-host-failed'),
  *weigh(event, { config }) {
    const { other, conflict, bar } = event.details;
    if (other !== undefined && /RAM/.test(other))
      yield shows(`BAR ${bar} lies in ${other} [${conflict ?? ''}] of the guest`);
    if (event.details['device is'] !== undefined) yield supports('the front end gave the device up');
    if (config !== undefined && config.pci.length > 0)
      yield hints('with pci= in the config, xl sets e820_host for a PV guest by itself');
  },
  check: () =>
    'add `e820_host=1` to the config of the PV guest (libvirt: `<features><xen><e820_host state="on"/></xen></features>`) before it is created; a device that is attached later needs it from the start',
});

export const NO_BOUNCE_BUFFERS = cause({
  id: 'bounce-buffers-missing',
  title:
    'the PV guest’s kernel has no swiotlb, through which its devices reach memory that is not contiguous for them',
  prior: 4,
  applies: (event) => named(event, 'guest-without-swiotlb'),
  *weigh() {},
  check: () =>
    'add `swiotlb=force` or `iommu=soft` to the guest kernel’s command line, and give it some tens of MiB below 4 GiB',
});

export const GUEST_SILENT = cause({
  id: 'guest-did-not-answer',
  title: 'the guest has no driver for the front end or for hot-unplug, is still starting, or hangs',
  prior: 4,
  applies: (event) => named(event, 'backend-not-ready', 'dm-timeout'),
  *weigh(event, { facts }) {
    const told = typeof event.domain === 'number' ? facts.domains.get(event.domain) : undefined;
    const crashed = told?.find(({ value }) => value === 'crashed');
    if (crashed !== undefined) yield shows(`the guest crashed (${where(crashed)})`);
  },
  check: ({ domain }) =>
    `\`xl console ${domain ?? 'GUEST'}\`: does its kernel load pcifront (PV, xen-pcifront) or ACPI hotplug (HVM); \`xenstore-ls /local/domain/0/backend/pci\` shows in which state (4 is connected)`,
});

export const INTERRUPT_REFUSED = cause({
  id: 'interrupt-not-granted',
  title: 'the interrupt was refused: mapped already, not permitted for the guest, or not remappable',
  prior: 3,
  applies: (event) => named(event, 'interrupt-refused', 'interrupts-not-remapped'),
  *weigh(event, { facts }) {
    const remapping = facts.features.get('interrupt-remapping');
    if (remapping?.value === false)
      yield shows(`interrupts are not remapped on this machine (${where(remapping)})`);
    if (event.reason?.code === -114)
      yield shows('-114 is EALREADY: the driver asked for what it has, and goes on');
    if (event.reason?.code === -1)
      yield supports(
        'EPERM: the guest, or the stub domain in which QEMU runs, has no right to the interrupt',
      );
  },
  check: () =>
    '`xl debug-keys i` and `xl debug-keys M`, then `xl dmesg`; try the guest’s driver without MSI (`pci=nomsi`) to see whether MSI is at fault',
});

export const NOT_PERMISSIVE = cause({
  id: 'config-space-filtered',
  title:
    'the guest’s driver writes fields of the configuration space that are not let through; many drivers work all the same',
  prior: 4,
  applies: (event) => named(event, 'config-write-refused'),
  *weigh({ details }) {
    if (details.offset !== undefined) yield hints(`it is the field at ${details.offset}`);
  },
  check: ({ device }) =>
    `only if the device does not work: \`pci = [ '${device ?? 'DEVICE'},permissive=1' ]\`, which is unsafe with guests that are not trusted`,
});

export const RIGHT_MISSING = cause({
  id: 'resource-not-granted',
  title:
    'Xen did not give the right to the resource: it is Xen’s own, another guest’s, or the domain that asks may not give it',
  prior: 3,
  applies: (event) =>
    named(event, 'bar-refused', 'ports-refused', 'iomem-refused', 'memory-map-refused', 'permissive-failed'),
  *weigh(event, world) {
    if (event.reason?.code === -1)
      yield supports('EPERM: the caller has not the right itself, or XSM/FLASK refuses');
    if (event.reason?.code === -22) yield supports('EINVAL: the range is empty, too large, or not there');
    const xen = firstWith(world, event, 'memory', 'mmio-map-failed', 'p2m-move-refused', 'mmio-refused');
    if (xen !== undefined) yield shows(`Xen says in line ${xen.firstLine}: ${xen.reason?.meaning}`);
  },
  check: () =>
    '`xl dmesg | grep -e memory_map -e "not permitted"` with `loglvl=all`; `lspci -vv` for the ranges of the device',
});

/** What pcifront and the drivers behind it say of devices that have arrived. */
const ofFrontEnds = (events: readonly JudgedEvent[]): readonly JudgedEvent[] =>
  events.filter((one) => one.source === 'linux' && named(one, 'bar-conflict', 'interrupt-refused'));

export const PLAIN_START = cause({
  id: 'pci-comes-later',
  title:
    'nothing is wrong: a PV guest or stub domain has no PCI when it starts, and gets it from pcifront when devices are attached',
  prior: 3,
  applies: (event) => named(event, 'guest-without-pci'),
  *weigh(event, world) {
    const later = ofLog(world, ofFrontEnds).find(({ firstLine }) => firstLine > event.firstLine);
    if (later !== undefined) yield shows(`pcifront speaks of a device in line ${later.firstLine}`);
  },
  check: () => 'look for `pcifront pci-0: Installing PCI frontend` further down in the same console log',
});

export const NEVER_ATTACHED = cause({
  id: 'devices-not-attached',
  title: 'the devices were not attached to the domain, and what failed stands in dom0’s log',
  prior: 3,
  applies: (event) => named(event, 'guest-without-pci'),
  *weigh(event, world) {
    const failed = ofLog(world, ownErrors).find((one) => one !== event);
    if (failed !== undefined)
      yield shows(`libxl says in line ${failed.firstLine}: ${failed.reason?.meaning}`);
  },
  check: () =>
    'read /var/log/libvirt/libxl/libxl-driver.log or /var/log/xen/xl-GUEST.log of the same time; virtual functions (SR-IOV) need their physical function’s driver in dom0',
});

const PASSED_ON = [
  'domain-not-created',
  'device-not-added',
  'xenopsd-failure',
  'not-attached',
  'assignment-unknown',
];

/** The toolstack's errors that say themselves what failed. */
const ownErrors = (events: readonly JudgedEvent[]): readonly JudgedEvent[] =>
  events.filter(
    (one) =>
      one.kind === 'toolstack' &&
      one.source === 'xen' &&
      !named(one, ...PASSED_ON) &&
      !isNote(one.reason?.name ?? ''),
  );

/** The toolstack's own error that is nearest to a line which only passes on. */
function nearestError(event: JudgedEvent, world: World): JudgedEvent | undefined {
  let best: JudgedEvent | undefined;
  for (const one of ofLog(world, ownErrors)) {
    if (one === event) continue;
    const distance = Math.abs(one.firstLine - event.firstLine);
    if (best === undefined || distance < Math.abs(best.firstLine - event.firstLine)) best = one;
  }
  return best;
}

/** libxl's ERROR_TIMEDOUT (libxl.h). */
const TIMED_OUT = -9;

export const DEVICE_MODEL_SILENT = cause({
  id: 'device-model-timeout',
  title:
    'the device model (QEMU, perhaps in a stub domain) did not take the device in time: it hangs, or its own PCI front end was not ready',
  prior: 3,
  applies: (event) => named(event, 'device-not-added') && event.reason?.code === TIMED_OUT,
  *weigh() {
    yield suggests('rc -9 is ERROR_TIMEDOUT: libxl gave up waiting for an answer');
  },
  check: ({ domain }) =>
    `read /var/log/xen/qemu-dm-*.log and the stub domain’s console of the same time${domain === null ? '' : ` (domain ${domain})`}; give one device only, then the next: where each works alone, libxl asks before the stub domain’s pcifront has the device (then try again, or update)`,
});

export const SAID_ELSEWHERE = cause({
  id: 'reason-in-another-line',
  title: 'the line only passes on that something failed; what it was, another line says',
  prior: 3,
  applies: (event) => named(event, ...PASSED_ON),
  *weigh(event, world) {
    const error = nearestError(event, world);
    if (error !== undefined) {
      const who = error.device === null ? '' : ` (${error.device})`;
      yield settles(`line ${error.firstLine}: ${error.reason?.meaning}${who}`);
    } else yield doubts('no such line is in this log');
  },
  check: (event, world) => {
    const error = nearestError(event, world);
    if (error !== undefined) return `see what is said of line ${error.firstLine}`;
    return named(event, 'xenopsd-failure')
      ? 'read the whole line and what is around it in /var/log/xensource.log and /var/log/daemon.log (xenguest, qemu-dm-DOMID); `xl dmesg` for what Xen refused'
      : 'read libxl’s own log of the same time: /var/log/libvirt/libxl/libxl-driver.log, or `xl -vvv create guest.cfg`';
  },
});

export const LINE_SHARED = cause({
  id: 'interrupt-line-shared',
  title: 'two domains’ devices share an interrupt line, or the interrupts are used up',
  prior: 4,
  applies: (event) => named(event, 'interrupt-shared', 'interrupts-exhausted'),
  *weigh({ details }) {
    if (details.why !== undefined) yield shows(`Xen says: ${details.why}`);
  },
  check: () =>
    'use a driver with MSI in the guest, give devices of one line to one guest, or put the card into another slot; `extra_guest_irqs=` of Xen raises the number',
});

export const TABLE_WRITABLE = cause({
  id: 'msix-table-writable',
  title:
    'the MSI-X table shares a page with registers that the guest has mapped, or was mapped before Xen knew of MSI-X',
  prior: 4,
  applies: (event) => named(event, 'msix-exposed'),
  *weigh(_, { facts }) {
    const remapping = facts.features.get('interrupt-remapping');
    if (remapping?.value === true)
      yield hints(`interrupt remapping limits what it can do with that (${where(remapping)})`);
  },
  check: () => 'do not give this device to guests that are not trusted, where interrupts are not remapped',
});

/** What can be behind what goes wrong between a device and its guest. */
export const DEVICE_MODEL_CAUSES: readonly CauseRule[] = [
  TAKEN_FOR_GRAPHICS,
  GRAPHICS_OPTION,
  LOCKED_DOWN,
  QEMU_REFUSED,
  BACKEND_NOT_MADE,
  E820_HOST,
  NO_BOUNCE_BUFFERS,
  GUEST_SILENT,
  INTERRUPT_REFUSED,
  NOT_PERMISSIVE,
  RIGHT_MISSING,
  PLAIN_START,
  NEVER_ATTACHED,
  DEVICE_MODEL_SILENT,
  SAID_ELSEWHERE,
  LINE_SHARED,
  TABLE_WRITABLE,
];
