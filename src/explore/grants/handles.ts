import { type Rights, rightsText } from '../../formats/address.js';
import { WalkStatus } from '../../formats/radix.js';
import { type Tree, walkEntries } from '../../formats/walk-entries.js';
import { hex } from '../../text/hex.js';
import { deviceOwner } from '../../xen/devices.js';
import { grantRefOf } from '../../xen/maptrack.js';
import type { Here } from '../here.js';
import type { Value } from '../value.js';

/** What devices of a mapper reach of a page that it has mapped. */
export interface DeviceReach {
  readonly devices: readonly string[];
  /** The frame of the address that they use for it. */
  readonly input: string;
  /** Their rights by the IOMMU's tables: the entry that decides. */
  readonly rights: Value;
}

/** A mapping of another domain's page: what a handle stands for. */
export interface Handle {
  readonly handle: number;
  readonly granter: Value;
  readonly ref: Value;
  /** For its CPUs, for its devices, for reading only, and so on: those that are set or were. */
  readonly flags: readonly Value[];
  /** Where its CPUs have it. */
  readonly host: Value;
  readonly frame: Value;
  readonly mfn: number | undefined;
  readonly reach: readonly DeviceReach[];
}

/** The row of the active entry that a handle is of. */
export const grantRowOf = ({ xen }: Here, row: number): number =>
  (xen.maptrack.granter.get(row) - 1) * xen.spec.limits.grants + grantRefOf(xen, row);

/** A handle of a domain, by its row of maptrack: what it maps, how, and what the domain’s devices reach of it. */
export function handleOf(here: Here, slot: number, row: number): Handle {
  const { xen } = here;
  const grant = grantRowOf(here, row);
  const pdx = xen.grant.frame.get(grant) - 1;
  const mfn = pdx < 0 ? undefined : xen.ram.frameAt(pdx);
  const translated = xen.isTranslated(slot);
  return {
    handle: row - slot * xen.spec.limits.handles,
    granter: here.field('maptrack', row, 'granter'),
    ref: here.field('maptrack', row, 'ref'),
    flags: flagsOf(here, row),
    host: here.field('maptrack', row, translated ? 'hostGfn' : 'hostEntry'),
    frame: here.field('grant', grant, 'frame'),
    mfn,
    reach: mfn === undefined ? [] : reachOf(here, slot, mfn, xen.maptrack.hostGfn.get(row) - 1),
  };
}

/** Flags that are set, by their names. */
function flagsOf(here: Here, row: number): Value[] {
  const { parts = [] } = here.table('maptrack').fields.flags!;
  return parts
    .map(({ name, width }) => ({ name, width, value: here.part('maptrack', row, 'flags', name) }))
    .filter(({ value }) => !['no', '0', '0x0'].includes(value.text))
    .map(({ name, width, value }) => ({
      ...value,
      text: width === 1 ? name : `${name} ${value.text}`,
      ...(value.was !== undefined && { was: width === 1 ? 'not set' : value.was }),
    }));
}

/**
 * What the mapper's devices reach of the page. A domain that names pages by machine addresses gives them that; so does a
 * direct-mapped one. Others have only the guest frame at which the page is mapped.
 */
function reachOf(here: Here, slot: number, mfn: number, hostGfn: number): DeviceReach[] {
  const { xen } = here;
  const byMachineAddress = !xen.isTranslated(slot) || xen.domain.directMapped.get(slot) !== 0;
  const input = byMachineAddress ? mfn : hostGfn;
  if (input < 0) return [];
  const found = new Map<string, { devices: string[]; rights: Value }>();
  xen.spec.devices.forEach(({ name, requester }, device) => {
    if (deviceOwner(xen, device) !== slot || xen.device.absent.get(device) !== 0) return;
    const [key, rights] = reachOfDevice(here, device, requester, input, mfn);
    const like = found.get(key);
    if (like === undefined) found.set(key, { devices: [name], rights });
    else like.devices.push(name);
  });
  return [...found.values()].map((one) => ({ ...one, input: hex(input) }));
}

/** By what tables decide it, and the rights: `r-`, `rw`, or `--` for none. */
function reachOfDevice(
  here: Here,
  device: number,
  requester: number,
  input: number,
  mfn: number,
): readonly [string, Value] {
  const unit = here.xen.unitOf(device);
  if (unit === undefined || requester < 0) return ['all', { text: 'rw: no IOMMU in front of it' }];
  if (!unit.select(requester)) return ['blocked', { text: '--: all its accesses are refused' }];
  const tree = unit.selectedTree;
  if (tree === undefined) return ['all', { text: 'rw: its accesses pass untranslated' }];
  const { entries, frame, rights, status } = walkEntries(tree, input);
  const last = entries.at(-1);
  if (last === undefined) return ['none', { text: '--: beyond its tables' }];
  const above = entries.at(-2)?.rights ?? rights;
  const leads = status === WalkStatus.OK && frame === mfn;
  const show = (words: Int32Array): string =>
    rightsText(rightsIn(tree, words, last.level, last.leaf && !leads ? 0 : above));
  return [String(last.address), here.ram(last.address, 2, show)];
}

/** Rights of a page's entry with these words, below entries that let `above` through. */
function rightsIn({ format }: Tree, words: Int32Array, level: number, above: Rights): Rights {
  const [lo = 0, hi = 0] = words;
  if (!format.present(lo, hi, level) || !format.leaf(lo, hi, level)) return 0;
  return format.rights(lo, hi, level) & above;
}
