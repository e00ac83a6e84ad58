import type { Said } from '../facts.js';
import type { JudgedEvent, World } from './cause.js';
import { accessOf, mayBeAbsent, natureOf } from './fault-nature.js';
import { chipsetSender, isNotAdmitted } from './interrupts.js';
import {
  driverOf,
  functionOf,
  history,
  isArm,
  isX86,
  isXen,
  ofKind,
  option,
  ownerOf,
  secondsSinceStart,
  slotOf,
  spanOfFailure,
  spanText,
  strideFrom,
  where,
} from './log-world.js';
import { cause, doubts, hints, opposes, shows, suggests, supports } from './weigh.js';
import { indexOf } from './world-index.js';

/** Complaints that are about which unit serves which device, and not about some other of firmware's bugs. */
const ABOUT_TABLES = /DMAR|DRHD|scope|RMRR|IVRS|IVHD|IVMD|IORT|ACPI|table/i;

/** The numbers that the IVRS table gives IO-APICs, as Xen prints them with iommu=debug. */
const ivrsIoApics = (world: World): readonly Said<string>[] =>
  indexOf(world).once(ivrsIoApics, () =>
    [...world.facts.other].filter(([name]) => name.startsWith('ivrs-io-apic-')).map(([, said]) => said),
  );

/** The firmware's tables say which unit serves which device (DMAR scopes, IVHD entries, IORT mappings). */
export const FIRMWARE_TABLES = cause({
  id: 'firmware-tables',
  title:
    'the firmware’s table of IOMMUs (DMAR, IVRS, IORT) is wrong: it leaves this device out or gives it to another unit',
  prior: 1,
  applies: (event) =>
    (event.kind === 'dma-fault' || event.kind === 'interrupt-fault') &&
    ['no-context', 'stream-unknown', 'bad-entry', 'interrupt'].includes(natureOf(event)),
  *weigh(event, world) {
    const { facts } = world;
    const { device } = event;
    const named = facts.firmwareComplaints.find(
      ({ value }) => device !== null && value.includes(device.replace(/^0000:/, '')),
    );
    const first = facts.firmwareComplaints.find(({ value }) => ABOUT_TABLES.test(value));
    if (named !== undefined)
      yield shows(
        `the log complains of the tables about this very device: “${named.value}” (${where(named)})`,
      );
    else if (first !== undefined)
      yield supports(`the log complains of the firmware’s tables: “${first.value}” (${where(first)})`);
    const wrong = ofKind('init', world).find(
      ({ reason }) =>
        /firmware-bug|rmrr-invalid/.test(reason?.name ?? '') && ABOUT_TABLES.test(reason!.meaning),
    );
    if (wrong !== undefined && first === undefined)
      yield supports(`the log complains of the firmware’s tables (line ${wrong.firstLine})`);
    const sender = chipsetSender(event);
    if (natureOf(event) === 'interrupt' && sender !== undefined)
      yield suggests(`${device} is where ${sender} send interrupts from: the table must name it for them`);
    const ioApics = natureOf(event) === 'interrupt' && event.unit === 'amdvi' ? ivrsIoApics(world) : [];
    if (sender !== undefined && ioApics.length > 0 && ioApics.every(({ value }) => value !== device))
      yield shows(
        `the IVRS gives no IO-APIC as ${device}, but ${ioApics
          .slice(0, 4)
          .map(({ value, line }) => `one as ${value} (line ${line})`)
          .join(', ')}`,
      );
    if (isNotAdmitted(event))
      yield shows(
        `no interrupts are admitted from ${device ?? 'the requester'} at all: for the system, nothing sends any there`,
      );
    if (natureOf(event) === 'no-context' && event.reason?.code === 1)
      yield hints('no device of its bus has an entry: perhaps the tables name no device of this bus');
  },
  check: (event) =>
    `dump the table (\`acpidump -n ${event.unit === 'amdvi' ? 'IVRS' : isArm(event) ? 'IORT' : 'DMAR'} > table.txt\`) and have it looked at: \`dommu audit --acpi table.txt\`; then look for a firmware update`,
});

/** Devices that reserved regions are declared for, by their slots. */
const namedForRegions = (world: World): ReadonlyMap<string | null, readonly string[]> =>
  indexOf(world).once(namedForRegions, () => {
    const slots = new Map<string | null, string[]>();
    for (const device of world.facts.reservedRegions.flatMap(({ devices }) => devices)) {
      const named = slots.get(slotOf(device));
      if (named === undefined) slots.set(slotOf(device), [device]);
      else named.push(device);
    }
    return slots;
  });

/** Other functions of the event's card that the log knows, as devices or by a region that firmware declares for them. */
const siblingsOf = (event: JudgedEvent, world: World): readonly string[] => {
  const slot = slotOf(event.device)!;
  const known = indexOf(world)
    .slot(slot)
    .filter((one) => one !== event.device);
  return known.length > 0 ? known : (namedForRegions(world).get(slot) ?? []);
};

/** A requester that no device of the machine is: a phantom function, or a bridge that speaks in its own name. */
export const PHANTOM_FUNCTION = cause({
  id: 'phantom-function',
  title:
    'the device makes requests under another function’s number, or a bridge makes them for it, and that number has no tables',
  prior: 1,
  applies: (event) =>
    (event.kind === 'dma-fault' || event.kind === 'interrupt-fault') &&
    functionOf(event.device) !== null &&
    ['no-context', 'interrupt', 'unknown', 'not-mapped', 'refused'].includes(natureOf(event)),
  *weigh(event, world) {
    const { facts } = world;
    const slot = slotOf(event.device)!;
    const known = history(event, world).filter(({ value }) => !/^named in /.test(value));
    const siblings = indexOf(world)
      .slot(slot)
      .filter((one) => one !== event.device);
    if (known.length > 0) yield opposes(`the log knows ${event.device} as a device (${where(known[0]!)})`);
    else if (siblings.length > 0)
      yield supports(
        `the log knows ${siblings.slice(0, 4).join(', ')} of the same card, but no ${event.device}`,
      );
    else if (
      ['no-context', 'unknown'].includes(natureOf(event)) &&
      namedForRegions(world).get(slot)?.includes(event.device!) === false
    )
      yield shows(
        `firmware names other functions of the same card (for a reserved region), but not ${event.device}`,
      );
    if (natureOf(event) === 'no-context') {
      if (functionOf(event.device) !== 0 && known.length === 0)
        yield supports(`function ${functionOf(event.device)} has no tables, as one that is no device’s`);
      if (/:00\.0$/.test(event.device!) && !/^0000:00:/.test(event.device!) && known.length === 0)
        yield hints(
          `${event.device} can be the number with which a PCIe-to-PCI bridge stands in for what is behind it`,
        );
    }
    const asked = option(facts.xenCommandLine, /^pci-phantom=/);
    if (asked?.value.includes(slot.replace(/^0000:/, '')))
      yield opposes(`${asked.value} (${where(asked)}): Xen knows of its phantom functions`);
  },
  check: (event, world) => {
    const slot = slotOf(event.device)?.replace(/^0000:/, '') ?? 'BUS:DEVICE';
    const stride = strideFrom(event, siblingsOf(event, world)) ?? 1;
    return isXen(event)
      ? `see with \`lspci -D\` whether ${event.device} is a device; if it is not, boot with \`pci-phantom=${slot},${stride}\`, which has Xen give the card’s other functions the same tables`
      : `see with \`lspci -D -t\` whether ${event.device} is a device or what bridge leads to it; Linux knows such cards by quirk_dma_func1_alias and its like (drivers/pci/quirks.c)`;
  },
});

/** What firmware, a boot loader or the kernel before this one started, and nobody stopped. */
export const LEFT_RUNNING = cause({
  id: 'dma-left-running',
  title:
    'firmware, the boot loader or a kernel before this one left the device running, and it goes on while the IOMMU is set up',
  prior: 1,
  applies: (event) =>
    event.kind === 'dma-fault' &&
    (natureOf(event) === 'no-context' || mayBeAbsent(event)) &&
    event.address !== 0n,
  *weigh(event, world) {
    const { facts } = world;
    const driver = driverOf(event, world);
    const nature = natureOf(event);
    if (nature === 'no-context' && event.reason?.code === 1 && isX86(event))
      yield supports(
        'the root entry of its bus is absent: no device of the bus had been set up when translation began',
      );
    else if (nature === 'no-context' && !isXen(event))
      yield suggests('its context entry is absent: no driver of this kernel had set the device up');
    const seconds = secondsSinceStart(event);
    if (seconds !== undefined && seconds < 5)
      yield suggests(`it happens ${seconds.toFixed(2)} s after the start, before most drivers`);
    else if (seconds !== undefined && seconds > 60)
      yield opposes(`it happens ${seconds.toFixed(0)} s after the start`);
    const span = spanOfFailure(event);
    const early = seconds !== undefined && seconds < 5;
    if (early && !isXen(event) && nature === 'not-mapped' && span !== undefined && span >= 1n << 30n)
      yield supports(
        `nothing is mapped in the ${spanText(span)} around it: no driver has mapped anything yet`,
      );
    const kdump = option(facts.linuxCommandLine, /^elfcorehdr=|^irqpoll$/);
    if (kdump !== undefined)
      yield supports(
        `this is a kernel after a crash (${kdump.value}, ${where(kdump)}): devices still do what the last one told them`,
      );
    if (driver !== undefined && driver.line < event.firstLine)
      yield opposes(`a driver already had it: ${driver.value} (${where(driver)})`);
    else if (driver !== undefined)
      yield suggests(`its driver comes later: ${driver.value} (${where(driver)})`);
    if (ownerOf(event, world).who === 'guest') yield opposes(ownerOf(event, world).because);
    if (ownerOf(event, world).who === 'quarantine') yield doubts(ownerOf(event, world).because);
    if (accessOf(event) === 'read' && event.device === '0000:00:02.0')
      yield hints('a graphics device goes on reading the picture that firmware put on the screen');
    if (event.count > 1000) yield doubts(`${event.count} times: a driver would have stopped it by then`);
  },
  check: (event) =>
    `see whether it stops once the driver of ${event.device ?? 'the device'} is loaded; in the firmware, switch off what uses it before the system does (network boot, boot logo, legacy USB), or switch on DMA protection before boot, which makes firmware clear bus mastering`,
});

/** Rules of causes that rest on what the machine's firmware says. */
export const FIRMWARE_CAUSES = [FIRMWARE_TABLES, PHANTOM_FUNCTION, LEFT_RUNNING];
