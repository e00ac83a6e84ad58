import { hex } from '../../text/hex.js';
import type { Profile } from '../../xen/editions/behaviours.js';
import { mendedBy, releaseList, releasesThat } from './affected-releases.js';
import type { Evidence, JudgedEvent, World } from './cause.js';
import { accessOf, natureOf } from './fault-nature.js';
import {
  behaves,
  configHas,
  isUsable,
  isXen,
  listItem,
  option,
  ownerOf,
  rangeAt,
  releaseSaid,
  where,
} from './log-world.js';
import { cause, excludes, hints, opposes, suggests, supports } from './weigh.js';

/** Where Intel puts its integrated graphics. */
const IGD = '0000:00:02.0';
const GIB4 = 1n << 32n;

/** Integrated graphics reads memory that no table of the operating system tells of, and that no driver maps. */
export const GRAPHICS = cause({
  id: 'graphics-under-iommu',
  title:
    'integrated graphics uses memory of its own (stolen memory, the firmware’s picture) that nobody maps for it',
  prior: 2,
  applies: (event) => event.kind === 'dma-fault' && event.unit === 'vtd' && event.device === IGD,
  *weigh(event, world) {
    const { facts } = world;
    yield supports(`${IGD} is the integrated graphics of Intel’s machines`);
    const said = isXen(event)
      ? option(facts.xenCommandLine, /^iommu=/)
      : option(facts.linuxCommandLine, /^intel_iommu=/);
    if (said !== undefined && (listItem(said.value, 'igfx') === false || /igfx_off/.test(said.value)))
      yield excludes(`${said.value} (${where(said)}): it is not translated at all`);
    if (natureOf(event) === 'no-context')
      yield suggests('it has no tables, and still does DMA: it shows a picture from before');
    if (accessOf(event) === 'read') yield hints('it is a read, as of a picture that is shown');
    const { address } = event;
    const range = rangeAt(world, facts.e820, address);
    if (range !== undefined && isUsable(range.what))
      yield opposes(`${hex(address!)} is ordinary memory (${where(range)}), not the graphics’ own`);
    else if (range !== undefined)
      yield suggests(
        `${hex(address!)} is ${range.what} in the memory map (${where(range)}), as stolen memory is`,
      );
    if (isXen(event) && ownerOf(event, world).who === 'dom0' && address !== null && address < GIB4) {
      yield* byWording(event, world);
      if (behaves(world, isExclusive))
        yield suggests(
          `${releaseSaid(world)}: since 4.12 (b7e8dee07c) dom0’s table no longer has everything below 4 GiB`,
        );
    }
    if (configHas(event, world))
      yield hints('the config gives it to a guest, which does not have its stolen memory');
  },
  check: (event) =>
    isXen(event)
      ? 'boot with `iommu=no-igfx` on Xen’s command line: if the faults end, keep it, as long as no guest gets the graphics; to go on protecting, try `dom0-iommu=map-inclusive`, or `rmrr=` with the pages of the faults'
      : 'boot with `intel_iommu=igfx_off` (or `iommu=pt`), and see whether the faults end; before giving it to a guest, keep the host from using it (no framebuffer console: `video=efifb:off`, i915 not loaded)',
});

const isExclusive = ({ hwdomInclusiveDefault }: Profile): boolean => hwdomInclusiveDefault === 'off';

/** Where the log names no release: what the wording of the fault says of it. */
function* byWording({ details }: JudgedEvent, { edition }: World): Generator<Evidence> {
  if (edition !== undefined || details.unit?.startsWith('registers at') !== true) return;
  const worded = ({ vtdFaultLine }: Profile) => vtdFaultLine === 'with-register-base';
  yield hints(
    `the line ends as those of Xen up to ${releaseList(releasesThat(worded)).replace(/^.* to /, '')}; since ${releaseList(releasesThat((one) => worded(one) && isExclusive(one))).replace(/^all of /, '')} (${mendedBy('hwdomInclusiveDefault', 'on')}) dom0’s table does not have everything below 4 GiB`,
  );
}
