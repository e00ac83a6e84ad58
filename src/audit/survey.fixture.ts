import { type RangeRow, rangeList } from './range-list.fixture.js';
import type { AddressSpace, AuditedDevice, AuditedUnit, MemoryImage, Survey } from './survey.js';

const IMAGE: MemoryImage = {
  name: 'a fixture',
  ram: [{ start: 0, end: 2 ** 32 }],
  read32: () => 0,
  words: new Int32Array(0),
  locate: () => -1,
  page: () => undefined,
  copy: (_pa, into) => void into.fill(0),
  registers: null,
  notes: [],
  close: async () => {},
};

export const unitOf = (over: Partial<AuditedUnit> = {}): AuditedUnit => ({
  kind: 'vtd',
  segment: 0,
  rootTable: 0x1000,
  mode: 'legacy',
  registers: null,
  enabled: null,
  foundBy: '--rtaddr',
  tables: Float64Array.of(1, 2),
  problems: [],
  moreProblems: 0,
  others: [],
  notes: [],
  ...over,
});

export const spaceOf = (rows: readonly RangeRow[], over: Partial<AddressSpace> = {}): AddressSpace => ({
  format: 'VT-d second level',
  root: 0x10_000,
  levels: 4,
  ranges: rangeList(rows),
  tables: Float64Array.of(0x10),
  pages: rows.reduce((sum, [, count]) => sum + count, 0),
  problems: [],
  moreProblems: 0,
  complete: true,
  incompleteBecause: null,
  ...over,
});

export const deviceOf = (sbdf: string, over: Partial<AuditedDevice> = {}): AuditedDevice => ({
  sbdf,
  requester: 0x20,
  unit: 0,
  pasid: null,
  domainId: 1,
  translation: 'translated',
  type: 'multi-level (TT = 00b)',
  space: 0,
  rights: 3,
  note: '',
  problems: [],
  ...over,
});

export const surveyOf = (devices: readonly AuditedDevice[], spaces: readonly AddressSpace[]): Survey => ({
  image: IMAGE,
  units: [unitOf()],
  devices,
  spaces,
});
