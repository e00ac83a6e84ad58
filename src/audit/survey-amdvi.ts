import { R, W } from '../formats/address.js';
import {
  AMDVI_DEVICE_ENTRY,
  AMDVI_DEVICES,
  AMDVI_ENTRY_BYTES,
  AMDVI_SHAPES,
  AMDVI_TABLES,
  deviceDid,
  deviceGuestTranslation,
  deviceMode,
  deviceReserved,
  deviceRights,
  deviceRoot,
  deviceTranslationValid,
  deviceValid,
} from '../formats/amdvi.js';
import { sbdfText } from '../formats/requester.js';
import { AlikeEntries } from './alike.js';
import { entryProblem } from './entry-problem.js';
import type { FoundRoot } from './roots.js';
import { type Gathering, UnitNotes } from './spaces.js';
import type { AlikeRequesters, AuditedDevice, AuditedUnit } from './survey.js';

const PAGE = 4096;
const ENTRIES_A_PAGE = PAGE / AMDVI_ENTRY_BYTES;
/** An entry of zeros: beyond the last device that firmware names, Linux leaves them so. */
const UNWRITTEN = '0,0,0,0';

/** Everything that the device table of an AMD-Vi unit and the tables behind it say (AMD IOMMU spec 3.08 §2.2.2). */
export function surveyAmdvi(gathering: Gathering, root: FoundRoot, unit: number): AuditedUnit {
  const notes = new UnitNotes(gathering.allowance);
  const survey = new DeviceTable(gathering, root, unit, notes);
  const others = survey.run();
  return notes.unit(root, '', others);
}

class DeviceTable {
  private readonly gathering: Gathering;
  private readonly root: FoundRoot;
  private readonly unit: number;
  private readonly notes: UnitNotes;
  private readonly entries: number;

  constructor(gathering: Gathering, root: FoundRoot, unit: number, notes: UnitNotes) {
    this.gathering = gathering;
    this.root = root;
    this.unit = unit;
    this.notes = notes;
    this.entries = Math.min(AMDVI_DEVICES, root.size ?? AMDVI_DEVICES);
  }

  run(): AlikeRequesters[] {
    const { gathering, root, notes } = this;
    const alike = new AlikeEntries();
    const pages = Math.ceil(this.entries / ENTRIES_A_PAGE);
    const where = () => ({ at: root.table, entry: 0n, level: 'device table', input: 0 });
    for (let page = 0; page < pages; page++) notes.reads(gathering.image, root.table / PAGE + page, where);
    this.each((at) => alike.add(this.text(at)));
    this.each((at, requester) => {
      const text = this.text(at);
      const device = () => this.device(at, requester);
      if (alike.tells(text, device, text === UNWRITTEN)) return;
      if (gathering.takesDevice()) gathering.devices.push(device());
      else notes.devicesCutOff(gathering.allowance.devices);
    });
    return alike.told();
  }

  /** Visits the entries that are in memory. */
  private each(visit: (at: number, requester: number) => void): void {
    const { root, gathering } = this;
    for (let requester = 0; requester < this.entries; requester++) {
      const at = root.table + requester * AMDVI_ENTRY_BYTES;
      if (gathering.image.locate(Math.floor(at / PAGE), 0) < 0) requester += ENTRIES_A_PAGE - 1;
      else visit(at, requester);
    }
  }

  /** The half of an entry that decides about memory. */
  private text(at: number): string {
    const { image } = this.gathering;
    return `${image.read32(at)},${image.read32(at + 4)},${image.read32(at + 8)},${image.read32(at + 12)}`;
  }

  private device(at: number, requester: number): AuditedDevice {
    const { gathering } = this;
    const { image } = gathering;
    const [word0, word1] = [image.read32(at), image.read32(at + 4)];
    const [word2, word3] = [image.read32(at + 8), image.read32(at + 12)];
    const mode = deviceMode(word0);
    const base = {
      sbdf: sbdfText(requester, this.root.segment),
      requester,
      unit: this.unit,
      pasid: null,
      domainId: deviceDid(word2),
      translation: 'blocked' as const,
      space: null,
      rights: 0,
      note: '',
      problems: [],
    };
    if (!deviceValid(word0)) {
      const note = 'V = 0: the unit ignores the entry and lets everything pass';
      const type = 'ignored (V = 0)';
      return { ...base, domainId: null, translation: 'passthrough', type, rights: R | W, note };
    }
    const type = mode === 0 ? 'pass-through (Mode = 0)' : `${mode}-level (Mode = ${mode})`;
    const refused = (note: string): AuditedDevice => {
      const problem = entryProblem(
        image,
        AMDVI_DEVICE_ENTRY,
        at,
        'device table entry',
        'reserved-bits',
        note,
      );
      return { ...base, type, note, problems: [problem] };
    };
    if (deviceReserved(word0, word1, word3)) return refused('reserved bits are set');
    if (!deviceTranslationValid(word0)) {
      return { ...base, type: 'aborted (TV = 0)', note: 'TV = 0: everything is aborted' };
    }
    const shape = AMDVI_SHAPES[mode];
    if (mode !== 0 && shape === undefined) return refused('its mode is reserved');
    const rights = deviceRights(word1);
    if (rights === 0) return { ...base, type, note: 'neither IR nor IW: everything is aborted' };
    const note = noteOn(word1, word3);
    if (shape !== undefined) {
      const space = gathering.space(AMDVI_TABLES, deviceRoot(word0, word1), shape);
      return { ...base, translation: 'translated', type, space, rights, note };
    }
    const guest = deviceGuestTranslation(word1);
    return { ...base, translation: guest ? 'unknown' : 'passthrough', type, rights, note };
  }
}

/** What else an entry does: guest tables, which are not followed, and the exclusion range. */
function noteOn(word1: number, word3: number): string {
  const notes: string[] = [];
  if (deviceGuestTranslation(word1)) {
    notes.push(
      'guest translation (GV) is not followed: the ranges are those of the host tables, which bound it',
    );
  }
  if ((word3 & 0x80) !== 0) notes.push('EX: the unit’s exclusion range passes untranslated');
  return notes.join('; ');
}
