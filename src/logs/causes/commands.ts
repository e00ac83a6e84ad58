import { hexValue } from '../values.js';
import type { CauseRule, JudgedEvent, World } from './cause.js';
import { driverOf, history, isArm, isXen, option, secondsSinceStart, where } from './log-world.js';
import { firstWith } from './of-log.js';
import { cause, doubts, excludes, hints, shows, suggests, supports } from './weigh.js';

/** What is behind commands to a unit, most of them invalidations, that fail or are not carried out in time. */

/** A device was told to drop what it remembers (ATS) and did not say that it has. (PCIe 6.0 §10.3.1) */
const DEVICE_SILENT = [
  'IOTLB_INV_TIMEOUT',
  'ITE',
  'ICE',
  'CERROR_ATC_INV_SYNC',
  'device-invalidation-slow',
  'device-invalidation-timeout',
];

/** The unit itself did not finish, or takes nothing more: of whatever it was that it waited for. */
const UNIT_WAITS = [
  'completion-wait-timeout',
  'command-buffer-full',
  'command-queue-timeout',
  'command-sync-timeout',
  'tlb-sync-timeout',
  'address-translation-timeout',
  'invalidation-timeout',
  'invalidation-slow',
  'invalidation-queue-full',
  'invalidation-failed',
  'unit-dead',
  'unit-failed',
  'IQE',
];

/** The unit read a command and refused it, or could not read it. */
const REFUSED = ['CERROR_ILL', 'ILLEGAL_COMMAND_ERROR', 'command-unknown', 'virtual-command-queue-error'];
const UNREADABLE = ['CERROR_ABT', 'COMMAND_HARDWARE_ERROR'];
const OVERFLOWS = ['log-overflow', 'page-request-overflow'];

const isCommand = ({ kind }: JudgedEvent): boolean => kind === 'command-error';
const has = (event: JudgedEvent, names: readonly string[]): boolean =>
  isCommand(event) && names.includes(event.reason?.name ?? '');

const isDeviceTimeout = (event: JudgedEvent): boolean => has(event, DEVICE_SILENT);

/** SMMUv3's register of global errors says that a queue stopped, and not why. (IHI 0070F §6.3.18, SMMU_GERROR.CMDQ_ERR) */
const isQueueStopped = (event: JudgedEvent): boolean =>
  isCommand(event) && /(?:^|\+)CMDQ_ERR/.test(event.reason?.name ?? '');

const waits = (event: JudgedEvent): boolean => has(event, UNIT_WAITS) || isQueueStopped(event);

/** Another event of the log in which a device did not answer. */
const silentDevice = (event: JudgedEvent, world: World): JudgedEvent | undefined =>
  firstWith(world, event, 'command-error', ...DEVICE_SILENT);

const named = ({ device, firstLine }: JudgedEvent): string =>
  device === null
    ? `a device did not answer (line ${firstLine})`
    : `${device} did not answer (line ${firstLine})`;

const DEVICE_TLB = cause({
  id: 'device-tlb-silent',
  title:
    'a device that keeps translations (ATS) does not answer when it is told to drop them: reset, powered down, gone, or with broken ATS',
  prior: 4,
  applies: (event) => isDeviceTimeout(event) || waits(event),
  *weigh(event, world) {
    const { facts } = world;
    if (!isDeviceTimeout(event)) {
      const silent = silentDevice(event, world);
      if (unreachable(event)) yield excludes('the unit’s own registers cannot be read');
      if (silent === undefined) yield excludes('the log has no device that did not answer');
      else yield supports(`${named(silent)}, and what is queued behind waits`);
      return;
    }
    if (event.reason?.name === 'IOTLB_INV_TIMEOUT')
      yield shows('the unit says that it is the device that did not answer');
    if (event.more.some((line) => /device-TLB invalidation/.test(line)))
      yield shows('the unit was carrying out a device-TLB invalidation');
    if (unreachable(event)) yield doubts('the unit’s own registers cannot be read');
    const asked = option(facts.xenCommandLine, /^ats(?:=|$)/);
    if (asked !== undefined) yield supports(`Xen’s command line switches ATS on (${where(asked)})`);
    const driver = driverOf(event, world);
    if (driver !== undefined && /vfio|pciback|pci-stub/.test(driver.value))
      yield suggests(
        `its driver is ${driver.value.replace(/^driver /, '')} (${where(driver)}): it was reset to be handed on`,
      );
    const last = history(event, world).at(-1);
    if (last !== undefined && last !== driver)
      yield hints(`the log says of the device: ${last.value} (${where(last)})`);
    const seconds = secondsSinceStart(event);
    if (seconds !== undefined && seconds < 30)
      yield hints(
        `it happens ${seconds.toFixed(1)} s after the start, when nobody has reset or removed it: its ATS seems not to work at all`,
      );
  },
  check: (event, world) => {
    const device = event.device ?? silentDevice(event, world)?.device ?? 'DEVICE';
    return isXen(event)
      ? `boot without \`ats\` on Xen’s command line; see whether the device was reset or taken out just before (\`lspci -vvs ${device}\`, ATSCtl)`
      : `boot with \`pci=noats\`: if it ends, Linux needs the device among those of quirk_no_ats, or the device newer firmware; see whether it was reset just before (vfio-pci) or fell off the bus (AER lines), and look at ATSCtl in \`lspci -vvs ${device}\``;
  },
});

/** `all ones` of VT-d's registers; a hardware pointer of SMMUv3's queue that went back to 0. */
const unreachable = ({ details }: JudgedEvent): boolean => /^all ones/.test(details.registers ?? '');
const startedOver = ({ details }: JudgedEvent): boolean =>
  hexValue(details.hwcons) === 0n && hexValue(details.hwprod) !== 0n && hexValue(details.hwprod) !== null;

const UNIT_GONE = cause({
  id: 'unit-unreachable',
  title:
    'the unit does not answer: it, or the bridge or chip in which it is, was reset, switched off or unbound',
  prior: 0,
  applies: (event) => isCommand(event) && (unreachable(event) || startedOver(event)),
  *weigh(event) {
    if (unreachable(event)) yield shows('its registers read as ones');
    if (startedOver(event))
      yield shows(
        `it has read nothing (hwcons ${event.details.hwcons}) of what the driver wrote up to ${event.details.hwprod}: it is switched off, or begins anew`,
      );
  },
  check: (event) =>
    isArm(event)
      ? 'see whether the SMMU’s driver was unbound or its power domain switched off just before; devices behind it must be stopped first'
      : 'look for what happened to a root port or to VMD just before; boot with `pcie_aspm=off`, and update the firmware',
});

const UNIT_STUCK = cause({
  id: 'invalidation-stuck',
  title:
    'a unit carries out no more invalidations: it stopped at a command that it refuses, or is stuck behind one',
  prior: 3,
  applies: (event) => waits(event) && !(isArm(event) && event.reason?.name === 'tlb-sync-timeout'),
  *weigh(event, world) {
    const silent = silentDevice(event, world);
    if (silent !== undefined) yield supports(`${named(silent)}, and what is queued behind waits`);
    const refused = firstWith(world, event, 'command-error', ...REFUSED, ...UNREADABLE);
    if (refused !== undefined) yield supports(`a command was not accepted (line ${refused.firstLine})`);
  },
  check: () =>
    'look at the lines before for a device that does not answer or a command that was refused; DMA goes on with translations that are gone until the unit is reset',
});

/** SMMUs stand in power domains, and wait for transactions of their masters: both are the platform's to keep going. */
const UNIT_UNPOWERED = cause({
  id: 'smmu-without-power',
  title:
    'the SMMU’s clock or power was switched off under its driver, or a master behind it hangs in a transaction that it must see through first',
  prior: 3,
  applies: (event) => isArm(event) && waits(event),
  *weigh(event, world) {
    if (event.reason?.name === 'tlb-sync-timeout')
      yield hints('an SMMUv1/2 waits with its sync for the transactions under way of all masters');
    const silent = silentDevice(event, world);
    if (silent !== undefined) yield doubts(`${named(silent)}: that is reason enough`);
  },
  check: () =>
    'boot once with `clk_ignore_unused pd_ignore_unused`: if it ends, the SMMU’s node lacks clocks or power-domains in the device tree; otherwise look for the master that hangs (its driver’s messages just before)',
});

const COMMAND_REFUSED = cause({
  id: 'command-refused',
  title:
    'the unit does not know a command or its operands: the driver takes it for one that can do more, or the queue’s memory was overwritten',
  prior: 3,
  applies: (event) => has(event, REFUSED),
  *weigh({ details }) {
    if (details.command !== undefined) yield shows(`the command is ${details.command}`);
  },
  check: () =>
    'compare the command with what the unit says it can do (its feature lines at the start); update the driver, and on a virtual machine its SMMU’s model; test the memory',
});

const QUEUE_UNREADABLE = cause({
  id: 'command-queue-unreadable',
  title:
    'the unit could not read its queue of commands in memory: memory that it does not reach, or bad memory',
  prior: 4,
  applies: (event) => has(event, UNREADABLE),
  *weigh() {},
  check: () =>
    'look for machine checks or RAS errors at the same time, test the memory, and see whether memory encryption or a firmware’s firewall keeps the unit out',
});

const EVENT_FLOOD = cause({
  id: 'event-flood',
  title: 'faults came faster than they were read, so that some are lost',
  prior: 4,
  applies: (event) => has(event, OVERFLOWS),
  *weigh(_, world) {
    const [most] = [...world.events.slice(0, 64)]
      .filter(({ kind }) => kind === 'dma-fault' || kind === 'interrupt-fault')
      .sort((a, b) => b.count - a.count);
    if (most !== undefined)
      yield supports(`${most.device ?? 'a device'} faults ${most.count} times (line ${most.firstLine})`);
  },
  check: () => 'mend what faults most; the loss itself does no harm',
});

export const COMMAND_CAUSES: readonly CauseRule[] = [
  UNIT_GONE,
  DEVICE_TLB,
  COMMAND_REFUSED,
  QUEUE_UNREADABLE,
  UNIT_STUCK,
  UNIT_UNPOWERED,
  EVENT_FLOOD,
];
