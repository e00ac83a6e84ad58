import { hex } from '../../text/hex.js';
import type { Here } from '../here.js';
import { fieldsBox } from './box.js';
import { type Front, rowFields } from './front.js';

const STREAM = {
  stream: 'the stream id that it matches (SMRn)',
  bank: 'the context bank to which it leads the stream (S2CRn)',
};
const BANK = {
  vmid: 'tags what the unit remembers (CBARn)',
  root: 'frame of the stage 2 root (TTBR0)',
};

/** Stream mapping and context bank of an SMMUv2. (Arm IHI 0062D §2.3) */
export function smmuFront(there: Here, stream: number): Front {
  const smmu = there.xen.smmu!;
  const row = smmu.rowOf(stream);
  const bank = smmu.findBank(stream);
  const mapping = fieldsBox(row < 0 ? [] : rowFields(there, 'SMMU stream', row, STREAM), {
    id: 'stream',
    kind: 'registers',
    title: 'stream mapping',
    which: row < 0 ? 'none' : `register ${row}`,
    place: row < 0 ? 'no stream mapping register' : `stream mapping register ${row}`,
    chosenBy: 'the stream id',
    state: bank < 0 ? 'ended' : 'passed',
    says:
      row < 0
        ? `no register matches stream ${hex(stream)}: the stream is unidentified`
        : bank < 0
          ? 'leads to no context bank: the stream faults'
          : `leads to context bank ${bank}`,
    deciding: row >= 0 && bank < 0 ? ['bank'] : [],
  });
  if (bank < 0) return { boxes: [mapping] };
  smmu.select(stream);
  const tree = smmu.selectedTree!;
  const context = fieldsBox(rowFields(there, 'SMMU bank', bank, BANK), {
    id: 'bank',
    kind: 'registers',
    title: 'context bank',
    which: String(bank),
    place: `context bank ${bank}`,
    chosenBy: 'the stream mapping',
    state: 'passed',
    says: `leads to the stage 2 tables whose root is in frame ${hex(tree.root)}`,
  });
  return { boxes: [mapping, context], tree };
}
