import type { EntryLayout } from './layout.js';
import {
  eventName,
  SMMUV3_CONFIGURATION_EVENT,
  SMMUV3_FETCH_EVENT,
  SMMUV3_FORBIDDEN_EVENT,
  SMMUV3_IMPDEF_EVENT,
  SMMUV3_REQUEST_EVENT,
  SMMUV3_STREAM_EVENT,
  SMMUV3_TLB_CONFLICT_EVENT,
  SMMUV3_TRANSLATION_EVENT,
  SMMUV3_UNSUPPORTED_EVENT,
  SMMUV3_WALK_EVENT,
  SmmuV3Event,
} from './smmuv3-events.js';

/** One row of the manual's list of events. */
export interface EventKindRow {
  readonly code: number;
  readonly name: string;
  /** What went wrong, in our words. */
  readonly meaning: string;
  /** Manual and section. */
  readonly manual: string;
  readonly layout: EntryLayout;
}

type Row = readonly [name: keyof typeof SmmuV3Event, section: string, layout: EntryLayout, meaning: string];

const MANUAL = 'Arm SMMUv3 architecture, IHI 0070F';

/** The events of IHI 0070F §7.3, in the order of its sections. */
const ROWS: readonly Row[] = [
  ['F_UUT', '§7.3.2', SMMUV3_UNSUPPORTED_EVENT, 'a transaction of a kind that the SMMU does not support'],
  ['C_BAD_STREAMID', '§7.3.3', SMMUV3_STREAM_EVENT, 'no part of the stream table covers the stream id'],
  ['F_STE_FETCH', '§7.3.4', SMMUV3_FETCH_EVENT, 'the SMMU could not read the stream table entry'],
  ['C_BAD_STE', '§7.3.5', SMMUV3_CONFIGURATION_EVENT, 'the stream table entry is not valid'],
  [
    'F_BAD_ATS_TREQ',
    '§7.3.6',
    SMMUV3_REQUEST_EVENT,
    'a translation request (ATS) from a stream that may send none',
  ],
  [
    'F_STREAM_DISABLED',
    '§7.3.7',
    SMMUV3_STREAM_EVENT,
    'a transaction without substream id from a stream that must send one',
  ],
  [
    'F_TRANSL_FORBIDDEN',
    '§7.3.8',
    SMMUV3_FORBIDDEN_EVENT,
    'a translated transaction (ATS) from a stream that may send none',
  ],
  ['C_BAD_SUBSTREAMID', '§7.3.9', SMMUV3_STREAM_EVENT, 'the substream id is not one that the stream may use'],
  ['F_CD_FETCH', '§7.3.10', SMMUV3_FETCH_EVENT, 'the SMMU could not read the context descriptor'],
  ['C_BAD_CD', '§7.3.11', SMMUV3_CONFIGURATION_EVENT, 'the context descriptor is not valid'],
  ['F_WALK_EABT', '§7.3.12', SMMUV3_WALK_EVENT, 'the SMMU could not read or update a translation table'],
  [
    'F_TRANSLATION',
    '§7.3.13',
    SMMUV3_TRANSLATION_EVENT,
    'translation fault, no valid descriptor maps the address',
  ],
  [
    'F_ADDR_SIZE',
    '§7.3.14',
    SMMUV3_TRANSLATION_EVENT,
    'address size fault, an address of the device or of a table is wider than what is configured',
  ],
  [
    'F_ACCESS',
    '§7.3.15',
    SMMUV3_TRANSLATION_EVENT,
    'access flag fault, the descriptor’s access flag is clear',
  ],
  [
    'F_PERMISSION',
    '§7.3.16',
    SMMUV3_TRANSLATION_EVENT,
    'permission fault, the descriptor does not permit the access',
  ],
  ['F_TLB_CONFLICT', '§7.3.17', SMMUV3_TLB_CONFLICT_EVENT, 'several cached translations fit the address'],
  ['F_CFG_CONFLICT', '§7.3.18', SMMUV3_CONFIGURATION_EVENT, 'several cached configurations fit the stream'],
  [
    'E_PAGE_REQUEST',
    '§7.3.19',
    SMMUV3_REQUEST_EVENT,
    'a hint that a device is going to access pages, no error',
  ],
  [
    'F_VMS_FETCH',
    '§7.3.20',
    SMMUV3_FETCH_EVENT,
    'the SMMU could not read the structure that describes the virtual machine',
  ],
];

/** The events of the architecture, in the order of their sections. */
export const SMMUV3_EVENT_KINDS: readonly EventKindRow[] = ROWS.map(([name, section, layout, meaning]) => {
  return { code: SmmuV3Event[name], name, meaning, manual: `${MANUAL} ${section}`, layout };
});

const byCode = new Map(SMMUV3_EVENT_KINDS.map((kind) => [kind.code, kind]));
const byName = new Map(SMMUV3_EVENT_KINDS.map((kind) => [kind.name, kind]));

/** The event of a type, implementation-defined ones included; undefined for a type without meaning. */
export function eventKind(type: number): EventKindRow | undefined {
  const known = byCode.get(type);
  if (known !== undefined) return known;
  const name = eventName(type);
  if (name === undefined) return undefined;
  const meaning = 'an event that the maker of the SMMU defines';
  return { code: type, name, meaning, manual: `${MANUAL} §7.3.21`, layout: SMMUV3_IMPDEF_EVENT };
}

/** The event of a name, `F_TRANSLATION`; undefined for a name that the manual does not have. */
export const eventKindNamed = (name: string): EventKindRow | undefined => byName.get(name);
