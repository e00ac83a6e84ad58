import { type AcpiField, type AcpiLayout, type AcpiStructure, numberOf, row } from './structure.js';
import { type AcpiTable, readTable, TABLE_HEADER, type TableKind } from './table.js';
import type { TableBytes } from './table-bytes.js';
import type { StructureRules, TableWalk } from './walk-structures.js';

const MANUAL = 'Arm DEN0049 E.f';

/** The I/O remapping table before its nodes. */
export const IORT_HEADER: AcpiLayout = {
  name: 'IORT',
  title: 'I/O remapping table',
  manual: `${MANUAL} §3`,
  size: 48,
  fields: [
    ...TABLE_HEADER.fields,
    row(36, 4, 'nodes', 'number', 'Number of IORT nodes'),
    row(40, 4, 'nodeOffset', 'hex', 'Offset to the array of nodes'),
    row(44, 4, 'reserved', 'reserved', 'reserved'),
  ],
};

export const IortType = {
  ITS: 0,
  NAMED: 1,
  ROOT_COMPLEX: 2,
  SMMU: 3,
  SMMUV3: 4,
  PMCG: 5,
  RMR: 6,
} as const;

const HEAD: readonly AcpiField[] = [
  row(0, 1, 'type', 'number', 'Type'),
  row(1, 2, 'length', 'number', 'Length, mappings included'),
  row(3, 1, 'revision', 'number', 'Revision'),
  row(4, 4, 'identifier', 'number', 'Identifier: reserved in revision 0'),
  row(8, 4, 'mappings', 'number', 'Number of ID mappings'),
  row(12, 4, 'mappingOffset', 'hex', 'Reference to the ID array: offset in the node'),
];

const memory = (at: number): readonly AcpiField[] => [
  row(at, 4, 'cacheCoherency', 'number', 'CCA: 1 when accesses are fully coherent'),
  row(at + 4, 1, 'allocationHints', 'hex', 'AH'),
  row(at + 5, 2, 'memoryReserved', 'reserved', 'reserved'),
  row(at + 7, 1, 'memoryFlags', 'hex', 'MAF', {
    bits: [
      { name: 'coherentPath', lo: 0, hi: 0, doc: 'CPM: the path to memory is coherent' },
      { name: 'deviceAttributes', lo: 1, hi: 1, doc: 'DACS: the attributes are inner write-back cacheable' },
      { name: 'canwbs', lo: 2, hi: 2, doc: 'CANWBS: coherent whatever the attributes' },
      { name: 'reserved3', lo: 3, hi: 7, doc: 'reserved', kind: 'reserved' },
    ],
  }),
];

const node = (
  name: string,
  title: string,
  section: string,
  size: number,
  fields: readonly AcpiField[],
): AcpiLayout => ({ name, title, manual: `${MANUAL} §${section}`, size, fields: [...HEAD, ...fields] });

/** The nodes, in the order of their types. */
export const IORT_NODES: readonly AcpiLayout[] = [
  node('ITS group', 'interrupt translation services', '3.1.1.5', 20, [
    row(16, 4, 'count', 'number', 'Number of ITSs'),
    row(20, 0, 'identifiers', 'bytes', 'GIC ITS identifiers: as in the MADT, 4 bytes each'),
  ]),
  node('named component', 'a device that has an ACPI name', '3.1.1.4', 29, [
    row(16, 4, 'flags', 'hex', 'Node flags', {
      bits: [
        { name: 'stall', lo: 0, hi: 0, doc: 'the device may be stalled' },
        { name: 'substreamBits', lo: 1, hi: 5, doc: 'bits of its substream ids', kind: 'number' },
        { name: 'reserved6', lo: 6, hi: 31, doc: 'reserved', kind: 'reserved' },
      ],
    }),
    ...memory(20),
    row(28, 1, 'addressBits', 'number', 'Device memory address size limit'),
    row(29, 0, 'objectName', 'text', 'Device object name: path in the name space'),
  ]),
  node('root complex', 'PCI root complex', '3.1.1.3', 32, [
    ...memory(16),
    row(24, 4, 'ats', 'hex', 'ATS attribute', {
      bits: [
        { name: 'ats', lo: 0, hi: 0, doc: 'it supports ATS' },
        { name: 'pri', lo: 1, hi: 1, doc: 'it supports PRI' },
        { name: 'pasid', lo: 2, hi: 2, doc: 'it forwards PASIDs' },
        { name: 'reserved3', lo: 3, hi: 31, doc: 'reserved', kind: 'reserved' },
      ],
    }),
    row(28, 4, 'segment', 'number', 'PCI segment number'),
    row(32, 1, 'addressBits', 'number', 'Memory address size limit'),
    row(33, 2, 'pasidBits', 'number', 'PASID capabilities'),
    row(35, 1, 'reserved35', 'reserved', 'reserved'),
    row(36, 4, 'flags', 'hex', 'Flags', {
      bits: [{ name: 'pasidSupported', lo: 0, hi: 0, doc: 'PASIDs are supported' }],
    }),
  ]),
  node('SMMU', 'SMMU, version 1 or 2', '3.1.1.1', 60, [
    row(16, 8, 'base', 'address', 'Base address'),
    row(24, 8, 'span', 'address', 'Span: bytes of its registers'),
    row(32, 4, 'model', 'number', 'Model', {
      values: {
        0: 'SMMUv1',
        1: 'SMMUv2',
        2: 'Arm CoreLink MMU-400',
        3: 'Arm CoreLink MMU-500',
        4: 'Arm CoreLink MMU-401',
        5: 'Cavium ThunderX SMMUv2',
      },
    }),
    row(36, 4, 'flags', 'hex', 'Flags', {
      bits: [
        { name: 'dvm', lo: 0, hi: 0, doc: 'DVM: it takes part in distributed TLB maintenance' },
        { name: 'coherentWalk', lo: 1, hi: 1, doc: 'CTTW: its table walks are coherent' },
        { name: 'reserved2', lo: 2, hi: 31, doc: 'reserved', kind: 'reserved' },
      ],
    }),
    row(40, 4, 'globalOffset', 'hex', 'Global interrupt array offset'),
    row(44, 4, 'contexts', 'number', 'Number of context interrupts'),
    row(48, 4, 'contextOffset', 'hex', 'Context interrupt array offset'),
    row(52, 4, 'pmus', 'number', 'Number of PMU interrupts'),
    row(56, 4, 'pmuOffset', 'hex', 'PMU interrupt array offset'),
  ]),
  node('SMMUv3', 'SMMU, version 3', '3.1.1.2', 60, [
    row(16, 8, 'base', 'address', 'Base address'),
    row(24, 4, 'flags', 'hex', 'Flags', {
      bits: [
        { name: 'coherencyOverride', lo: 0, hi: 0, doc: 'COHACC override: its accesses are coherent' },
        { name: 'httuOverride', lo: 1, hi: 2, doc: 'HTTU override', kind: 'number' },
        { name: 'proximityValid', lo: 3, hi: 3, doc: 'the proximity domain is valid' },
        { name: 'deviceIdValid', lo: 4, hi: 4, doc: 'the DeviceID mapping index is valid' },
        { name: 'reserved5', lo: 5, hi: 31, doc: 'reserved', kind: 'reserved' },
      ],
    }),
    row(28, 4, 'reserved28', 'reserved', 'reserved'),
    row(32, 8, 'vatos', 'address', 'VATOS address'),
    row(40, 4, 'model', 'number', 'Model', {
      values: { 0: 'generic', 1: 'HiSilicon Hi161x', 2: 'Cavium CN99xx' },
    }),
    row(44, 4, 'eventGsiv', 'number', 'Event: interrupt of the event queue'),
    row(48, 4, 'priGsiv', 'number', 'PRI'),
    row(52, 4, 'gerrGsiv', 'number', 'GERR'),
    row(56, 4, 'syncGsiv', 'number', 'Sync'),
    row(60, 4, 'proximityDomain', 'number', 'Proximity domain'),
    row(64, 4, 'deviceIdMapping', 'number', 'DeviceID mapping index'),
  ]),
  node('PMCG', 'performance monitors of an SMMU', '3.1.1.6', 40, [
    row(16, 8, 'base', 'address', 'Page 0 base address'),
    row(24, 4, 'overflowGsiv', 'number', 'Overflow interrupt'),
    row(28, 4, 'nodeReference', 'hex', 'Node reference: what it counts for'),
    row(32, 8, 'page1', 'address', 'Page 1 base address'),
  ]),
  node('RMR', 'reserved memory range', '3.1.1.7', 28, [
    row(16, 4, 'flags', 'hex', 'Flags', {
      bits: [
        { name: 'remapPermitted', lo: 0, hi: 0, doc: 'software may give the ranges other addresses' },
        { name: 'privileged', lo: 1, hi: 1, doc: 'accesses are privileged' },
        { name: 'attributes', lo: 2, hi: 9, doc: 'memory attributes', kind: 'number' },
        { name: 'reserved10', lo: 10, hi: 31, doc: 'reserved', kind: 'reserved' },
      ],
    }),
    row(20, 4, 'ranges', 'number', 'Number of memory range descriptors'),
    row(24, 4, 'rangeOffset', 'hex', 'Reference to the memory range descriptors'),
  ]),
];

export const ID_MAPPING: AcpiLayout = {
  name: 'ID mapping',
  title: 'ids that go to another node',
  manual: `${MANUAL} §3.1.2`,
  size: 20,
  fields: [
    row(0, 4, 'inputBase', 'hex', 'Input base'),
    row(4, 4, 'idCount', 'hex', 'Number of IDs, less 1'),
    row(8, 4, 'outputBase', 'hex', 'Output base'),
    row(12, 4, 'outputReference', 'hex', 'Output reference: offset of the node in the table'),
    row(16, 4, 'flags', 'hex', 'Flags', {
      bits: [
        { name: 'single', lo: 0, hi: 0, doc: 'Single mapping: the input base means nothing' },
        { name: 'reserved1', lo: 1, hi: 31, doc: 'reserved', kind: 'reserved' },
      ],
    }),
  ],
};

export const MEMORY_RANGE: AcpiLayout = {
  name: 'memory range',
  title: 'memory that devices use whatever the system does',
  manual: `${MANUAL} §3.1.1.7`,
  size: 20,
  fields: [
    row(0, 8, 'base', 'address', 'Physical range offset'),
    row(8, 8, 'rangeLength', 'address', 'Physical range length, in bytes'),
    row(16, 4, 'reserved', 'reserved', 'reserved'),
  ],
};

const HEADER_SIZE = 16;

/** Arrays within nodes: how many elements, from which offset on. */
const ARRAYS: readonly { of?: number; count: string; offset: string }[] = [
  { count: 'mappings', offset: 'mappingOffset' },
  { of: IortType.RMR, count: 'ranges', offset: 'rangeOffset' },
];

const NODES: StructureRules = {
  outermost: true,
  what: 'node',
  manual: `${MANUAL} §3.1`,
  headerSize: 16,
  typeAt: (bytes, at) => bytes.number(at, 1),
  lengthAt: (bytes, at) => bytes.number(at + 1, 2),
  layoutOf: (type) => IORT_NODES[type],
  head: HEAD,
  bodyOf(structure) {
    // Fields that later revisions added are there only when the arrays leave them room.
    const whole = { ...structure, children: [] };
    const starts = ARRAYS.flatMap(({ of, count, offset }) => {
      if (of !== undefined && of !== structure.type) return [];
      return (numberOf(whole, count) ?? 0) > 0 ? [numberOf(whole, offset) ?? 0] : [];
    });
    return Math.min(structure.size, ...starts.filter((at) => at >= HEADER_SIZE));
  },
  childrenOf(structure, walk) {
    const whole = { ...structure, children: [] };
    const ranges =
      structure.type === IortType.RMR ? array(whole, 'ranges', 'rangeOffset', MEMORY_RANGE, walk) : [];
    return [...ranges, ...array(whole, 'mappings', 'mappingOffset', ID_MAPPING, walk)];
  },
};

/** An array of which the node says how many elements it has and where it begins. */
function array(
  of: AcpiStructure,
  countName: string,
  offsetName: string,
  layout: AcpiLayout,
  walk: TableWalk,
): AcpiStructure[] {
  const count = numberOf(of, countName) ?? 0;
  const at = numberOf(of, offsetName) ?? 0;
  if (count === 0) return [];
  const fits = at >= HEADER_SIZE ? Math.max(0, Math.floor((of.size - at) / layout.size)) : 0;
  if (fits < count) {
    const message = `${of.layout.name}: ${count} of ${layout.name} at offset ${at} do not fit its ${of.size} bytes; ${fits} do`;
    walk.problem('offset-outside', of.offset + 8, message);
  }
  const elements: AcpiStructure[] = [];
  for (let i = 0; i < Math.min(count, fits); i++) {
    const offset = of.offset + at + i * layout.size;
    if (offset >= walk.bytes.length || !walk.admit(offset)) break;
    const { size } = layout;
    elements.push({
      layout,
      bytes: of.bytes,
      offset,
      length: size,
      size,
      body: size,
      type: null,
      children: [],
    });
  }
  return elements;
}

export const IORT: TableKind = {
  signature: 'IORT',
  layout: IORT_HEADER,
  structures(walk, header) {
    const from = numberOf(header, 'nodeOffset');
    if (from === null) return [];
    if (from < 44 || from >= walk.limit) {
      walk.problem('offset-outside', 40, `the nodes are at offset ${from}, outside the table`);
      return [];
    }
    return walk.structures(from, walk.limit, NODES);
  },
};

/** Reads an IORT table; see {@link readTable}. */
export const parseIort = (bytes: Uint8Array | TableBytes): AcpiTable => readTable(bytes, IORT);

/** The identifiers of an ITS group. */
export function itsIdentifiers(group: AcpiStructure): number[] {
  const count = numberOf(group, 'count') ?? 0;
  const found: number[] = [];
  for (let i = 0; i < count && 24 + 4 * i <= group.body; i++) {
    const identifier = group.bytes.number(group.offset + 20 + 4 * i, 4);
    if (identifier !== null) found.push(identifier);
  }
  return found;
}
