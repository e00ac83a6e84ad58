import { hex } from '../../text/hex.js';
import type { NamedRange } from '../facts.js';
import type { JudgedEvent, World } from './cause.js';
import { mayBeAbsent } from './fault-nature.js';
import {
  behaves,
  configHas,
  driverOf,
  isFor,
  isUsable,
  isX86,
  isXen,
  listItem,
  option,
  others,
  ownerOf,
  rangeAt,
  rangeText,
  releaseSaid,
  slotOf,
  strideFrom,
  where,
} from './log-world.js';
import { cause, doubts, excludes, hints, opposes, settles, shows, suggests, supports } from './weigh.js';
import { indexOf } from './world-index.js';

const MIB = 1n << 20n;
const GIB4 = 1n << 32n;

/** `rmrr=0x8c=0000:01:00.0`, for Xen's command line: page numbers, and the device. */
function reservedOption({ unit, address, device }: JudgedEvent): string {
  const page = address === null ? 'FIRST-LAST' : hex(address >> 12n);
  return `${unit === 'amdvi' ? 'ivmd' : 'rmrr'}=${page}=${device ?? 'DEVICE'}`;
}

const owners = (range: NamedRange): string =>
  range.devices.length === 0 ? 'no device' : range.devices.join(', ');

/** How many pages around an address are looked at for a region: firmware's buffers stand close together. */
const PAGES_AROUND = 16n;

/** A declared region close to an address. */
function regionNear(address: bigint, world: World): NamedRange | undefined {
  const { reservedRegions } = world.facts;
  for (let page = 1n; page <= PAGES_AROUND && reservedRegions.length > 0; page++) {
    const near =
      rangeAt(world, reservedRegions, address + (page << 12n)) ??
      rangeAt(world, reservedRegions, address - (page << 12n));
    if (near !== undefined) return near;
  }
  return undefined;
}

/** A few of the devices that a region is for. */
function someOwners(range: NamedRange): string {
  if (range.devices.length === 0) return 'no device that is named';
  const [shown, more] = [range.devices.slice(0, 4).join(', '), range.devices.length - 4];
  return more > 0 ? `${shown} and ${more} more` : shown;
}

/** Memory that firmware lets a device use behind the system’s back, without saying so. */
export const REGION_MISSING = cause({
  id: 'reserved-region-missing',
  title: 'the device uses memory of the firmware’s for which no reserved region (RMRR, IVMD) is declared',
  prior: 2,
  applies: (event) =>
    event.kind === 'dma-fault' &&
    isX86(event) &&
    mayBeAbsent(event) &&
    event.address !== null &&
    event.address >= 4096n,
  *weigh(event, world) {
    const { facts } = world;
    const address = event.address!;
    const region = rangeAt(world, facts.reservedRegions, address);
    if (region !== undefined && isFor(region, event.device))
      yield excludes(`firmware does declare it: ${rangeText(region)} (${where(region)})`);
    if (region !== undefined && !isFor(region, event.device))
      yield excludes(`firmware declares it for others: ${rangeText(region)} (${where(region)})`);
    const close = region === undefined ? regionNear(address, world) : undefined;
    if (close !== undefined)
      yield supports(
        `a region close by, ${rangeText(close)}, is declared for ${someOwners(close)} (${where(close)}): it seems to be too small, or to leave ${event.device ?? 'the device'} out`,
      );
    const range = rangeAt(world, facts.e820, address);
    if (address < MIB)
      yield supports(`${hex(address)} lies below 1 MiB, where firmware and option ROMs keep their buffers`);
    else if (range !== undefined && isUsable(range.what))
      yield opposes(`${hex(address)} is ordinary memory, ${rangeText(range)} (${where(range)})`);
    if (range !== undefined && !isUsable(range.what))
      yield supports(
        `${hex(address)} is ${range.what} in the firmware’s memory map, ${rangeText(range)} (${where(range)})`,
      );
    if (range === undefined && facts.e820.length > 0 && address < GIB4 && address >= MIB)
      yield hints(`${hex(address)} is in no range of the memory map: graphics memory or registers`);
    yield* dom0Table(event, world, range);
    const owner = ownerOf(event, world);
    if (owner.who === 'guest')
      yield opposes(`${owner.because}: what a guest’s driver makes of addresses is likelier than firmware`);
    if (event.count > 1 && others(event, world)?.count === 1)
      yield hints(`it is always the same address, ${event.count} times`);
    if (event.unit === 'vtd' && /^0000:00:(?:1a|1d|14)\.0$/.test(event.device ?? ''))
      yield suggests(
        `${event.device} is a USB controller of Intel’s chipsets, which firmware drives for keyboards and debugging`,
      );
    if (event.unit === 'vtd' && event.device === '0000:00:1e.0')
      yield suggests(
        '0000:00:1e.0 is the bridge of Intel’s chipsets to old PCI, which speaks for what is behind it: on servers the remote management, which shares memory with firmware',
      );
    const driver = driverOf(event, world);
    if (driver !== undefined && /[uoex]hci/.test(driver.value))
      yield hints(
        `it is a USB controller (${driver.value}, ${where(driver)}), which firmware drives for keyboards`,
      );
    if (facts.firmwareComplaints.length > 0)
      yield hints(`the firmware’s tables are complained of in ${where(facts.firmwareComplaints[0]!)}`);
  },
  check: (event) =>
    isXen(event)
      ? `add \`${reservedOption(event)}\` to Xen’s command line (the numbers are pages; 4.7 and later), which maps it for the device, and report it to the firmware’s maker`
      : `look at the regions of \`dmesg | grep -i -e rmrr -e ivmd\` and the device’s settings in the firmware (legacy USB, option ROM, network boot, management); ${event.device ?? 'the device'}’s driver should reset it first`,
});

/** What dom0's own table has of memory that is no RAM, by release and options (dossier §3.6). */
function* dom0Table(event: JudgedEvent, world: World, range: NamedRange | undefined) {
  const { facts } = world;
  if (!isXen(event) || ownerOf(event, world).who !== 'dom0') return;
  const asked = option(facts.xenCommandLine, /^(?:dom0-iommu=|iommu_inclusive_mapping)/);
  const inclusive = listItem(asked?.value, 'map-inclusive');
  if (inclusive === true) {
    yield opposes(`${asked!.value} (${where(asked!)}): all below 4 GiB is mapped for dom0`);
    return;
  }
  const reserved = range !== undefined && /reserved/i.test(range.what);
  if (
    reserved &&
    behaves(world, ({ hwdomMap }) => hwdomMap !== 'ram-and-inclusive') &&
    listItem(asked?.value, 'map-reserved') !== false
  )
    yield opposes(`${releaseSaid(world)}, which maps reserved memory for dom0 unless told otherwise`);
  else if (
    behaves(world, ({ hwdomInclusiveDefault }) => hwdomInclusiveDefault === 'off') &&
    event.address! < GIB4 &&
    !reserved
  )
    yield suggests(
      `${releaseSaid(world)}: since 4.12 (b7e8dee07c) dom0’s table no longer has everything below 4 GiB`,
    );
}

/** All of the regions at an address; several may overlap. */
const regionsAt = (event: JudgedEvent, world: World): readonly NamedRange[] => {
  const { address } = event;
  if (address === null || rangeAt(world, world.facts.reservedRegions, address) === undefined) return [];
  return indexOf(world).once(`regions at ${hex(address)}`, () =>
    world.facts.reservedRegions.filter(({ start, end }) => start <= address && address < end),
  );
};

/** A declared region that the faulting device is not named for. */
export const REGION_OF_ANOTHER = cause({
  id: 'reserved-region-of-another',
  title:
    'the address is in a reserved region (RMRR, IVMD) that firmware declares for other devices only: it is shared, or the table’s scope is wrong',
  prior: 1,
  applies: (event, world) => {
    if (event.kind !== 'dma-fault' || !mayBeAbsent(event)) return false;
    const regions = regionsAt(event, world);
    return regions.length > 0 && !regions.some((region) => isFor(region, event.device));
  },
  *weigh(event, world) {
    const [region] = regionsAt(event, world);
    yield settles(
      `${hex(event.address!)} is in ${rangeText(region!)}, declared for ${someOwners(region!)} (${where(region!)}), and not for ${event.device ?? 'the device'}`,
    );
    const slot = slotOf(event.device);
    if (slot !== null && region!.devices.some((one) => slotOf(one) === slot))
      yield supports(
        `the region is for other functions of the same card: ${event.device} may be one that is switched off, or a phantom one`,
      );
    if (ownerOf(event, world).who === 'guest') yield doubts(ownerOf(event, world).because);
  },
  check: (event, world) => {
    const [region] = regionsAt(event, world);
    const stride = strideFrom(event, region?.devices ?? []);
    if (isXen(event) && stride !== undefined)
      return `see with \`lspci -D\` whether ${event.device} is a device at all; if it is not, boot with \`pci-phantom=${slotOf(event.device)!.replace(/^0000:/, '')},${stride}\`, with which it gets the tables, and regions, of the function ${stride} below it`;
    return isXen(event)
      ? `add \`${reservedOption(event)}\` to Xen’s command line (the numbers are pages; Xen must know ${event.device ?? 'the device'} as a device), and have the firmware’s table looked at: \`dommu audit --acpi\``
      : `have the firmware’s table looked at (\`dommu audit --acpi\`), and see whether ${event.device ?? 'the device'} and ${someOwners(region!)} are parts of one: management controllers, functions that are switched off`;
  },
});

/** A declared region that is not in the table of the domain that has the device (dossier §6.4, §12 T9). */
export const REGION_NOT_MAPPED = cause({
  id: 'reserved-region-not-mapped',
  title:
    'the device uses its reserved region (RMRR, IVMD), which the domain that has it does not have mapped',
  prior: 0,
  applies: (event, world) =>
    event.kind === 'dma-fault' &&
    mayBeAbsent(event) &&
    rangeAt(world, world.facts.reservedRegions, event.address) !== undefined,
  *weigh(event, world) {
    const { facts, config } = world;
    const region = rangeAt(world, facts.reservedRegions, event.address)!;
    if (!isFor(region, event.device)) {
      yield excludes(`the region is ${owners(region)}’s, not this device’s`);
      return;
    }
    yield shows(
      `${hex(event.address!)} is in ${rangeText(region)}, declared for ${owners(region)} (${where(region)})`,
    );
    if (config !== undefined && configHas(event, world)) {
      const relaxed =
        config.pci.some(({ rdmPolicy }) => rdmPolicy === 'relaxed') || config.rdm.policy === 'relaxed';
      if (relaxed)
        yield supports(
          'the config says rdm_policy relaxed: where the guest has memory at the region, it is left unmapped',
        );
      else
        yield doubts(
          'the config’s policy is strict: the device would not have been assigned without its region',
        );
      if (config.rdm.strategy === 'host')
        yield doubts('rdm = "strategy=host" keeps the guest’s memory out of all regions');
    }
    if (ownerOf(event, world).who === 'quarantine') yield suggests(ownerOf(event, world).because);
  },
  check: (event, { config }) =>
    config === undefined
      ? `find the region among \`xl dmesg | grep -i rmrr\`, and whether the guest of ${event.device ?? 'the device'} was started with rdm policy relaxed (give its config with --config)`
      : 'set `rdm = "strategy=host,policy=strict"` in the config: the guest’s memory then keeps out of the region, or the guest does not start and says why',
});

/** Room for the trampoline and its stack below the top of low memory (arch/x86/boot/head.S). */
const TRAMPOLINE = 0x1_0000n;

/** Where Xen puts its trampoline on a machine that booted by BIOS: 64 KiB below the top of low memory, down to a page. */
export function trampolineAt(world: World): bigint | undefined {
  return indexOf(world).once(trampolineAt, () => {
    const low = world.facts.e820.filter(({ what, end }) => isUsable(what) && end <= 0xa_0000n);
    const top = low.reduce((end, range) => (range.end > end ? range.end : end), 0n);
    return top <= TRAMPOLINE ? undefined : ((top - TRAMPOLINE) >> 12n) << 12n;
  });
}

/** Xen keeps its own memory out of every device's reach (xen_in_range, arch/x86/setup.c; dossier §10 I14). */
export const XEN_MEMORY = cause({
  id: 'xen-own-memory',
  title:
    'the address is Xen’s own memory, which Xen maps for no device: something set the device up before Xen came there',
  prior: 0,
  applies: (event) =>
    event.kind === 'dma-fault' &&
    isXen(event) &&
    isX86(event) &&
    mayBeAbsent(event) &&
    event.address !== null,
  *weigh(event, world) {
    const address = event.address!;
    const trampoline = trampolineAt(world);
    if (trampoline !== undefined && address >= trampoline && address < trampoline + TRAMPOLINE) {
      const [range] = world.facts.e820.filter(({ end }) => ((end - TRAMPOLINE) >> 12n) << 12n === trampoline);
      yield shows(
        `low memory ends at ${hex(range?.end ?? trampoline + TRAMPOLINE)} (${range === undefined ? 'memory map' : where(range)}), so that Xen’s trampoline is at ${hex(trampoline)}: Xen leaves it out of dom0’s table`,
      );
    } else if (
      trampoline === undefined &&
      world.facts.e820.length === 0 &&
      address >= 0x8_c000n &&
      address < 0xa_0000n
    )
      yield hints(
        'Xen’s trampoline is usually at 0x8c000 or a little above, 64 KiB below the end of low memory; without the memory map in the log it cannot be told',
      );
    const range = rangeAt(world, world.facts.e820, address);
    const image = range !== undefined && /xen/i.test(range.what) ? range : undefined;
    if (image !== undefined) yield shows(`${hex(address)} is ${image.what} (${where(image)})`);
  },
  check: (event) =>
    `find what ${event.device ?? 'the device'} did before Xen started: switch network boot and its option ROM off in the firmware, or disable the device in the boot loader`,
});
