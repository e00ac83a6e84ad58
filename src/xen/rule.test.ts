import { expect, it } from 'vitest';
import { parseProgram } from '../program/parse.js';
import { Timeline } from '../program/timeline.js';
import { SourceText } from '../text/source.js';
import { DEFAULT_EDITION, resolveEdition } from './editions/edition.js';
import { ruling } from './rule.js';
import { Ground, groundOf, rightsOf } from './ruling.js';
import type { Xen } from './state.js';

function after(text: string): Xen {
  const program = parseProgram(new SourceText('test.dommu', text));
  return Timeline.record(program, resolveEdition(DEFAULT_EDITION)).xen;
}

it('says on what ground a PV domain’s devices have a page, or have it not', () => {
  const xen = after(`ram 0x100..0x10f
createdomain guest iommu
createdomain other iommu
populate_physmap guest 0x104 count=2
pin_l1_table guest 0x105
populate_physmap other 0x108 count=2
update_va_mapping other va=0 0x108 rw
grant other 8 guest 0x108
map_grant_ref guest h other 8 host va=0
`);
  const said = (frame: number) => {
    const answer = ruling(xen, 1, frame, frame);
    return [groundOf(answer), rightsOf(answer)];
  };
  expect(said(0x104)).toEqual([Ground.writable, 3]);
  expect(said(0x105)).toEqual([Ground.notWritable, 0]);
  expect(said(0x108)).toEqual([Ground.grant, 3]);
  expect(said(0x109)).toEqual([Ground.stranger, 0]);
  expect(said(0x10c)).toEqual([Ground.free, 0]);
  expect(groundOf(ruling(xen, 1, 0x104, 0x105))).toBe(Ground.notIdentity);
  expect(groundOf(ruling(xen, 0, 0x104, 0x104))).toBe(Ground.hwdomTrusted);
});

it('says on what ground a translated domain’s devices have a page, or have it not', () => {
  const xen = after(`ram 0x100..0x10f
createdomain guest hvm hap iommu
populate_physmap guest 0x104 gfn=8
memory_mapping guest add gfn=0x40 mfn=0xf000
`);
  expect(groundOf(ruling(xen, 1, 8, 0x104))).toBe(Ground.p2mOwn);
  expect(groundOf(ruling(xen, 1, 9, 0x104))).toBe(Ground.elsewhere);
  expect(groundOf(ruling(xen, 1, 0x40, 0xf000))).toBe(Ground.deviceMemory);
  expect(groundOf(ruling(xen, 1, 0x41, 0xf001))).toBe(Ground.noMemory);
});
