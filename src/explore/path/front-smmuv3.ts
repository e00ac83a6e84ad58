import { STAGE2_SHAPES } from '../../formats/arm-stage2.js';
import { getField } from '../../formats/layout.js';
import { OUTPUT_BITS, STREAM_L1_DESCRIPTOR, STREAM_TABLE_ENTRY, SteConfig } from '../../formats/smmuv3.js';
import { hex } from '../../text/hex.js';
import type { Here } from '../here.js';
import { bitsBox, fieldsBox, type PathBox, placeText } from './box.js';
import { type Front, rowFields } from './front.js';

/** Stream table of an SMMUv3. (Arm IHI 0070F §3.3) */
export function smmuv3Front(there: Here, stream: number): Front {
  const smmu = there.xen.smmuv3!;
  const none = smmu.streamTable < 0 || stream >= 2 ** smmu.streamBits;
  const boxes: PathBox[] = [
    fieldsBox(rowFields(there, 'SMMUv3', 0, { streamTable: 'frame of the stream table (STRTAB_BASE)' }), {
      id: 'registers',
      kind: 'registers',
      title: 'SMMUv3',
      which: 'unit',
      place: 'registers of the unit',
      state: none ? 'ended' : 'passed',
      says: none
        ? `the stream table has no place for stream ${hex(stream)}`
        : `the stream table is in frame ${hex(smmu.streamTable)}`,
    }),
  ];
  if (none) return { boxes };
  const at = smmu.entryAddress(stream);
  if (smmu.twoLevels) boxes.push(descriptorBox(there, stream, at < 0));
  if (at < 0) return { boxes };
  const entry = entryBox(there, stream, at);
  boxes.push(entry);
  const selected = smmu.select(stream);
  const tree = smmu.selectedTree;
  return selected && tree !== undefined ? { boxes, tree } : { boxes };
}

function descriptorBox(there: Here, stream: number, ended: boolean): PathBox {
  const smmu = there.xen.smmuv3!;
  const at = smmu.descriptorAddress(stream);
  return bitsBox(STREAM_L1_DESCRIPTOR, there.ramWords(at, STREAM_L1_DESCRIPTOR.words), {
    id: 'descriptor',
    kind: 'entry',
    title: 'stream L1',
    which: `[${hex(stream >>> 8)}]`,
    place: `descriptor ${hex(stream >>> 8)} of the stream table: ${placeText(at)}`,
    mfn: Math.floor(at / 4096),
    chosenBy: 'the stream id from bit 8 up',
    state: ended ? 'ended' : 'passed',
    says: ended
      ? 'no second-level table has the entry'
      : `leads to the second-level table in frame ${hex(smmu.tableOf(stream))}`,
    deciding: ended ? ['span'] : [],
  });
}

function entryBox(there: Here, stream: number, at: number): PathBox {
  const words = there.ramWords(at, STREAM_TABLE_ENTRY.words);
  const { now } = words;
  const of = (name: string) => getField(STREAM_TABLE_ENTRY, name, now);
  const wrong = refusedFields(now);
  const stopped = wrong.length === 0 && of('config') < SteConfig.BYPASS;
  const says =
    wrong.length > 0
      ? of('valid') === 0
        ? 'not valid'
        : 'says what the unit cannot do'
      : stopped
        ? 'stops the stream'
        : of('config') === SteConfig.BYPASS
          ? 'bypass: addresses are not translated'
          : `leads to the stage 2 tables whose root is in frame ${hex(of('root') / 256)}`;
  return bitsBox(STREAM_TABLE_ENTRY, words, {
    id: 'stream-entry',
    kind: 'entry',
    title: 'stream entry',
    which: hex(stream),
    place: `entry of stream ${hex(stream)}: ${placeText(at)}`,
    mfn: Math.floor(at / 4096),
    chosenBy: there.xen.smmuv3!.twoLevels ? 'bits 7–0 of the stream id' : 'the stream id',
    state: wrong.length > 0 || stopped ? 'ended' : 'passed',
    says,
    deciding: stopped ? ['config'] : wrong,
  });
}

/** Names of the fields because of which an SMMUv3 that translates by stage 2 refuses an entry; none for one that it takes. */
export function refusedFields(entry: ArrayLike<number>): string[] {
  const of = (name: string) => getField(STREAM_TABLE_ENTRY, name, entry);
  if (of('valid') === 0) return ['valid'];
  const config = of('config');
  if (config <= SteConfig.BYPASS) return [];
  if (config !== SteConfig.STAGE2) return ['config'];
  const shape = STAGE2_SHAPES.some(({ t0sz, sl0 }) => t0sz === of('t0sz') && sl0 === of('startLevel'));
  return [
    ...(shape ? [] : ['t0sz', 'startLevel']),
    ...(of('granule') === 0 ? [] : ['granule']),
    ...(of('outputSize') < OUTPUT_BITS.length ? [] : ['outputSize']),
    ...(of('aarch64') === 1 ? [] : ['aarch64']),
    ...(of('bigEndian') === 0 ? [] : ['bigEndian']),
  ];
}
