import { describe, expect, it } from 'vitest';
import { SourceText } from '../text/source.js';
import { knowledgeOfLog } from './log-knowledge.js';

const LOG = `(XEN) Xen image load base address: 0
(XEN) New Xen image base address: 0x7f800000
(XEN) [VT-D]DMAR:[DMA Write] Request device [0000:00:04.0] fault addr 13414c000
(XEN) [VT-D]DMAR: reason 05 - PTE Write access is not set
(XEN)     root_entry[00] = 1341d2001
`;

describe('what a log tells an audit', () => {
  it('is where Xen lies once it has moved, and which root table is the unit’s', () => {
    const { hypervisor, roots } = knowledgeOfLog(new SourceText('xl-dmesg.txt', LOG));
    expect(hypervisor).toEqual([{ name: 'Xen’s text', start: 0x7fa0_0000, end: 0x7fb0_0000 }]);
    expect(roots.entries).toEqual([{ bus: 0, entry: 0x1341d2001n }]);
  });

  it('is nothing where it has none of that', () => {
    const { hypervisor, reserved } = knowledgeOfLog(
      new SourceText('x', '(XEN) Xen image load base address: 0\n'),
    );
    expect([hypervisor, reserved]).toEqual([[], []]);
  });
});
