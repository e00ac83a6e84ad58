import { hex } from '../../text/hex.js';
import { ALLOWS } from '../vtd-walk.js';
import type { JudgedEvent } from './cause.js';
import { natureOf } from './fault-nature.js';
import { behaves, isArm, isXen, option, others, releaseSaid, where } from './log-world.js';
import { cause, doubts, hints, opposes, settles, shows, suggests, supports } from './weigh.js';

/** Something in the tables that this unit does not take: another unit, or another program, had it written so. */
export const UNUSABLE_ENTRY = cause({
  id: 'unusable-entry',
  title: 'a table entry has bits or a page size that this unit does not know, or was overwritten',
  prior: 1,
  applies: (event) => event.kind === 'dma-fault' && natureOf(event) === 'bad-entry',
  *weigh(event, { facts }) {
    yield shows(`the unit itself refused the entry: ${event.reason?.meaning ?? 'reserved bits'}`);
    if (event.level !== null && event.level.entry !== null)
      yield supports(`${event.level.name}: ${event.level.problem}`);
    const shared = facts.features.get('shared-ept');
    if (isXen(event) && shared?.value === true)
      yield suggests(
        `devices share the processors’ tables (${where(shared)}), which can have sizes and bits that the unit lacks`,
      );
    const { device, address } = event;
    if (event.unit === 'vtd' && device === '0000:00:02.0')
      yield hints('graphics has a unit of its own, which can do less than the others');
    if (address !== null && address >= 1n << 36n)
      yield hints(
        `${hex(address)} is high: if the machine has no memory there, the device’s own tables or registers hold rubbish`,
      );
  },
  check: (event) => {
    if (isXen(event) && isArm(event))
      return 'Xen shares the p2m with the unit: look whether the lines at the start show an SMMU with fewer address bits or granules than the processors have; otherwise something writes over the tables (test the memory)';
    if (isXen(event))
      return `boot with \`iommu=verbose${event.unit === 'vtd' ? ',no-sharept' : ',debug'}\`, 4.17 and later also with \`no-superpages\`: the log then shows the entry; if the faults end, the units differ in what they can do; if not, something writes over the tables (test the memory)`;
    if (event.unit === 'vtd')
      return 'boot with `intel_iommu=sp_off` (no superpages): if the faults end, the unit lies about its page sizes; otherwise look at the entry in /sys/kernel/debug/iommu/intel/ and test the memory';
    if (event.unit === 'amdvi')
      return `see in the lines behind it (DTE[0] to DTE[3]) what the entry was, and update the kernel: drivers that switch on ATS, PASIDs or identity for ${event.device ?? 'the device'} at the wrong time make such entries; \`amd_iommu=pgtbl_v1\` and \`pci=noats\` tell which it is`;
    return 'compare what the driver printed of the SMMU at its start (address sizes, stages, coherency) with the device tree or IORT: a walk that is not coherent reads old entries (`dma-coherent`); otherwise test the memory';
  },
});

/** The unit's own reads of its tables failed. */
export const TABLES_UNREADABLE = cause({
  id: 'tables-unreadable',
  title:
    'the unit could not read its own tables: they stand where there is no memory any more, or the memory is bad',
  prior: 1,
  applies: (event) => event.kind === 'dma-fault' && natureOf(event) === 'walk-aborted',
  *weigh(event, { facts }) {
    yield shows(`it is the walk that was aborted: ${event.reason?.meaning ?? 'the unit’s read failed'}`);
    const machine = facts.other.get('machine-check');
    if (machine !== undefined) yield supports(`${machine.value} (${where(machine)})`);
    const kdump = option(facts.linuxCommandLine, /^elfcorehdr=/);
    if (kdump !== undefined)
      yield hints(`a kernel after a crash (${where(kdump)}) uses the tables of the one before`);
    if (event.unit === 'vtd' && event.device === '0000:00:02.0')
      yield opposes(
        'integrated graphics says this also where nothing is wrong with memory: it goes on reading while its tables are being set up or taken away',
      );
    if (event.address !== null && event.address >= 1n << 48n)
      yield doubts(`${hex(event.address)} has more than 48 bits: it is the address that leads nowhere`);
  },
  check: () =>
    'look for machine checks (`mcelog`, `rasdaemon`, `xl dmesg | grep -i mce`) and test the memory; then for a firmware that takes memory back (S3, hot-unplug)',
});

/** Widths of addresses that units and tables come in. */
const WIDTHS = [39n, 48n, 57n];

/** More bits of address than the tables or the unit have. */
export const ADDRESS_WIDTH = cause({
  id: 'address-width',
  title: 'the address has more bits than the device’s tables or the unit translate',
  prior: 0,
  applies: (event) =>
    event.kind === 'dma-fault' &&
    event.address !== null &&
    natureOf(event) !== 'stream-unknown' &&
    natureOf(event) !== 'interrupt',
  *weigh(event, world) {
    const address = event.address!;
    if (natureOf(event) === 'beyond-width')
      yield settles(`the unit says so: ${event.reason?.meaning ?? 'address size'}`);
    const width = world.facts.other.get('unit-address-width') ?? world.facts.other.get('host-address-width');
    const bits = width === undefined ? undefined : BigInt(Number.parseInt(width.value, 10) || 0);
    if (bits !== undefined && bits >= 32n && bits < 64n && address >= 1n << bits)
      yield shows(`the unit’s addresses have ${bits} bits (${where(width!)}), ${hex(address)} has more`);
    else if (address >= 1n << 48n && natureOf(event) !== 'beyond-width')
      yield supports(
        `${hex(address)} has more than 48 bits: a virtual address, a sign-extended one, or rubbish`,
      );
    const exceeded = WIDTHS.findLast((one) => address >= 1n << one);
    if (natureOf(event) === 'beyond-width' && exceeded !== undefined)
      yield hints(`${hex(address)} needs more than ${exceeded} bits`);
    if (natureOf(event) === 'beyond-width' && address < 1n << 32n)
      yield opposes(`${hex(address)} is below 4 GiB, which any unit translates`);
    if (address >= 1n << 39n && (others(event, world)?.lowest ?? address) < 1n << 39n)
      yield hints('the device’s other faults are at lower addresses: not its driver’s usual ones');
  },
  check: (event) =>
    isXen(event)
      ? 'look at the unit’s widths in `xl dmesg` (`iommu=verbose`: MGAW, SAGAW; or address width), and at the mask with which the driver asks for addresses (dma_set_mask)'
      : `look at MGAW and AGAW in \`dmesg | grep -i -e dmar -e iommu\` (cap register) and at the mask with which the driver of ${event.device ?? 'the device'} asks for addresses (dma_set_mask)`,
});

/** A dump of the tables after the fault shows nothing that would refuse the access. */
export const CHANGED_SINCE = cause({
  id: 'changed-since',
  title:
    'the mapping came after the access, or the unit went by an older entry that it remembered: a race, or a flush that is missing',
  prior: 0,
  applies: (event) => event.kind === 'dma-fault' && permitsNow(event) !== undefined,
  *weigh(event, world) {
    yield shows(`the tables as they were printed: ${permitsNow(event)}`);
    if (isXen(event) && behaves(world, ({ typeFlush }) => typeFlush === 'before-commit'))
      yield hints(
        `${releaseSaid(world)}: a page can be used there before it is mapped for devices (XSA-401)`,
      );
    const caching = world.facts.features.get('caching-mode');
    if (caching?.value === true)
      yield suggests(
        `the unit is in caching mode (${where(caching)}), as of a virtual machine: it also remembers absent entries`,
      );
    if (event.count > 100) yield opposes(`${event.count} times: a race would be over`);
  },
  check: (event) =>
    isXen(event)
      ? 'see whether it is always the first access to a page; with `iommu=debug,verbose` the walk shows the entry; update Xen, and QEMU or the machine’s firmware where the unit is an emulated one'
      : `see whether it is always the first access after a map: the driver of ${event.device ?? 'the device'} may start the device before the mapping is made; \`iommu.strict=1\` rules out flushes that are put off`,
});

/** What a dump says of tables that permit the access; undefined where there is none, or they refuse it. */
export function permitsNow({ level }: JudgedEvent): string | undefined {
  return level?.problem === ALLOWS ? `the ${level.name} ${ALLOWS}` : undefined;
}
