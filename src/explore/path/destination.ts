import type { Rights } from '../../formats/address.js';
import { rightsText } from '../../formats/address.js';
import { hex } from '../../text/hex.js';
import { isFree, ownerOf } from '../../xen/frames.js';
import { handleRights } from '../../xen/grant-iommu.js';
import { p2mLookup } from '../../xen/p2m.js';
import { ruling } from '../../xen/rule.js';
import { GROUNDS, groundOf, rightsOf } from '../../xen/ruling.js';
import type { Xen } from '../../xen/state.js';
import type { Here } from '../here.js';
import { fieldsBox, type PathBox } from './box.js';

/** Whether something is as the rule has it. */
export interface Judgement {
  readonly fits: boolean;
  readonly text: string;
}

/** Whose a frame is, in words. */
export function ownerText(xen: Xen, frame: number): string {
  const pdx = xen.ram.indexOf(frame);
  if (pdx < 0) return 'no RAM';
  if (isFree(xen, pdx)) return 'free';
  const owner = ownerOf(xen, pdx);
  return owner < 0 ? 'Xen' : xen.domainName(owner);
}

/** The frame to which an access led. */
export function frameBox(there: Here, frame: number, rights: Rights): PathBox {
  const { xen } = there;
  const pdx = xen.ram.indexOf(frame);
  const fields =
    pdx < 0
      ? []
      : [
          { name: 'owner', value: there.field('frame', pdx, 'owner'), doc: 'the domain whose page it is' },
          {
            name: 'type',
            value: there.part('frame', pdx, 'typeInfo', 'type'),
            doc: 'what the page may be used as',
          },
          {
            name: 'type count',
            value: there.part('frame', pdx, 'typeInfo', 'type count'),
            doc: 'uses as that type',
          },
          {
            name: 'references',
            value: there.part('frame', pdx, 'countInfo', 'references'),
            doc: 'references that keep it',
          },
        ];
  return fieldsBox(fields, {
    id: 'frame',
    kind: 'frame',
    title: 'memory',
    which: `frame ${hex(frame)}`,
    place: `frame ${hex(frame)}`,
    mfn: frame,
    rights: rightsText(rights),
    state: 'passed',
    says: pdx < 0 ? 'no RAM: a register, or nothing' : `a page of ${ownerText(xen, frame)}`,
  });
}

/** What the one rule says of an access by a device of `slot` that led to a frame. */
export function judgeReached(xen: Xen, slot: number, input: number, frame: number, need: Rights): Judgement {
  if (slot < 0) return { fits: false, text: 'The device belongs to nobody: the rule gives it nothing.' };
  const answer = ruling(xen, slot, input, frame);
  const rights = rightsOf(answer);
  const ground = GROUNDS[groundOf(answer)];
  const fits = (rights & need) !== 0;
  const may = `${rightsText(rights)} for devices of ${xen.domainName(slot)}`;
  return { fits, text: `The rule ${fits ? 'allows it' : 'does not allow it'}: ${may} (${ground}).` };
}

/** What the rule says of an access that was refused: whether the tables should have let it through. */
export function judgeRefused(xen: Xen, slot: number, input: number, need: Rights): Judgement {
  if (slot < 0) return { fits: true, text: 'The device belongs to nobody: it should reach nothing.' };
  const { translated, frame } = meantFrame(xen, slot, input);
  const pdx = xen.ram.indexOf(input);
  if (frame < 0) {
    const held = pdx < 0 ? 0 : handleRights(xen, slot, -1, pdx);
    const name = xen.domainName(slot);
    if ((held & need) !== 0) {
      const granted = `${name} holds a live grant handle (${rightsText(held)}) for machine frame ${hex(input)}`;
      return {
        fits: false,
        text: `${granted}, and its p2m has no entry at that address: the entry is missing.`,
      };
    }
    return {
      fits: true,
      text: `The p2m of ${name} has nothing at ${hex(input)}: the rule gives nothing there.`,
    };
  }
  const answer = ruling(xen, slot, input, frame);
  const rights = rightsOf(answer);
  const ground = GROUNDS[groundOf(answer)];
  const where = translated ? `, to which the p2m leads, ` : ' ';
  const may = `${rightsText(rights)} on frame ${hex(frame)}${where}for devices of ${xen.domainName(slot)} (${ground})`;
  return (rights & need) === 0
    ? { fits: true, text: `The rule agrees: ${may}.` }
    : { fits: false, text: `The rule would allow it: ${may}. The tables say less.` };
}

/** The frame that a device of a domain means by an input frame: what the p2m says, or the machine frame itself. */
function meantFrame(xen: Xen, slot: number, input: number): { translated: boolean; frame: number } {
  const translated = slot < xen.domIo && xen.isTranslated(slot);
  return { translated, frame: translated ? p2mLookup(xen, slot, input) : input };
}
