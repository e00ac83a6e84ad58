import { hex } from '../../text/hex.js';
import { domainType } from '../../toolstack/domain-config.js';
import { releaseList, releasesThat } from './affected-releases.js';
import { accessOf, mayBeAbsent, mayBeDenied, natureOf } from './fault-nature.js';
import {
  behaves,
  isHole,
  isUsable,
  isX86,
  isXen,
  ofKind,
  ownerOf,
  rangeAt,
  releaseSaid,
  spanOfFailure,
  spanText,
  where,
} from './log-world.js';
import { permitsNow } from './tables.js';
import { cause, doubts, excludes, hints, opposes, shows, suggests, supports } from './weigh.js';

/**
 * A page of a PV domain is in its IOMMU table as long as its type is writable (dossier §3.3). As a page table, descriptor
 * table or shared page it is not, for reading neither.
 */
export const SPECIAL_PAGE = cause({
  id: 'special-page',
  title:
    'the page is a page table, descriptor table or other special page of a PV guest, which Xen takes from the IOMMU',
  prior: 2,
  applies: (event) => event.kind === 'dma-fault' && isXen(event) && isX86(event) && mayBeAbsent(event),
  *weigh(event, world) {
    const { config, facts } = world;
    const owner = ownerOf(event, world);
    if (config !== undefined) {
      const type = domainType(config, 'x86');
      if (type !== 'pv') yield excludes(`the guest is ${type.toUpperCase()}, whose pages have no types`);
      else yield supports('the config makes a PV guest, whose pages have types');
    }
    if (owner.who === 'dom0' && facts.dom0Mode !== null && facts.dom0Mode.value !== 'Strict')
      yield excludes(
        `the device is dom0’s, whose table has all memory whatever its type (${facts.dom0Mode.value}, ${where(facts.dom0Mode)})`,
      );
    else if (owner.who === 'dom0' && facts.dom0Mode === null)
      yield opposes(
        'the device seems to be dom0’s, and a dom0 that is not strict has all memory in its table',
      );
    if (owner.who === 'quarantine') yield excludes(`the device is in quarantine: ${owner.because}`);
    const typed = ofKind('memory', world).find(
      ({ domain, reason }) =>
        (owner.domain === null || domain === null || domain === owner.domain) &&
        /type|pin|l[1-4]/i.test(`${reason?.name} ${reason?.meaning}`),
    );
    if (typed !== undefined)
      yield supports(`Xen complains of page types (line ${typed.firstLine}): ${typed.reason?.meaning ?? ''}`);
    const range = rangeAt(world, facts.e820, event.address);
    if (range !== undefined && !isUsable(range.what))
      yield excludes(`${hex(event.address!)} is ${range.what}, and only memory can be a page table`);
    if (isHole(event) === true && natureOf(event) === 'not-mapped')
      yield hints('pages around it are mapped, only this one is missing');
    else if (isHole(event) === false && natureOf(event) === 'not-mapped')
      yield doubts(`the ${spanText(spanOfFailure(event)!)} around it are not mapped either`);
    if (accessOf(event) === 'write') yield hints('it is a write, which this rule is there to stop');
    else if (accessOf(event) === 'read')
      yield doubts('it is a read, and nobody hands page tables to a device to read');
    if (behaves(world, ({ pvPageAdded }) => pvPageAdded === 'mapped-untyped'))
      yield doubts(
        `${releaseSaid(world)}: there, pages that were never mapped writable stay in the IOMMU as page tables (XSA-288; ${releaseList(releasesThat(({ pvPageAdded }) => pvPageAdded === 'mapped-untyped'))})`,
      );
  },
  check: (event, world) => {
    const { domain } = ownerOf(event, world);
    const frame = event.address === null ? 'FRAME' : hex(event.address >> 12n);
    return `see what the page is to the guest while it runs: \`xen-mfndump dump-p2m ${domain ?? 'DOMID'} | grep mfn=${frame}\` says L1 to L4 and pinned for page tables; the guest’s driver must not hand that page to the device`;
  },
});

/** Strict dom0: its devices reach what dom0 owns and has writable, and nothing else (dossier §3.6). */
export const STRICT_DOM0 = cause({
  id: 'strict-dom0',
  title:
    'dom0 is strict: its devices reach dom0’s own writable pages and mapped grants, and this page is neither',
  prior: 1,
  applies: (event, { facts }) =>
    event.kind === 'dma-fault' &&
    isXen(event) &&
    isX86(event) &&
    (mayBeAbsent(event) || mayBeDenied(event)) &&
    facts.dom0Mode?.value !== 'Relaxed',
  *weigh(event, world) {
    const { facts } = world;
    const owner = ownerOf(event, world);
    if (owner.who === 'guest' || owner.who === 'quarantine') yield excludes(owner.because);
    const { dom0Mode } = facts;
    if (dom0Mode !== null && dom0Mode.value !== 'Strict')
      yield excludes(`dom0’s mode is ${dom0Mode.value} (${where(dom0Mode)})`);
    else if (dom0Mode !== null) yield shows(`dom0’s mode is Strict (${where(dom0Mode)})`);
    const range = rangeAt(world, facts.e820, event.address);
    if (range !== undefined && isUsable(range.what) && dom0Mode !== null)
      yield hints(`${hex(event.address!)} is memory, which a relaxed dom0 would reach`);
    const late = ({ strictHwdomPages }: { readonly strictHwdomPages: string }) =>
      strictHwdomPages === 'typed-by-boot';
    if (dom0Mode?.value === 'Strict' && behaves(world, late))
      yield suggests(
        `${releaseSaid(world)}: there, most of a strict dom0’s memory is mapped only once dom0 has it writable (${releaseList(releasesThat(late))})`,
      );
  },
  check: () =>
    'boot once with `dom0-iommu=no-strict` (4.12 and later; before, without `iommu=dom0-strict`): when the faults end, find which page dom0’s driver uses that is not dom0’s, or use a release where all of dom0’s pages are mapped from the start',
});

/** A guest's page that the CPU has, but whose mapping is still under way (XSA-401). */
export const RACING_TYPE_CHANGE = cause({
  id: 'racing-type-change',
  title:
    'one vCPU already used a page as writable while Xen was still mapping it for devices on behalf of another (XSA-401)',
  prior: 0,
  applies: (event, world) =>
    event.kind === 'dma-fault' &&
    isXen(event) &&
    isX86(event) &&
    mayBeAbsent(event) &&
    behaves(world, ({ typeFlush }) => typeFlush === 'before-commit') === true,
  *weigh(event, world) {
    const owner = ownerOf(event, world);
    const { config } = world;
    if (config !== undefined && domainType(config, 'x86') !== 'pv')
      yield excludes('the guest is not PV: its pages have no types');
    if (owner.who === 'quarantine' || (owner.who === 'dom0' && world.facts.dom0Mode?.value !== 'Strict'))
      yield excludes(owner.because);
    if (owner.who === 'guest' && config !== undefined) {
      yield hints(
        `${releaseSaid(world)}, which has this window (${releaseList(releasesThat(({ typeFlush }) => typeFlush === 'before-commit'))})`,
      );
      if (config.maxvcpus > 1) yield hints(`the guest has ${config.maxvcpus} vCPUs`);
    }
    const now = permitsNow(event);
    if (now !== undefined) yield shows(`the tables as they were printed: ${now}`);
    if (event.count > 3)
      yield opposes(`${event.count} times at one address: the window is open for moments only`);
  },
  check: () => 'update Xen to a release with XSA-401 mended; with one vCPU (`vcpus = 1`) the faults must end',
});
