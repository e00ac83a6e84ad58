import type { Rights } from '../../formats/address.js';
import { rightsText } from '../../formats/address.js';
import { sbdfText } from '../../formats/requester.js';
import type { IommuFault } from '../../hardware/iommu.js';
import { Stage2Refusal } from '../../hardware/stage2.js';
import { hex } from '../../text/hex.js';
import { deviceOwner } from '../../xen/devices.js';
import { faultLines } from '../../xen/fault-lines.js';
import type { Xen } from '../../xen/state.js';
import type { Here } from '../here.js';
import { fieldsBox, type PathBox } from './box.js';
import { frameBox, type Judgement, judgeReached, judgeRefused } from './destination.js';
import { faultBoxes } from './fault-boxes.js';
import type { Front } from './front.js';
import { amdviFront } from './front-amdvi.js';
import { smmuFront } from './front-smmu.js';
import { smmuv3Front } from './front-smmuv3.js';
import { vtdFront, vtdUnseen } from './front-vtd.js';
import { levelBoxes, needOf } from './levels.js';
import { contextCacheBox, iotlbBox } from './remembered.js';

/** An access of a device: made, or imagined. */
export interface Access {
  readonly device: number;
  /** Requester id or stream id; -1 where no IOMMU stands in front. */
  readonly requester: number;
  readonly address: number;
  readonly write: boolean;
}

/** The way of an access, box by box, and what becomes of it. */
export interface AccessPath {
  /** The access in words: `nic (0000:03:00.0) reads 0x1cb148`. */
  readonly access: string;
  readonly device: string;
  readonly address: number;
  readonly write: boolean;
  /** The way that it takes, the device first. */
  readonly boxes: readonly PathBox[];
  /** What the tables say where something that was remembered answered in their place. */
  readonly tables?: { readonly boxes: readonly PathBox[]; readonly same: boolean; readonly says: string };
  /** The frame reached; undefined where the access is refused. */
  readonly frame?: number;
  readonly says: string;
  readonly rule: Judgement;
  /** Fault registers of an access that is refused, and what Xen logs of it. */
  readonly faults: readonly PathBox[];
  readonly log: readonly string[];
}

/** What a unit makes of an access. */
interface Answer {
  readonly frame: number;
  readonly iotlbRow: number;
  readonly contextRow: number;
  readonly fault?: IommuFault;
}

/** Lets the unit itself decide, and undoes what it remembers of it. */
function answerOf(xen: Xen, unit: number, { requester, address, write }: Access): Answer {
  const iommu = xen.units[unit]!;
  const mark = xen.store.mark();
  const passes = iommu.translate(requester, address, write);
  const answer = {
    frame: passes ? iommu.frame : -1,
    iotlbRow: iommu.iotlbRow,
    contextRow: xen.vtds[unit]?.contextRow ?? -1,
    ...(!passes && { fault: iommu.lastFault() }),
  };
  xen.store.rollback(mark);
  return answer;
}

/** A requester id as people write it: a PCI function's, or a stream's. */
export const requesterText = (xen: Xen, requester: number): string =>
  xen.spec.arch === 'arm' ? `stream ${hex(requester)}` : sbdfText(requester);

/** The way that an access takes through the machine as it stands `there`. The machine is as it was afterwards. */
export function accessPath(there: Here, access: Access): AccessPath {
  const { xen } = there;
  const { device, requester, address, write } = access;
  const unit = requester < 0 ? -1 : xen.unitIndex(device);
  const input = Math.floor(address / 4096);
  const spec = xen.spec.devices[device]!;
  const verb = write ? 'writes' : 'reads';
  const head = {
    access: `${spec.name} (${requester < 0 ? spec.address : requesterText(xen, requester)}) ${verb} ${hex(address)}`,
    device: spec.name,
    address,
    write,
  };
  const first = deviceBox(there, access);
  const slot = deviceOwner(xen, device);
  const need = needOf(write);
  if (unit < 0 || xen.units[unit] === undefined) {
    const says = `No IOMMU that Xen drives is in front of ${spec.name}: the access goes to memory as it is.`;
    const rule = { fits: true, text: 'The rule binds only devices that an IOMMU is in front of.' };
    return {
      ...head,
      boxes: [first, frameBox(there, input, 3)],
      frame: input,
      says,
      rule,
      faults: [],
      log: [],
    };
  }

  const answer = answerOf(xen, unit, access);
  const front = frontOf(there, unit, requester, need);
  const asked = [first, ...askedBoxes(there, unit, access, answer, front)];
  const tables = tablesBeside(there, unit, access, answer, front);
  const rest = { ...head, ...(tables && { tables }) };
  if (answer.fault === undefined) {
    const rights = asked.findLast((box) => box.rights !== undefined)?.rights;
    const box = frameBox(there, answer.frame, rightsOf(rights));
    const rule = judgeReached(xen, slot, input, answer.frame, need);
    const says = `The access goes to frame ${hex(answer.frame)}, offset ${hex(address % 4096)}.`;
    return { ...rest, boxes: [...asked, box], frame: answer.frame, says, rule, faults: [], log: [] };
  }
  const refusing = asked.at(-1)!;
  const says =
    refusing.state === 'ended'
      ? `Refused at ${refusing.title} ${refusing.which}: ${refusing.says}.`
      : 'Refused: the address lies beyond what the tables cover.';
  return {
    ...rest,
    boxes: asked,
    says,
    rule: judgeRefused(xen, slot, input, need),
    faults: faultBoxes(xen.spec, answer.fault),
    log: faultLines(xen, device, answer.fault),
  };
}

const rightsOf = (text: string | undefined): Rights =>
  text === undefined ? 3 : (text.includes('r') ? 1 : 0) | (text.includes('w') ? 2 : 0);

function deviceBox(there: Here, { device, requester, address, write }: Access): PathBox {
  const { xen } = there;
  const spec = xen.spec.devices[device]!;
  const fields = [
    {
      name: 'owner',
      value: there.field('device', device, 'owner'),
      doc: 'the domain that the device is given to',
    },
    {
      name: 'requester',
      value: { text: requester < 0 ? 'none' : requesterText(xen, requester) },
      doc: 'the id under which its accesses arrive',
    },
    { name: 'bus address', value: { text: hex(address) }, doc: 'the address that it uses' },
    { name: 'dfn', value: { text: hex(Math.floor(address / 4096)) }, doc: 'the frame of that address' },
  ];
  return fieldsBox(fields, {
    id: 'device',
    kind: 'device',
    title: spec.name,
    which: requester < 0 ? spec.address : requesterText(xen, requester),
    place: spec.address,
    rights: rightsText(3),
    state: 'passed',
    says: `${write ? 'writes' : 'reads'} ${hex(address)}`,
  });
}

/** How the unit finds the tables of a requester, by what they say in memory. */
function frontOf(there: Here, unit: number, requester: number, need: Rights): Front {
  const { xen } = there;
  if (xen.vtds[unit] !== undefined) return vtdFront(there, unit, requester);
  if (xen.amdvis[unit] !== undefined) return amdviFront(there, unit, requester, need);
  return xen.smmuv3 === undefined ? smmuFront(there, requester) : smmuv3Front(there, requester);
}

/** What an SMMU has against an access beside what the walk has; its front has selected the requester. */
function stage2Refusal({ xen }: Here, input: number, need: Rights): number {
  return (xen.smmu ?? xen.smmuv3)?.selectedRefusal(input, need) ?? Stage2Refusal.none;
}

/** The boxes between the device and memory that the access itself went through. */
function askedBoxes(
  there: Here,
  unit: number,
  access: Access,
  answer: Answer,
  front: Front,
): readonly PathBox[] {
  const { xen } = there;
  const input = Math.floor(access.address / 4096);
  const need = needOf(access.write);
  const remembered = answer.contextRow >= 0;
  const boxes: PathBox[] = remembered ? [contextCacheBox(there, unit, answer.contextRow)] : [...front.boxes];
  if (answer.iotlbRow >= 0) {
    return [...boxes, iotlbBox(there, unit, answer.iotlbRow, answer.fault !== undefined)];
  }
  const iommu = xen.units[unit]!;
  const tree = !remembered
    ? front.tree
    : iommu.selectRemembered(access.requester)
      ? iommu.selectedTree
      : undefined;
  if (tree === undefined) return boxes;
  const options = {
    unseen: xen.vtds[unit] && vtdUnseen(there, unit),
    stage2: stage2Refusal(there, input, need),
  };
  return [...boxes, ...levelBoxes(there, tree, input, need, options).boxes];
}

/** What the tables say, where the access was answered by what the unit remembers. */
function tablesBeside(
  there: Here,
  unit: number,
  access: Access,
  { iotlbRow, contextRow, frame }: Answer,
  front: Front,
): AccessPath['tables'] {
  if (iotlbRow < 0 && contextRow < 0) return undefined;
  const { xen } = there;
  const input = Math.floor(access.address / 4096);
  const need = needOf(access.write);
  const boxes = contextRow >= 0 ? [...front.boxes] : [];
  const last = front.boxes.at(-1)!;
  let led = last.state === 'ended' ? -1 : input;
  if (front.tree !== undefined) {
    if (xen.smmu !== undefined || xen.smmuv3 !== undefined) xen.units[unit]!.select(access.requester);
    const options = {
      unseen: xen.vtds[unit] && vtdUnseen(there, unit),
      stage2: stage2Refusal(there, input, need),
    };
    const levels = levelBoxes(there, front.tree, input, need, options);
    boxes.push(...levels.boxes);
    led = levels.passes ? levels.report.frame : -1;
  }
  const same = led === frame;
  const says = same
    ? 'The tables in memory say the same.'
    : led < 0
      ? 'The tables in memory would refuse the access: what the unit remembers is stale.'
      : `The tables in memory lead to frame ${hex(led)}: what the unit remembers is stale.`;
  return { boxes: boxes.map((box) => ({ ...box, id: `tables-${box.id}` })), same, says };
}
