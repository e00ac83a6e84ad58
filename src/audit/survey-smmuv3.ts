import { R, W } from '../formats/address.js';
import { stage2Under } from '../formats/arm-stage2.js';
import { getField } from '../formats/layout.js';
import type { RootShape } from '../formats/radix.js';
import { sbdfText } from '../formats/requester.js';
import {
  OUTPUT_BITS,
  STE_BYTES,
  STREAM_L1_DESCRIPTOR,
  STREAM_TABLE_ENTRY,
  SteConfig,
} from '../formats/smmuv3.js';
import { AlikeEntries } from './alike.js';
import { entryProblem } from './entry-problem.js';
import type { FoundRoot } from './roots.js';
import { type Gathering, UnitNotes } from './spaces.js';
import type { AlikeRequesters, AuditedDevice, AuditedUnit } from './survey.js';

const PAGE = 4096;
const STES_A_PAGE = PAGE / STE_BYTES;
/** Entries that are looked at: those of 16 PCI segments. */
const STREAMS_AT_MOST = 1 << 20;
/** STRTAB_BASE_CFG.LOG2SIZE has no larger value (IHI 0070F §6.3.25, SMMU_IDR1.SIDSIZE). */
const LARGEST_SIZE = 32;

/** Everything that the stream table of an SMMUv3 and the stage-2 tables behind it say (IHI 0070F §3.3, §5). */
export function surveySmmuv3(gathering: Gathering, root: FoundRoot, unit: number): AuditedUnit {
  const notes = new UnitNotes(gathering.allowance);
  const others = new StreamTable(gathering, root, unit, notes).run();
  return notes.unit(root, '', others);
}

class StreamTable {
  private readonly gathering: Gathering;
  private readonly root: FoundRoot;
  private readonly unit: number;
  private readonly notes: UnitNotes;
  private readonly size: number;
  private readonly split: number;
  private left = STREAMS_AT_MOST;

  constructor(gathering: Gathering, root: FoundRoot, unit: number, notes: UnitNotes) {
    this.gathering = gathering;
    this.root = root;
    this.unit = unit;
    this.notes = notes;
    this.size = Math.min(LARGEST_SIZE, root.size ?? 16);
    this.split = Math.min(this.size, root.split ?? 0);
  }

  run(): AlikeRequesters[] {
    const { gathering, notes } = this;
    const alike = new AlikeEntries();
    this.each((at) => alike.add(this.text(at)), true);
    this.left = STREAMS_AT_MOST;
    this.each((at, stream) => {
      const device = () => this.device(at, stream);
      if (alike.tells(this.text(at), device)) return;
      if (gathering.takesDevice()) gathering.devices.push(device());
      else notes.devicesCutOff(gathering.allowance.devices);
    }, false);
    return alike.told();
  }

  /** Visits the valid entries of a linear or two-level table. @param notes whether what is wrong is noted. */
  private each(visit: (at: number, stream: number) => void, notes: boolean): void {
    const { root, split, size } = this;
    if (split === 0) {
      this.entries(root.table, 0, 2 ** size, visit, notes);
      return;
    }
    const { image } = this.gathering;
    for (let index = 0; index < 2 ** (size - split) && this.left > 0; index++) {
      const at = root.table + index * 8;
      if (!this.reads(at, notes)) {
        index += (PAGE - (at % PAGE)) / 8 - 1;
        continue;
      }
      const words = [image.read32(at), image.read32(at + 4)];
      const span = getField(STREAM_L1_DESCRIPTOR, 'span', words);
      if (span === 0) continue;
      const table = getField(STREAM_L1_DESCRIPTOR, 'table', words) * 64;
      // A span larger than the split is reserved (IHI 0070F §5.1): the hardware refuses the descriptor.
      if (span > split + 1) {
        if (notes) this.refuse(at);
        continue;
      }
      this.entries(table, index * 2 ** split, 2 ** (span - 1), visit, notes);
    }
  }

  private refuse(at: number): void {
    const { image } = this.gathering;
    this.notes.problems.add(() =>
      entryProblem(image, STREAM_L1_DESCRIPTOR, at, 'L1 descriptor', 'reserved-bits', 'its span is reserved'),
    );
  }

  private entries(
    table: number,
    first: number,
    count: number,
    visit: (at: number, stream: number) => void,
    notes: boolean,
  ): void {
    const { image } = this.gathering;
    for (let i = 0; i < count; i++) {
      if (this.left <= 0) {
        if (notes)
          this.notes.notes.push(
            `the stream table is longer than ${STREAMS_AT_MOST} entries: the others are not read`,
          );
        return;
      }
      this.left--;
      const at = table + i * STE_BYTES;
      if ((i % STES_A_PAGE === 0 || at % PAGE === 0) && !this.reads(at, notes)) {
        const skipped = Math.ceil((PAGE - (at % PAGE)) / STE_BYTES) - 1;
        i += skipped;
        this.left -= skipped;
      } else if ((image.read32(at) & 1) !== 0) visit(at, first + i);
    }
  }

  /** Whether a page of the tables is in memory; a problem when it is not. */
  private reads(at: number, notes: boolean): boolean {
    const { image } = this.gathering;
    const frame = Math.floor(at / PAGE);
    if (!notes) return image.locate(frame, 0) >= 0;
    return this.notes.reads(image, frame, () => ({ at, entry: 0n, level: 'stream table', input: 0 }));
  }

  /** What of an entry tells streams apart. */
  private text(at: number): string {
    const words = this.gathering.image.page(Math.floor(at / PAGE))!;
    const first = (at % PAGE) / 4;
    return words.subarray(first, first + 8).join();
  }

  private device(at: number, stream: number): AuditedDevice {
    const { image } = this.gathering;
    const words = Int32Array.from({ length: STREAM_TABLE_ENTRY.words }, (_, i) => image.read32(at + 4 * i));
    const config = getField(STREAM_TABLE_ENTRY, 'config', words);
    const base = {
      sbdf: this.name(stream),
      requester: stream,
      unit: this.unit,
      pasid: null,
      domainId: null,
      translation: 'blocked' as const,
      space: null,
      rights: 0,
      note: '',
      problems: [],
    };
    switch (config) {
      case SteConfig.BYPASS:
        return { ...base, translation: 'passthrough', type: 'bypass (Config = 100b)', rights: R | W };
      case SteConfig.STAGE1: {
        const note = 'stage-1 tables are not followed: what it reaches is up to their owner';
        return { ...base, translation: 'unknown', type: 'stage 1 (Config = 101b)', rights: R | W, note };
      }
      case SteConfig.STAGE2:
        return this.stage2({ ...base, type: 'stage 2 (Config = 110b)' }, words, at);
      case SteConfig.NESTED: {
        const note = 'stage-1 tables are not followed: the ranges are those of stage 2, which bounds them';
        return this.stage2({ ...base, type: 'stage 1 and 2 (Config = 111b)', note }, words, at);
      }
      default:
        return {
          ...base,
          type: `abort (Config = ${config.toString(2).padStart(3, '0')}b)`,
          note: 'it is aborted',
        };
    }
  }

  private name(stream: number): string {
    for (const range of this.root.streams ?? []) {
      const within = stream - range.stream;
      if (within >= 0 && within < range.count) return sbdfText(range.requester + within, range.segment);
    }
    return `stream:0x${stream.toString(16)}`;
  }

  private stage2(device: AuditedDevice, words: Int32Array, at: number): AuditedDevice {
    const field = (name: string) => getField(STREAM_TABLE_ENTRY, name, words);
    const domainId = field('vmid');
    const refused = (why: string, kind: 'reserved-bits' | 'unknown-format'): AuditedDevice => {
      const problem = entryProblem(this.gathering.image, STREAM_TABLE_ENTRY, at, 'STE', kind, why);
      const translation = kind === 'reserved-bits' ? 'blocked' : 'unknown';
      return { ...device, domainId, translation, note: why, problems: [problem] };
    };
    if (field('aarch64') === 0)
      return refused('tables of AArch32 (S2AA64 = 0) are not followed', 'unknown-format');
    if (field('bigEndian') === 1)
      return refused('big-endian tables (S2ENDI) are not followed', 'unknown-format');
    if (field('granule') !== 0)
      return refused('tables of 16 or 64 KiB (S2TG) are not followed', 'unknown-format');
    const shape = stage2Root(field('t0sz'), field('startLevel'));
    if (shape === undefined) return refused('no tables have this S2T0SZ and S2SL0', 'reserved-bits');
    const root = field('root') * 16;
    if (root % PAGE !== 0) return refused('its tables begin within a page', 'unknown-format');
    const outputBits = OUTPUT_BITS[field('outputSize')];
    if (outputBits === undefined) return refused('its output size (S2PS) is reserved', 'reserved-bits');
    const format = stage2Under({
      outputBits,
      accessFlagFaults: field('accessFlagDisable') === 0 && field('hardwareAccess') === 0,
      hardwareDirty: field('hardwareDirty') === 1,
    });
    const space = this.gathering.space(format, root / PAGE, shape);
    return { ...device, domainId, translation: 'translated', space, rights: R | W };
  }
}

/**
 * The root that S2T0SZ and S2SL0 describe with the 4 KiB granule: a start level, and as many tables side by side as the
 * input bits beyond one table's take; undefined where the architecture has none (Arm ARM DDI 0487 §D8.2).
 */
export function stage2Root(t0sz: number, startLevel: number): RootShape | undefined {
  const inputBits = 64 - t0sz;
  const topLevel = startLevel + 2;
  if (startLevel > 2 || inputBits < 24 || inputBits > 52) return undefined;
  const extra = inputBits - (12 + 9 * topLevel);
  // At most 16 tables side by side, none at level 0; at least one bit must index the root.
  if (extra > 4 || (startLevel === 2 && extra > 0) || extra <= -9) return undefined;
  return { topLevel, concatenated: 2 ** Math.max(0, extra), inputBits };
}
