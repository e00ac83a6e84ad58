import { R, W } from '../formats/address.js';
import { getField } from '../formats/layout.js';
import type { RadixFormat } from '../formats/radix.js';
import { sbdfText } from '../formats/requester.js';
import { levelsOfWidth } from '../formats/vtd.js';
import {
  directoryEntries,
  PASID_ENTRY_BYTES,
  PASIDS_A_TABLE,
  PasidType,
  SCALABLE_CONTEXT_BYTES,
  VTD_PASID_DIRECTORY_ENTRY,
  VTD_PASID_ENTRY,
  VTD_SCALABLE_CONTEXT_ENTRY,
  VTD_SCALABLE_ROOT_ENTRY,
} from '../formats/vtd-scalable.js';
import { X86_64 } from '../formats/x86-pte.js';
import { entryProblem } from './entry-problem.js';
import { entryOf } from './problems.js';
import type { FoundRoot } from './roots.js';
import type { Gathering, UnitNotes } from './spaces.js';
import type { AuditedDevice, MemoryImage } from './survey.js';
import { formatOf, rootOfLevels } from './survey-vtd.js';

const PAGE = 4096;
/** Context entries in a table: those of 16 devices. */
const CONTEXTS = 128;

/** Reads the words of an entry, to be decoded by its layout. */
function wordsAt(image: MemoryImage, at: number, count: number): Int32Array {
  const words = new Int32Array(count);
  for (let i = 0; i < count; i++) words[i] = image.read32(at + 4 * i);
  return words;
}

/** Whether any field that a layout calls reserved is not zero. */
function reservedSet(layout: typeof VTD_PASID_ENTRY, words: Int32Array): boolean {
  return layout.fields.some(({ kind, name }) => kind === 'reserved' && getField(layout, name, words) !== 0);
}

/** Root, context, PASID-directory and PASID tables of a unit in scalable mode (Intel VT-d spec 5.10 §3.4.3). */
export function surveyScalable(gathering: Gathering, root: FoundRoot, unit: number, notes: UnitNotes): void {
  new ScalableSurvey(gathering, root, unit, notes).run();
}

class ScalableSurvey {
  private readonly gathering: Gathering;
  private readonly image: MemoryImage;
  private readonly root: FoundRoot;
  private readonly unit: number;
  private readonly notes: UnitNotes;
  private readonly format: RadixFormat;

  constructor(gathering: Gathering, root: FoundRoot, unit: number, notes: UnitNotes) {
    this.gathering = gathering;
    this.image = gathering.image;
    this.root = root;
    this.unit = unit;
    this.notes = notes;
    this.format = formatOf(root);
  }

  run(): void {
    for (let bus = 0; bus < 256; bus++) {
      const at = this.root.table + bus * 16;
      const words = wordsAt(this.image, at, 4);
      const lower = (words[0]! & 1) !== 0;
      const upper = (words[2]! & 1) !== 0;
      if (!lower && !upper) continue;
      if (reservedSet(VTD_SCALABLE_ROOT_ENTRY, words)) {
        this.refuse(VTD_SCALABLE_ROOT_ENTRY, at, 'root entry');
        continue;
      }
      if (lower) this.contexts(getField(VTD_SCALABLE_ROOT_ENTRY, 'lowerTable', words), at, bus << 8);
      if (upper) this.contexts(getField(VTD_SCALABLE_ROOT_ENTRY, 'upperTable', words), at, (bus << 8) | 0x80);
    }
  }

  private refuse(layout: typeof VTD_PASID_ENTRY, at: number, level: string): void {
    this.notes.problems.add(() =>
      entryProblem(this.image, layout, at, level, 'reserved-bits', 'reserved bits are set'),
    );
  }

  /** Whether a table is in memory; a problem of the entry at `at` when it is not. */
  private reads(frame: number, at: number, level: string): boolean {
    return this.notes.reads(this.image, frame, () => {
      return { at, entry: entryOf(this.image.read32(at), this.image.read32(at + 4)), level, input: 0 };
    });
  }

  private contexts(table: number, rootEntry: number, firstRequester: number): void {
    if (!this.reads(table, rootEntry, 'root entry')) return;
    for (let i = 0; i < CONTEXTS; i++) {
      const at = table * PAGE + i * SCALABLE_CONTEXT_BYTES;
      if ((this.image.read32(at) & 1) === 0) continue;
      const words = wordsAt(this.image, at, VTD_SCALABLE_CONTEXT_ENTRY.words);
      if (reservedSet(VTD_SCALABLE_CONTEXT_ENTRY, words))
        this.refuse(VTD_SCALABLE_CONTEXT_ENTRY, at, 'context entry');
      else this.pasids(words, at, firstRequester | i);
    }
  }

  /** The PASIDs of a function: that of requests without one first, then the others if they are enabled. */
  private pasids(context: Int32Array, at: number, requester: number): void {
    const field = (name: string) => getField(VTD_SCALABLE_CONTEXT_ENTRY, name, context);
    const directory = field('directory');
    const own = field('requestPasid');
    const entries = directoryEntries(field('directorySize'));
    const table = this.pasidTable(directory, Math.floor(own / PASIDS_A_TABLE), entries, at);
    const found = table === undefined ? undefined : this.pasid(table, own, requester, null);
    if (found === undefined) this.list(this.blocked(requester, null, 'its PASID-table entry is not present'));
    if (field('pasidEnable') === 0) return;
    for (let index = 0; index < entries; index++) {
      if (!this.gathering.takesDevice() || !this.takesTable()) return;
      // A directory of more than 512 entries is longer than a page.
      if (index % 512 === 0 && !this.reads(directory + index / 512, at, 'context entry')) {
        index += 511;
        continue;
      }
      const pasids = this.pasidTable(directory, index, entries, at);
      if (pasids === undefined) continue;
      for (let i = 0; i < PASIDS_A_TABLE; i++) {
        const pasid = index * PASIDS_A_TABLE + i;
        if (pasid !== own) this.pasid(pasids, pasid, requester, pasid);
      }
    }
  }

  /** Directories and PASID tables count as tables, for many functions may name the same garbage. */
  private takesTable(): boolean {
    if (this.gathering.allowance.tables <= 0) {
      this.notes.devicesCutOff(this.gathering.allowance.devices);
      return false;
    }
    this.gathering.allowance.tables--;
    return true;
  }

  /** Frame of the PASID table behind a directory's entry; undefined when there is none. */
  private pasidTable(directory: number, index: number, entries: number, context: number): number | undefined {
    if (index >= entries) return undefined;
    const at = directory * PAGE + index * 8;
    if (!this.reads(Math.floor(at / PAGE), context, 'context entry')) return undefined;
    const words = wordsAt(this.image, at, 2);
    if ((words[0]! & 1) === 0) return undefined;
    if (reservedSet(VTD_PASID_DIRECTORY_ENTRY, words)) {
      this.refuse(VTD_PASID_DIRECTORY_ENTRY, at, 'PASID-directory entry');
      return undefined;
    }
    const table = getField(VTD_PASID_DIRECTORY_ENTRY, 'table', words);
    return this.reads(table, at, 'PASID-directory entry') ? table : undefined;
  }

  /** Lists the entry of one PASID, if it is present. */
  private pasid(
    table: number,
    pasid: number,
    requester: number,
    shown: number | null,
  ): AuditedDevice | undefined {
    const at = table * PAGE + (pasid % PASIDS_A_TABLE) * PASID_ENTRY_BYTES;
    if ((this.image.read32(at) & 1) === 0) return undefined;
    const device = this.translated(wordsAt(this.image, at, VTD_PASID_ENTRY.words), at, requester, shown);
    return this.list(device) ? device : undefined;
  }

  private list(device: AuditedDevice): boolean {
    const { gathering, notes } = this;
    if (!gathering.takesDevice()) {
      notes.devicesCutOff(gathering.allowance.devices);
      return false;
    }
    gathering.devices.push(device);
    return true;
  }

  private translated(words: Int32Array, at: number, requester: number, pasid: number | null): AuditedDevice {
    const field = (name: string) => getField(VTD_PASID_ENTRY, name, words);
    const device = { ...this.blocked(requester, pasid, ''), domainId: field('did') };
    const refused = (why: string): AuditedDevice => {
      const problem = entryProblem(
        this.image,
        VTD_PASID_ENTRY,
        at,
        'PASID-table entry',
        'reserved-bits',
        why,
      );
      return { ...device, note: why, problems: [problem] };
    };
    if (reservedSet(VTD_PASID_ENTRY, words)) return refused('reserved bits are set');
    const levels = levelsOfWidth(field('width'));
    const second = () => this.gathering.space(this.format, field('secondRoot'), rootOfLevels(levels));
    switch (field('type')) {
      case PasidType.PASS_THROUGH:
        return { ...device, type: 'pass-through (PGTT = 100b)', translation: 'passthrough', rights: R | W };
      case PasidType.SECOND_STAGE: {
        if (levels === 0) return refused('its address width is reserved');
        const type = 'second-stage (PGTT = 010b)';
        return { ...device, type, translation: 'translated', rights: R | W, space: second() };
      }
      case PasidType.NESTED: {
        if (levels === 0) return refused('its address width is reserved');
        const type = 'nested (PGTT = 011b)';
        const note =
          'first-stage tables are not followed: the ranges are those of the second stage, which bounds them';
        return { ...device, type, note, translation: 'translated', rights: R | W, space: second() };
      }
      case PasidType.FIRST_STAGE: {
        const shape = rootOfLevels(field('firstLevels') === 1 ? 5 : 4);
        const space = this.gathering.space(X86_64, field('firstRoot'), shape);
        const type = 'first-stage (PGTT = 001b)';
        const note = 'user and supervisor pages are not told apart';
        return { ...device, type, note, translation: 'translated', rights: R | W, space };
      }
      default:
        return refused('its translation type is reserved');
    }
  }

  /** A device that reaches nothing. */
  private blocked(requester: number, pasid: number | null, note: string): AuditedDevice {
    return {
      sbdf: sbdfText(requester, this.root.segment),
      requester,
      unit: this.unit,
      pasid,
      domainId: null,
      translation: 'blocked',
      type: '',
      space: null,
      rights: 0,
      note,
      problems: [],
    };
  }
}
