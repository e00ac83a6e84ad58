import { AMDVI_DEVICE_ENTRY, AMDVI_ENTRY_BYTES } from '../formats/amdvi.js';
import { GRANT_V1_BYTES, GRANT_V1_ENTRY, GrantType } from '../formats/grant-v1.js';
import { GRANT_STATUS_PAIR, GRANT_V2_BYTES, grantV2Layout } from '../formats/grant-v2.js';
import { type EntryLayout, getField } from '../formats/layout.js';
import { ENTRY_SPAN, type RadixFormat, type RootShape } from '../formats/radix.js';
import { sbdfText } from '../formats/requester.js';
import { STE_BYTES, STREAM_L1_DESCRIPTOR, STREAM_TABLE_ENTRY } from '../formats/smmuv3.js';
import { VTD_CONTEXT_ENTRY, VTD_ROOT_ENTRY } from '../formats/vtd.js';
import { walkAll } from '../formats/walk-all.js';
import { layoutOfEntry } from '../formats/walk-entries.js';
import { PGT } from '../formats/x86-page-info.js';
import { X86_PAGE_ENTRY, X86_TABLE_ENTRY } from '../formats/x86-pte.js';
import { STREAM_TABLE_FRAMES } from '../hardware/smmuv3-unit.js';
import { grantFrameCount, isVersion2, sharedFrame, statusFrame } from './grant-frames.js';
import { ownTree } from './iommu-tables.js';
import { streamsOf } from './machine.js';
import { p2mLookup, p2mTree } from './p2m.js';
import { isPageTable, typeOf } from './page-info.js';
import type { Xen } from './state.js';
import { Life } from './tables/domain.js';

/** What a frame of RAM holds, so that its words can be read: how an entry is called and how it is laid out. */
export interface FrameRole {
  readonly entryBytes: number;
  /** Empty for an entry that is of no interest. */
  name(index: number): string;
  /** The layout of an entry that holds these words. */
  layout(words: Int32Array): EntryLayout;
  /** The frame (mfn) to which an entry that holds these words leads; undefined where it leads to none. */
  frame?(words: Int32Array): number | undefined;
}

/** Says by frame (mfn) what it holds now; undefined for plain memory. */
export function ramRoles(xen: Xen): (frame: number) => FrameRole | undefined {
  const roles = findRoles(xen);
  return (frame) => roles.get(frame) ?? guestPageTable(xen, frame);
}

function layoutRole(layout: EntryLayout, name: (index: number) => string): FrameRole {
  return { entryBytes: layout.words * 4, name, layout: () => layout };
}

function guestPageTable(xen: Xen, frame: number): FrameRole | undefined {
  const pdx = xen.ram.indexOf(frame);
  const type = pdx < 0 ? PGT.none : typeOf(xen.frame.typeInfo.get(pdx));
  if (!isPageTable(type)) return undefined;
  const layout = type === PGT.l1 ? X86_PAGE_ENTRY : X86_TABLE_ENTRY;
  return {
    ...layoutRole(layout, (index) => `L${type} page table 0x${frame.toString(16)}[${index}]`),
    frame: (words) => (getField(layout, 'present', words) ? getField(layout, 'address', words) : undefined),
  };
}

/** Every frame of Xen's heap that is reachable from a known root, with its role. */
function findRoles(xen: Xen): Map<number, FrameRole> {
  const roles = new Map<number, FrameRole>();
  for (let slot = 0; slot < xen.slots; slot++) {
    if (xen.domain.life.get(slot) === Life.absent) continue;
    const name = xen.domainName(slot);
    grantRoles(xen, roles, slot, name);
    const iommu = xen.domain.iommuRoot.get(slot);
    if (iommu !== 0 && slot !== xen.domIo) {
      const { format, shape } = ownTree(xen, slot);
      radixRoles(xen, roles, format, shape, iommu - 1, `${name} IOMMU table DFN`);
    }
    const p2m = xen.domain.p2mRoot.get(slot);
    if (p2m !== 0) {
      const { format, shape } = p2mTree(xen, slot);
      radixRoles(xen, roles, format, shape, p2m - 1, `${name} p2m GFN`);
    }
  }
  streamTableRoles(xen, roles);
  const deviceTable = xen.amdvi?.deviceTable ?? -1;
  const perFrame = 4096 / AMDVI_ENTRY_BYTES;
  for (const { requester } of deviceTable >= 0 ? xen.spec.devices : []) {
    const frame = Math.floor(requester / perFrame);
    const name = (index: number) => `AMD-Vi device table entry of ${sbdfText(frame * perFrame + index)}`;
    roles.set(deviceTable + frame, layoutRole(AMDVI_DEVICE_ENTRY, name));
  }
  const root = xen.vtd?.rootTable ?? -1;
  if (root >= 0) {
    roles.set(
      root,
      layoutRole(VTD_ROOT_ENTRY, (bus) => `VT-d root entry of bus ${bus.toString(16).padStart(2, '0')}`),
    );
    for (const { requester } of xen.spec.devices) {
      const table = xen.vtd!.contextTable(requester >>> 8);
      const bus = requester & 0xff00;
      if (table >= 0) {
        roles.set(
          table,
          layoutRole(VTD_CONTEXT_ENTRY, (devfn) => `VT-d context entry of ${sbdfText(bus | devfn)}`),
        );
      }
    }
  }
  return roles;
}

/** The frames of a grant table: entries of its version, and statuses. */
function grantRoles(xen: Xen, roles: Map<number, FrameRole>, slot: number, name: string): void {
  const two = isVersion2(xen, slot);
  const perFrame = 4096 / (two ? GRANT_V2_BYTES : GRANT_V1_BYTES);
  for (let n = 0; n < grantFrameCount(xen, slot); n++) {
    const called = (index: number): string => `${name} grant entry ${n * perFrame + index}`;
    const layout = (words: Int32Array): EntryLayout => (two ? grantV2Layout(words[0]!) : GRANT_V1_ENTRY);
    roles.set(xen.ram.frameAt(sharedFrame(xen, slot, n)), {
      entryBytes: two ? GRANT_V2_BYTES : GRANT_V1_BYTES,
      name: called,
      layout,
      frame: (words) => grantedFrame(xen, slot, layout(words), words),
    });
  }
  for (let n = 0; n < xen.domain.statusFrames.get(slot); n++) {
    const called = (pair: number): string =>
      `${name} status of grants ${(n * 1024 + pair) * 2} and ${(n * 1024 + pair) * 2 + 1}`;
    roles.set(xen.ram.frameAt(statusFrame(xen, slot, n)), layoutRole(GRANT_STATUS_PAIR, called));
  }
}

/** The page that an entry of a domain's grant table offers, which the domain names as it names its pages. */
function grantedFrame(xen: Xen, slot: number, layout: EntryLayout, words: Int32Array): number | undefined {
  const offers = getField(layout, 'type', words) === GrantType.PERMIT_ACCESS;
  if (!offers || !layout.fields.some(({ name }) => name === 'frame')) return undefined;
  const gfn = getField(layout, 'frame', words);
  const frame = xen.isTranslated(slot) ? p2mLookup(xen, slot, gfn) : gfn;
  return frame < 0 ? undefined : frame;
}

/**
 * An SMMUv3's stream table: its first level, where it has two, and the entries of the devices' streams. Those of streams
 * that no device has abort from the start.
 */
function streamTableRoles(xen: Xen, roles: Map<number, FrameRole>): void {
  const { smmuv3 } = xen;
  if (smmuv3 === undefined || smmuv3.streamTable < 0) return;
  const hex = (stream: number) => `0x${stream.toString(16)}`;
  const perFrame = 4096 / STE_BYTES;
  const streams = new Set(xen.spec.devices.flatMap(streamsOf));
  const entries = (table: number, frames: number, first: number): void => {
    for (let frame = 0; frame < frames; frame++) {
      const name = (index: number) => {
        const stream = first + frame * perFrame + index;
        return streams.has(stream) ? `SMMUv3 stream table entry of stream ${hex(stream)}` : '';
      };
      roles.set(table + frame, layoutRole(STREAM_TABLE_ENTRY, name));
    }
  };
  if (!smmuv3.twoLevels) {
    entries(smmuv3.streamTable, smmuv3.streamTableFrames, 0);
    return;
  }
  const name = (index: number) =>
    `SMMUv3 stream table of streams ${hex(index * 256)} to ${hex(index * 256 + 255)}`;
  roles.set(smmuv3.streamTable, layoutRole(STREAM_L1_DESCRIPTOR, name));
  for (const stream of streams) {
    const table = smmuv3.tableOf(stream);
    if (table >= 0) entries(table, STREAM_TABLE_FRAMES, stream & ~255);
  }
}

function radixRoles(
  xen: Xen,
  roles: Map<number, FrameRole>,
  format: RadixFormat,
  shape: RootShape,
  rootPdx: number,
  name: string,
): void {
  const onTable = (table: number, level: number, base: number): void => {
    if (roles.has(table)) return;
    const span = ENTRY_SPAN[level]!;
    const hex = (index: number) => `0x${(base + index * span).toString(16)}`;
    roles.set(table, {
      entryBytes: 8,
      name: (index) => `${name} ${hex(index)}${level === 1 ? '' : ` (${format.levelName(level)})`}`,
      layout: ([lo = 0, hi = 0]) => layoutOfEntry(format, lo, hi, level),
      frame: ([lo = 0, hi = 0]) => (format.present(lo, hi, level) ? format.frame(lo, hi) : undefined),
    });
  };
  walkAll(format, xen.ram, xen.ram.frameAt(rootPdx), shape, () => {}, { onTable });
}
