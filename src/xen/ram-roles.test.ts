import { expect, it } from 'vitest';
import { parseProgram } from '../program/parse.js';
import { Timeline } from '../program/timeline.js';
import { SourceText } from '../text/source.js';
import { DEFAULT_EDITION, resolveEdition } from './editions/edition.js';

/** What the last step of a program changed in an entry. */
function changeOf(text: string, entry: string): string | undefined {
  const program = parseProgram(new SourceText('test.dommu', text));
  const timeline = Timeline.record(program, resolveEdition(DEFAULT_EDITION));
  return timeline.changesOf(timeline.length).find(({ what }) => what === entry)?.after;
}

const GUEST = `ram 0x100..0x10f
createdomain guest hvm hap iommu
populate_physmap guest 0x104 gfn=8
`;

it('reads an entry of a p2m in the format of the processor: EPT, or page tables on AMD', () => {
  expect(changeOf(GUEST, 'd1 p2m GFN 0x8')).toContain('execute, memory type WB');
  const amd = changeOf(`iommu amdvi\n${GUEST}`, 'd1 p2m GFN 0x8');
  expect(amd).toContain('present, writable, user');
  expect(amd).toContain('address 0x104');
});
