import { R, W } from '../formats/address.js';
import type { RadixFormat, RootShape } from '../formats/radix.js';
import { sbdfText } from '../formats/requester.js';
import {
  ContextType,
  contextDid,
  contextReserved,
  contextType,
  contextWidth,
  entryFrame,
  entryPresent,
  levelsOfWidth,
  rootReserved,
  VTD_CONTEXT_ENTRY,
  VTD_ENTRY_BYTES,
  VTD_ROOT_ENTRY,
  VTD_SECOND_LEVEL,
  vtdSecondLevel,
} from '../formats/vtd.js';
import { entryProblem } from './entry-problem.js';
import { entryOf } from './problems.js';
import type { FoundRoot } from './roots.js';
import { type Gathering, UnitNotes } from './spaces.js';
import type { AuditedDevice, AuditedUnit } from './survey.js';
import { surveyScalable } from './survey-vtd-scalable.js';

const PAGE = 4096;

/** Translation types in the manual's words. */
const TYPES: Readonly<Record<number, string>> = {
  [ContextType.MULTI_LEVEL]: 'multi-level (TT = 00b)',
  [ContextType.DEVICE_IOTLB]: 'multi-level with device-TLB (TT = 01b)',
  [ContextType.PASS_THROUGH]: 'pass-through (TT = 10b)',
};

/** The root of tables with a number of levels. */
export const rootOfLevels = (levels: number): RootShape => ({ topLevel: levels, concatenated: 1 });

/** The second-level format of a unit, as far as its capabilities are known. */
export function formatOf({ capabilities }: FoundRoot): RadixFormat {
  if (capabilities === undefined) return VTD_SECOND_LEVEL;
  const { hostAddressWidth = 52, superpageLevel = 3, snoopControl = true } = capabilities;
  const width = Math.min(52, Math.max(32, hostAddressWidth));
  return vtdSecondLevel({ hostAddressWidth: width, superpageLevel, snoopControl });
}

/** Everything that the root, context and second-level tables of a VT-d unit say. */
export function surveyVtd(gathering: Gathering, root: FoundRoot, unit: number): AuditedUnit {
  const notes = new UnitNotes(gathering.allowance);
  if (root.mode === 'abort') {
    notes.notes.push('the unit refuses every request (RTADDR_REG.TTM = 11b)');
    return notes.unit(root, 'abort');
  }
  const scalable = root.mode === 'scalable';
  const where = () => ({ at: root.table, entry: 0n, level: 'root table', input: 0 });
  if (notes.reads(gathering.image, root.table / PAGE, where)) {
    if (scalable) surveyScalable(gathering, root, unit, notes);
    else new LegacySurvey(gathering, root, unit, notes).run();
  }
  return notes.unit(root, scalable ? 'scalable' : 'legacy');
}

/** What an entry asks for that the unit cannot do, so that it refuses it (§9.3: types and widths without the capability). */
function beyondCapabilities({ capabilities }: FoundRoot, type: number, levels: number): string | undefined {
  const { levels: known, passThrough, deviceTlbs } = capabilities ?? {};
  if (known?.includes(levels) === false) return `the unit has no tables of ${levels} levels`;
  if (type === ContextType.PASS_THROUGH && passThrough === false) return 'the unit lets nothing pass through';
  if (type === ContextType.DEVICE_IOTLB && deviceTlbs === false) return 'the unit knows no device-TLBs';
  return undefined;
}

/** Root and context tables of a unit in legacy mode (Intel VT-d spec 5.10 §3.4.1, §3.4.2). */
class LegacySurvey {
  private readonly gathering: Gathering;
  private readonly root: FoundRoot;
  private readonly unit: number;
  private readonly notes: UnitNotes;
  private readonly format: RadixFormat;

  constructor(gathering: Gathering, root: FoundRoot, unit: number, notes: UnitNotes) {
    this.gathering = gathering;
    this.root = root;
    this.unit = unit;
    this.notes = notes;
    this.format = formatOf(root);
  }

  run(): void {
    const { root, notes } = this;
    const { image } = this.gathering;
    for (let bus = 0; bus < 256; bus++) {
      const at = root.table + bus * VTD_ENTRY_BYTES;
      const word0 = image.read32(at);
      const word1 = image.read32(at + 4);
      if (!entryPresent(word0)) continue;
      if (rootReserved(word0, image.read32(at + 8), image.read32(at + 12))) {
        notes.problems.add(() =>
          entryProblem(image, VTD_ROOT_ENTRY, at, 'root entry', 'reserved-bits', 'reserved bits are set'),
        );
        continue;
      }
      const table = entryFrame(word0, word1);
      const entry = () => ({ at, entry: entryOf(word0, word1), level: 'root entry', input: 0 });
      if (!notes.reads(image, table, entry)) continue;
      for (let devfn = 0; devfn < 256; devfn++) {
        this.context(table * PAGE + devfn * VTD_ENTRY_BYTES, (bus << 8) | devfn);
      }
    }
  }

  private context(at: number, requester: number): void {
    const { gathering, notes } = this;
    const { image } = gathering;
    const word0 = image.read32(at);
    if (!entryPresent(word0)) return;
    if (!gathering.takesDevice()) {
      notes.devicesCutOff(gathering.allowance.devices);
      return;
    }
    gathering.devices.push(this.device(at, requester, word0));
  }

  private device(at: number, requester: number, word0: number): AuditedDevice {
    const { gathering, unit } = this;
    const { image } = gathering;
    const word2 = image.read32(at + 8);
    const frame = entryFrame(word0, image.read32(at + 4));
    const type = contextType(word0);
    const levels = levelsOfWidth(contextWidth(word2));
    const device = {
      sbdf: sbdfText(requester, this.root.segment),
      requester,
      unit,
      pasid: null,
      domainId: contextDid(word2),
      type: TYPES[type] ?? 'reserved (TT = 11b)',
      space: null,
      rights: 0,
      note: '',
      problems: [],
    };
    const refused = (why: string): AuditedDevice => ({
      ...device,
      translation: 'blocked',
      note: why,
      problems: [entryProblem(image, VTD_CONTEXT_ENTRY, at, 'context entry', 'reserved-bits', why)],
    });
    if (contextReserved(word0, word2, image.read32(at + 12))) return refused('reserved bits are set');
    if (TYPES[type] === undefined) return refused('its translation type is reserved');
    if (levels === 0) return refused('its address width is reserved');
    const beyond = beyondCapabilities(this.root, type, levels);
    if (beyond !== undefined) return refused(beyond);
    if (type === ContextType.PASS_THROUGH) {
      return { ...device, translation: 'passthrough', rights: R | W };
    }
    const space = gathering.space(this.format, frame, rootOfLevels(levels));
    return { ...device, translation: 'translated', space, rights: R | W };
  }
}
