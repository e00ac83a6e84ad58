import { expect, it } from 'vitest';
import { parseProgram } from '../program/parse.js';
import { Timeline } from '../program/timeline.js';
import { SourceText } from '../text/source.js';
import { DEFAULT_EDITION, resolveEdition } from './editions/edition.js';
import { permittedOn, permittedRights } from './rule.js';
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
  const ground = (frame: number) => [
    permittedOn(xen, 1, frame, frame),
    permittedRights(xen, 1, frame, frame),
  ];
  expect(ground(0x104)).toEqual(['writable', 3]);
  expect(ground(0x105)).toEqual(['notWritable', 0]);
  expect(ground(0x108)).toEqual(['grant', 3]);
  expect(ground(0x109)).toEqual(['stranger', 0]);
  expect(ground(0x10c)).toEqual(['free', 0]);
  expect(permittedOn(xen, 1, 0x104, 0x105)).toBe('notIdentity');
  expect(permittedOn(xen, 0, 0x104, 0x104)).toBe('hwdomTrusted');
});

it('says on what ground a translated domain’s devices have a page, or have it not', () => {
  const xen = after(`ram 0x100..0x10f
createdomain guest hvm hap iommu
populate_physmap guest 0x104 gfn=8
memory_mapping guest add gfn=0x40 mfn=0xf000
`);
  expect(permittedOn(xen, 1, 8, 0x104)).toBe('p2mOwn');
  expect(permittedOn(xen, 1, 9, 0x104)).toBe('elsewhere');
  expect(permittedOn(xen, 1, 0x40, 0xf000)).toBe('deviceMemory');
  expect(permittedOn(xen, 1, 0x41, 0xf001)).toBe('noMemory');
});
