import { hex } from '../../text/hex.js';
import type { JudgedEvent } from './cause.js';
import { accessOf, mayBeAbsent, mayBeDenied, natureOf } from './fault-nature.js';
import { addressesOf, driverOf, isLinuxIova, isUsable, isXen, option, rangeAt, where } from './log-world.js';
import { cause, doubts, excludes, hints, opposes, settles, shows, suggests, supports } from './weigh.js';

const PAGE = 4096n;

/** Address 0, or the page at it: a pointer that nobody filled in. */
export const NULL_ADDRESS = cause({
  id: 'null-address',
  title: 'a pointer in a descriptor or command was never filled in: the device goes to address 0',
  prior: 0,
  applies: ({ kind, address }) => kind === 'dma-fault' && address !== null && address < PAGE,
  *weigh(event, world) {
    const access = accessOf(event);
    if (natureOf(event) === 'no-context' || natureOf(event) === 'stream-unknown') {
      yield doubts('the device has no tables at all, so that any address would fault');
      return;
    }
    yield shows(
      `the address is ${hex(event.address!)}, where no buffer is: neither Linux nor Xen hands out the first page`,
    );
    if (access === 'write')
      yield hints('it is a write: a completion, status or metadata buffer whose address is missing');
    if (event.count > 20) yield hints(`it happens ${event.count} times: with every request, not by accident`);
    if (addressesOf(event, world) > 1) yield doubts('the device faults at other addresses, too');
  },
  check: (event, world) => {
    const driver = driverOf(event, world)?.value.replace(/^driver /, '');
    const who = driver === undefined ? `the driver of ${event.device ?? 'the device'}` : driver;
    return `look what ${who} leaves empty: for an NVMe drive the metadata pointer (\`nvme id-ns\` shows formats with separate metadata), for a network card the write-back or status address; turning the IOMMU off would let the device overwrite page 0`;
  },
});

/** Patterns that stand for no address. */
const POISON: readonly (readonly [RegExp, string])[] = [
  [/^f{8,16}[0-9a-f]{0,3}$/, 'all ones, as a register reads whose device is gone'],
  [/^(?:f{4})?(?:6b){6,8}/, 'the pattern with which Linux fills freed memory (0x6b)'],
  [/dead(?:beef|0000)/, 'a mark for what must not be used'],
  [/^(?:a5){6,8}|^(?:5a){6,8}/, 'a fill pattern'],
];

/** An address that a driver would never get from its operating system. */
export const GARBAGE_ADDRESS = cause({
  id: 'garbage-address',
  title: 'the device goes to an address that is a mark or rubbish: its descriptors are stale or overwritten',
  prior: 0,
  applies: ({ kind, address }) => kind === 'dma-fault' && address !== null && address >= PAGE,
  *weigh(event) {
    const digits = event.address!.toString(16);
    for (const [pattern, what] of POISON)
      if (pattern.test(digits)) yield shows(`${hex(event.address!)} is ${what}`);
  },
  check: (event) =>
    `reset the device (\`echo 1 > /sys/bus/pci/devices/${event.device ?? 'DEVICE'}/reset\`) and see whether it goes on; a driver that restarts the device must rewrite its rings first`,
});

const STREAMING = 'streaming mappings are for one direction';

/** A buffer mapped for the other direction than the device uses it in. */
export const WRONG_DIRECTION = cause({
  id: 'wrong-direction',
  title: 'the driver mapped the buffer for one direction, and the device uses it in the other',
  prior: 2,
  applies: (event, { config }) =>
    event.kind === 'dma-fault' &&
    mayBeDenied(event) &&
    event.address !== 0n &&
    (!isXen(event) || config !== undefined || natureOf(event) === 'no-permission'),
  *weigh(event, world) {
    const nature = natureOf(event);
    const access = accessOf(event);
    const { address, details } = event;
    const top = address === null ? /^0?x?ff/i.test(details.address ?? '') : isLinuxIova(address);
    if (nature === 'no-permission' && !isXen(event))
      yield shows(`an entry is present and does not permit the ${access ?? 'access'}: ${STREAMING}`);
    else if (nature === 'no-permission')
      yield hints(`an entry is present and does not permit the ${access ?? 'access'}`);
    if (nature === 'refused' && access === 'read' && !isXen(event) && (top || address === null))
      yield suggests(
        'reason 06 is the refusal of a read: a buffer that was mapped for what the device delivers (DMA_FROM_DEVICE) looks so',
      );
    if (!isXen(event) && top)
      yield suggests(
        'the address is at the top of 4 GiB, where Linux hands out I/O addresses: the driver did map something there',
      );
    if (isXen(event))
      yield doubts('Xen’s tables know no direction: only a read-only grant or page gives such an entry');
    if (!isXen(event) && address !== null && !top && nature === 'refused')
      yield doubts(`${hex(address)} is not where Linux usually hands out I/O addresses`);
    if (!isXen(event) && event.count > 1000)
      yield doubts(`${event.count} times: a buffer of the wrong direction rarely faults so often`);
    if (option(world.facts.linuxCommandLine, /^iommu=pt$|^iommu\.passthrough=1$/) !== undefined)
      yield excludes('iommu=pt: drivers’ mappings are not looked at');
  },
  check: (event) =>
    `look at the direction with which the driver of ${event.device ?? 'the device'} maps the buffer (dma_map_single, dma_map_sg): DMA_BIDIRECTIONAL where the device both reads and writes; a kernel with CONFIG_DMA_API_DEBUG names the call`,
});

/** Where processors take interrupt messages: writes there are not translated as DMA. */
const MSI_START = 0xfee0_0000n;
const MSI_END = 0xfef0_0000n;

/** What an address means by itself, where that is interrupts; undefined for others. AMD's: HyperTransport's ranges. */
function interruptAddress({ address, unit, details }: JudgedEvent): string | undefined {
  if (address === null || (unit !== 'vtd' && unit !== 'amdvi')) return undefined;
  if (address >= MSI_START && address < MSI_END)
    return 'in [0xfee00000, 0xfef00000), where interrupt messages go';
  return unit === 'amdvi' && /interrupt/i.test(details['address is'] ?? '')
    ? details['address is']
    : undefined;
}

/** An access to the interrupt address range that the unit took for DMA. */
export const INTERRUPT_AS_DMA = cause({
  id: 'interrupt-as-dma',
  title:
    'the device sends an interrupt message, or reads where they go, in a form that the unit takes for DMA',
  prior: 0,
  applies: (event) => event.kind === 'dma-fault' && interruptAddress(event) !== undefined,
  *weigh(event) {
    yield settles(`${hex(event.address!)} is ${interruptAddress(event)}`);
    if (accessOf(event) === 'read')
      yield hints('it is a read, which no interrupt is: a device or tool that dumps memory');
  },
  check: (event) =>
    `look at the MSI address and data that the driver wrote (\`lspci -vvs ${event.device ?? 'DEVICE'}\`, Capabilities: MSI): interrupts must be one aligned write of 4 bytes without PASID`,
});

const GIB4 = 1n << 32n;

/** A driver that gives its device addresses of memory instead of those that the system hands out for it. */
export const DMA_API_BYPASSED = cause({
  id: 'dma-api-bypassed',
  title:
    'the driver gives the device addresses of memory itself, past the system’s DMA mappings (virt_to_phys instead of dma_map)',
  prior: 1,
  applies: (event) =>
    event.kind === 'dma-fault' &&
    !isXen(event) &&
    (event.unit === 'vtd' || event.unit === 'amdvi') &&
    event.address !== null &&
    event.address >= GIB4 &&
    event.address < 1n << 46n &&
    (natureOf(event) === 'no-context' || mayBeAbsent(event)),
  *weigh(event, world) {
    const address = hex(event.address!);
    yield suggests(
      `${address} is above 4 GiB, and Linux hands out I/O addresses below that as long as it has any`,
    );
    const range = rangeAt(world, world.facts.e820, event.address);
    if (range !== undefined && isUsable(range.what))
      yield supports(`${address} is memory of the machine (${where(range)})`);
    const driver = driverOf(event, world);
    if (driver !== undefined && /vfio|pci-stub/.test(driver.value))
      yield opposes(`a guest has it (${driver.value}, ${where(driver)}): its addresses are the guest’s`);
  },
  check: (event) =>
    `find the driver of ${event.device ?? 'the device'}: one from outside the kernel that does not call dma_map_* works with \`iommu=pt\` only, as long as it is not mended`,
});

/** Where IO-APICs have their registers on PCs. */
const IO_APIC_START = 0xfec0_0000n;
const IO_APIC_END = 0xfed0_0000n;

/** The registers of interrupt controllers, which are the processors' business only. */
export const IO_APIC_AS_MEMORY = cause({
  id: 'io-apic-as-memory',
  title:
    'the address is where IO-APICs have their registers: the device has an address of the interrupt controller instead of a buffer’s',
  prior: 0,
  applies: ({ kind, unit, address }) =>
    kind === 'dma-fault' &&
    (unit === 'vtd' || unit === 'amdvi') &&
    address !== null &&
    address >= IO_APIC_START &&
    address < IO_APIC_END,
  *weigh(event) {
    const text = `${hex(event.address!)} is in [0xfec00000, 0xfed00000), where IO-APICs are`;
    // Linux keeps only the range of interrupt messages free of its own mappings.
    if (isXen(event)) yield shows(text);
    else yield suggests(`${text}; Linux also hands out I/O addresses there`);
    if (accessOf(event) === 'write')
      yield hints('it is a write: perhaps an interrupt of the old kind, sent as plain memory');
  },
  check: (event) =>
    `look at the MSI address of ${event.device ?? 'the device'} (\`lspci -vvs ${event.device ?? 'DEVICE'}\`): it must begin with 0xfee; then find who gave the device the address`,
});

/** A request that the device was not allowed to make in this form: ATS without permission. */
export const BLOCKED_REQUEST = cause({
  id: 'blocked-request',
  title: 'the device uses address translation services (ATS) or PASIDs that are not switched on for it',
  prior: 1,
  applies: (event) => event.kind === 'dma-fault' && natureOf(event) === 'blocked-request',
  *weigh(event, { facts }) {
    yield shows('the unit refused the kind of request, not the address');
    const ats = facts.features.get('ats');
    if (ats !== undefined)
      yield ats.value
        ? hints(`ATS is on (${where(ats)})`)
        : supports(`ATS is off (${where(ats)}), and the device behaves as if it were on`);
    const asked = option(facts.xenCommandLine, /^(?:no-)?ats(?:=|$)/);
    if (asked !== undefined) yield hints(`the command line says ${asked.value} (${where(asked)})`);
    if (event.bits.some(({ name, value }) => name === 'TR' && value === 1))
      yield supports('it was a translation request (TR)');
  },
  check: (event) =>
    `boot without \`ats\` on Xen’s line, or with \`pci=noats\` on Linux’s, and look at ATSCtl in \`lspci -vvs ${event.device ?? 'DEVICE'}\`; update the device’s firmware where it goes on`,
});
