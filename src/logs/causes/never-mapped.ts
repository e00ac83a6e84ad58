import { hex } from '../../text/hex.js';
import { domainType } from '../../toolstack/domain-config.js';
import type { JudgedEvent, World } from './cause.js';
import { accessOf, mayBeAbsent, natureOf } from './fault-nature.js';
import {
  addressesOf,
  atSamePage,
  endOfMemory,
  isHole,
  isLinuxIova,
  isUsable,
  isX86,
  isXen,
  ofKind,
  ownerOf,
  rangeAt,
  rangeText,
  spanOfFailure,
  spanText,
  where,
} from './log-world.js';
import { cause, doubts, excludes, hints, opposes, suggests, supports } from './weigh.js';
import { near } from './world-index.js';

const MIB = 1n << 20n;
/** What an HVM guest's memory is moved up by, at most, to make room for devices below 4 GiB. */
const HOLE = 2048n * MIB;

/** No page below is handed to a guest: Xen and dom0 have the memory there. */
const LOW = 16n * MIB;

/** How far an HVM guest's own addresses go, by its config. */
function endOfGuest({ config }: World): bigint | undefined {
  const kib = config?.maxmemKib;
  if (config === undefined || kib === undefined || domainType(config, 'x86') === 'pv') return undefined;
  return (BigInt(kib) << 10n) + HOLE;
}

/** The plainest cause: whoever programmed the device gave it an address that is none of its domain's. */
export const NEVER_MAPPED = cause({
  id: 'never-mapped',
  title: 'the device was given an address at which nothing is mapped for its domain, and perhaps never was',
  prior: 3,
  applies: (event) => event.kind === 'dma-fault' && mayBeAbsent(event) && event.address !== 0n,
  *weigh(event, world) {
    const { address } = event;
    if (natureOf(event) === 'not-mapped')
      yield hints(
        `the unit says that there is no entry for ${address === null ? 'the address' : hex(address)}`,
      );
    if (natureOf(event) === 'not-mapped' && isHole(event) === false)
      yield suggests(
        `nothing is mapped in the ${spanText(spanOfFailure(event)!)} around it (${event.level!.name})`,
      );
    const range = rangeAt(world, world.facts.e820, address);
    const end = endOfMemory(world);
    if (address !== null && end !== undefined && address >= end && range === undefined)
      yield supports(`the machine has no memory there: by the log it ends at ${hex(end)}`);
    const guestEnd = endOfGuest(world);
    const owner = ownerOf(event, world);
    if (address !== null && guestEnd !== undefined && owner.who === 'guest' && address >= guestEnd)
      yield supports(
        `${hex(address)} lies beyond the guest’s memory: a machine address, where its devices know guest addresses only`,
      );
    if (
      range !== undefined &&
      isUsable(range.what) &&
      owner.who === 'dom0' &&
      world.facts.dom0Mode?.value === 'Relaxed'
    )
      yield opposes(
        `dom0’s table has all memory (Relaxed, ${where(world.facts.dom0Mode)}), and ${hex(address!)} is memory, ${rangeText(range)}`,
      );
    if (
      isXen(event) &&
      isX86(event) &&
      owner.who === 'dom0' &&
      world.facts.dom0Mode?.value !== 'Strict' &&
      address !== null &&
      address >= LOW
    )
      yield hints(
        'a dom0 that is not strict has all of the machine’s memory in its table: what faults is usually no memory',
      );
    if (address !== null && address < LOW && owner.who === 'guest' && guestEnd === undefined)
      yield suggests(
        `${hex(address)} is low, and ${owner.because}: a guest’s own physical address, where a PV guest’s devices know machine addresses only`,
      );
    if (atSamePage(event, world).some((one) => one.device !== event.device && one.device !== null))
      yield doubts(
        'another device faults at the same page: it belongs to something, which is gone or kept from devices',
      );
  },
  check: (event, world) => nextForAddress(event, world),
});

function nextForAddress(event: JudgedEvent, world: World): string {
  const at = event.address === null ? 'the address' : hex(event.address);
  if (!isXen(event))
    return `find who maps buffers for ${event.device ?? 'the device'}: boot with \`iommu.strict=1\` and look at the driver’s dma_map calls (\`echo 1 > /sys/kernel/debug/tracing/events/iommu/enable\`) for ${at}`;
  if (event.unit === 'vtd' || event.unit === 'amdvi')
    return `boot with \`iommu=verbose\`, press \`xl debug-keys o\` when it happens, and look for ${at} in \`xl dmesg\` in the table of ${ownerText(event, world)}`;
  return `see whether ${at} is an address of ${ownerText(event, world)}: its RAM and devices in /proc/iomem there, or in the device tree that it was given; a machine address is none for a guest’s device`;
}

function ownerText(event: JudgedEvent, world: World): string {
  const { domain, who } = ownerOf(event, world);
  return domain === null ? (who === 'guest' ? 'the guest' : 'its domain') : `d${domain}`;
}

/** A buffer that its owner takes back while the device still works on it. */
export const UNMAPPED_TOO_EARLY = cause({
  id: 'unmapped-too-early',
  title: 'the page was unmapped, freed or ballooned out while the device was still using it',
  prior: 3,
  applies: (event) =>
    event.kind === 'dma-fault' &&
    natureOf(event) !== 'no-permission' &&
    mayBeAbsent(event) &&
    event.address !== 0n,
  *weigh(event, world) {
    const { facts } = world;
    const owner = ownerOf(event, world);
    if (!isXen(event) && isLinuxIova(event.address))
      yield suggests(
        `${hex(event.address!)} is where Linux hands out I/O addresses, from the top of 4 GiB downwards: it was mapped once`,
      );
    if (!isXen(event) && owner.who === 'host' && event.address !== null && !isLinuxIova(event.address))
      yield doubts(`${hex(event.address)} is not where Linux usually hands out I/O addresses`);
    for (const { value, line } of near(
      (owner.domain === null ? undefined : facts.domains.get(owner.domain)) ?? [],
      event.firstLine,
    )) {
      if (/crash|destroy|shut|dying/.test(value) && line <= event.firstLine)
        yield supports(
          `d${owner.domain} ${value} (line ${line}) before the fault: its memory was being taken back`,
        );
    }
    const memory = ofKind('memory', world).find(
      ({ domain, reason }) =>
        owner.domain !== null && domain === owner.domain && /free|alloc|owned|pod/.test(reason?.name ?? ''),
    );
    if (memory !== undefined)
      yield suggests(`Xen complains of memory operations of the same domain (line ${memory.firstLine})`);
    if (isHole(event) === true && natureOf(event) === 'not-mapped')
      yield hints('pages around it are mapped, only this one is missing');
    else if (isHole(event) === false && natureOf(event) === 'not-mapped')
      yield doubts(`the ${spanText(spanOfFailure(event)!)} around it are not mapped either`);
    const addresses = addressesOf(event, world);
    if (addresses > 3 && natureOf(event) === 'not-mapped')
      yield hints(`${addresses} addresses of the device fault: buffers that come and go`);
    if (event.count > 100 && addresses === 1)
      yield opposes(`it is one address ${event.count} times: a buffer in flight would be over soon`);
    const range = rangeAt(world, facts.e820, event.address);
    if (isXen(event) && range !== undefined && !isUsable(range.what))
      yield excludes(`${hex(event.address!)} is ${range.what}, no memory that a domain could give back`);
  },
  check: (event) =>
    isXen(event)
      ? `stop ballooning (\`xl mem-set\` to maxmem, or memory = maxmem in the config) and see whether the faults end; with a driver of your own, unmap only after the device has said that it is done`
      : `boot with \`iommu.strict=1\`: faults that come sooner and more often then are uses after unmap; then look at the unmap and completion paths of the driver of ${event.device ?? 'the device'}`,
});

/** `write`, for a sentence; `access` where the log does not say. */
export const accessWord = (event: JudgedEvent): string => accessOf(event) ?? 'access';
