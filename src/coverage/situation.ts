import { PAGE_SIZE } from '../formats/address.js';
import { PGT_PINNED } from '../formats/x86-page-info.js';
import { Arguments } from '../program/arguments.js';
import type { Names } from '../program/names.js';
import type { Statement } from '../program/program.js';
import { deviceOwner } from '../xen/devices.js';
import type { Profile } from '../xen/editions/behaviours.js';
import { isFree, ownerOf } from '../xen/frames.js';
import { mirrors } from '../xen/iommu-map.js';
import { typeCount, typeOf } from '../xen/page-info.js';
import type { Xen } from '../xen/state.js';
import { Life } from '../xen/tables/domain.js';

/** What a step was about, as things stood before it: what premises of rules are about. */
export interface Situation {
  readonly op: string;
  /** What the domain is, or `none` when there is no such domain. */
  readonly domain: 'none' | 'dom0' | 'dom_io' | 'guest' | 'dying';
  /** Whether the domain declared an IOMMU context. */
  readonly context: boolean;
  /** Whether a page's type is mirrored in the domain's IOMMU tables. */
  readonly synced: boolean;
  /** Whose the page of the statement is. */
  readonly page: 'absent' | 'own' | 'other' | 'free';
  readonly type: number;
  readonly count: number;
  readonly pinned: boolean;
  /** Who has the device. */
  readonly device: 'absent' | 'unknown' | 'dom0' | 'dom_io' | 'same' | 'other';
  has(flag: string): boolean;
  said(argument: string): boolean;
  is(argument: string, value: string): boolean;
  /** A number among the arguments, or `otherwise` where the statement does not say it. */
  number(argument: string, otherwise: number): number;
  readonly profile: Profile;
  /** The state itself, for premises about what stands nowhere above. They are asked before the step. */
  readonly xen: Xen;
  /** The domain's slot, -1 for none. */
  readonly slot: number;
  readonly args: Arguments;
  /** The slot of another domain argument, -1 for none. */
  slotOf(argument: string): number;
  /** Index of the statement's page among the frames of RAM, or -1. */
  readonly pdx: number;
  /** Index of the statement's device, or -1. */
  readonly deviceIndex: number;
}

/** How things stand, seen from a statement. */
export function situationOf(xen: Xen, names: Names, { op, args }: Statement): Situation {
  const slot = names.domains.get(String(args.domain)) ?? -1;
  const pdx = pageOf(xen, names, { op, args });
  const info = pdx < 0 ? 0 : xen.frame.typeInfo.get(pdx);
  const flags = Array.isArray(args.flags) ? args.flags : [];
  const slotOf = (name: string) => names.domains.get(String(args[name])) ?? -1;
  return {
    op,
    domain: domainKind(xen, slot),
    context: slot >= 0 && slot < xen.domIo && xen.domain.cdfIommu.get(slot) !== 0,
    synced: slot >= 0 && slot < xen.domIo && mirrors(xen, slot),
    page: pdx < 0 ? 'absent' : isFree(xen, pdx) ? 'free' : ownerOf(xen, pdx) === slot ? 'own' : 'other',
    type: typeOf(info),
    count: typeCount(info),
    pinned: (info & PGT_PINNED) !== 0,
    device: deviceKind(xen, args.device, slot),
    has: (flag) => flags.includes(flag),
    said: (argument) => args[argument] !== undefined,
    is: (argument, value) => String(args[argument]) === value,
    number: (argument, otherwise) => {
      const value = args[argument];
      return typeof value === 'number' ? value : otherwise;
    },
    profile: xen.profile,
    xen,
    slot,
    args: new Arguments(args, names, xen),
    slotOf,
    pdx,
    deviceIndex: xen.spec.devices.findIndex(({ name }) => name === args.device),
  };
}

function domainKind(xen: Xen, slot: number): Situation['domain'] {
  if (slot === 0) return 'dom0';
  if (slot === xen.domIo) return 'dom_io';
  if (slot < 0 || xen.domain.life.get(slot) === Life.absent) return 'none';
  return xen.isDying(slot) ? 'dying' : 'guest';
}

function deviceKind(
  xen: Xen,
  name: Statement['args'][string] | undefined,
  slot: number,
): Situation['device'] {
  if (name === undefined) return 'absent';
  const device = xen.spec.devices.findIndex((one) => one.name === name);
  if (device < 0 || xen.device.absent.get(device) !== 0) return 'unknown';
  const owner = deviceOwner(xen, device);
  if (owner === 0) return 'dom0';
  if (owner === xen.domIo) return 'dom_io';
  return owner === slot ? 'same' : 'other';
}

/** The page that a statement names, by index, or -1. */
function pageOf(xen: Xen, names: Names, { op, args }: Pick<Statement, 'op' | 'args'>): number {
  if (op === 'populate_physmap') return -1;
  try {
    const read = new Arguments(args, names, xen);
    if (op === 'dma') return xen.ram.indexOf(Math.floor(read.address() / PAGE_SIZE));
    return read.has('page') ? read.pdx() : -1;
  } catch {
    return -1;
  }
}
