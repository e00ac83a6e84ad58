import {
  AMDVI_COMMAND_ERROR,
  AMDVI_COUNTER_ZERO,
  AMDVI_DEVICE_TABLE_ERROR,
  AMDVI_DEVICE_TLB_TIMEOUT,
  AMDVI_ILLEGAL_COMMAND,
  AMDVI_ILLEGAL_DEVICE_ENTRY,
  AMDVI_INVALID_PAGE_REQUEST,
  AMDVI_INVALID_REQUEST,
  AMDVI_PAGE_TABLE_ERROR,
  AMDVI_RMP_ERROR,
  AMDVI_RMP_FAULT,
  HARDWARE_ERRORS,
} from './amdvi-event-log.js';
import { AMDVI_PAGE_FAULT, AmdviEvent } from './amdvi-events.js';
import type { EntryLayout } from './layout.js';

const MANUAL = 'AMD I/O Virtualization Technology (IOMMU) spec 3.08';

/** One row of the manual's list of event log entries. */
export interface AmdviEventKind {
  readonly code: number;
  /** The manual's name. */
  readonly name: string;
  /** What happened, in our words. */
  readonly meaning: string;
  readonly manual: string;
  /** The entry's bits; undefined where this program does not know them. */
  readonly layout: EntryLayout | undefined;
}

const names = Object.fromEntries(Object.entries(AmdviEvent).map(([name, code]) => [code, name]));

type Row = readonly [code: number, layout: EntryLayout | undefined, section: string, meaning: string];

const ROWS: readonly Row[] = [
  [
    AmdviEvent.ILLEGAL_DEV_TABLE_ENTRY,
    AMDVI_ILLEGAL_DEVICE_ENTRY,
    '2.5.2',
    'the device table entry of the device makes no sense',
  ],
  [AmdviEvent.IO_PAGE_FAULT, AMDVI_PAGE_FAULT, '2.5.3', 'the page tables do not permit the access'],
  [
    AmdviEvent.DEV_TAB_HARDWARE_ERROR,
    AMDVI_DEVICE_TABLE_ERROR,
    '2.5.4',
    'the unit could not read the device table in memory',
  ],
  [
    AmdviEvent.PAGE_TAB_HARDWARE_ERROR,
    AMDVI_PAGE_TABLE_ERROR,
    '2.5.5',
    'the unit could not read a page table or interrupt table in memory',
  ],
  [
    AmdviEvent.ILLEGAL_COMMAND_ERROR,
    AMDVI_ILLEGAL_COMMAND,
    '2.5.6',
    'the unit was given a command that makes no sense, and stopped taking commands',
  ],
  [
    AmdviEvent.COMMAND_HARDWARE_ERROR,
    AMDVI_COMMAND_ERROR,
    '2.5.7',
    'the unit could not read its commands in memory, and stopped taking them',
  ],
  [
    AmdviEvent.IOTLB_INV_TIMEOUT,
    AMDVI_DEVICE_TLB_TIMEOUT,
    '2.5.8',
    'the device did not answer in time when it was told to forget translations (ATS)',
  ],
  [
    AmdviEvent.INVALID_DEVICE_REQUEST,
    AMDVI_INVALID_REQUEST,
    '2.5.9',
    'the device made a request that its device table entry does not admit',
  ],
  [
    AmdviEvent.INVALID_PPR_REQUEST,
    AMDVI_INVALID_PAGE_REQUEST,
    '2.5.10',
    'the device sent a page request (PRI) that makes no sense',
  ],
  [AmdviEvent.EVENT_COUNTER_ZERO, AMDVI_COUNTER_ZERO, '2.5.11', 'a performance counter of the unit wrapped'],
  [
    AmdviEvent.GUEST_EVENT_FAULT,
    undefined,
    '2.5.12',
    'the unit could not write an event to the log of a guest',
  ],
  [
    AmdviEvent.VIOMMU_HARDWARE_ERROR,
    undefined,
    '2.5.13',
    'the unit could not read the tables of a virtual IOMMU in memory',
  ],
  [
    AmdviEvent.RMP_PAGE_FAULT,
    AMDVI_RMP_FAULT,
    '2.5.14',
    'the reverse map table (SEV-SNP) does not permit the access',
  ],
  [
    AmdviEvent.RMP_HARDWARE_ERROR,
    AMDVI_RMP_ERROR,
    '2.5.15',
    'the unit could not read the reverse map table (SEV-SNP) in memory',
  ],
];

/** The kinds of event log entries in the order of their codes. */
export const AMDVI_EVENT_KINDS: readonly AmdviEventKind[] = ROWS.map(([code, layout, section, meaning]) => ({
  code,
  name: names[code]!,
  meaning,
  manual: `${MANUAL} §${section}`,
  layout,
}));

const byCode = new Map(AMDVI_EVENT_KINDS.map((kind) => [kind.code, kind]));

/** The row of an event code; undefined for one that the manual does not have. */
export const amdviEventKind = (code: number): AmdviEventKind | undefined => byCode.get(code);

/** Types of invalid requests (§2.5.9): of ordinary requests (TR clear), and of translation requests. */
const INVALID_REQUESTS: readonly string[] = [
  'a read or a non-posted write in the address range of interrupts',
  'a translated request from a device that may not keep translations (I or V clear in its entry)',
  'port I/O from a device that may not (IoCtl 00b in its entry)',
  'a system management message that the entry does not admit (SysMgt), or a write in the range of translation answers',
  'a read or a non-posted write in the range of system management or of translation answers',
  'an interrupt from a device that may send none (IntCtl 00b in its entry)',
  'an interrupt of a reserved kind',
  'a system management message or port I/O that must be translated while the entry has no tables (TV clear)',
];

const INVALID_TRANSLATIONS: readonly string[] = [
  'a translation request from a device that may not ask (I, V or TV clear in its entry)',
  'a translation request for an address of interrupts, port I/O or system management',
];

/** What was wrong with an invalid request, by its type; undefined for a reserved type. */
export const invalidRequest = (type: number, translation: boolean): string | undefined =>
  (translation ? INVALID_TRANSLATIONS : INVALID_REQUESTS)[type];

/** Types of {@link invalidRequest} that are interrupts. */
export const isInterruptRequest = (type: number, translation: boolean): boolean =>
  !translation && (type === 5 || type === 6);

/** Commands, by the top four bits of their second word. (§2.4) */
const COMMANDS: readonly string[] = [
  'reserved',
  'COMPLETION_WAIT',
  'INVALIDATE_DEVTAB_ENTRY',
  'INVALIDATE_IOMMU_PAGES',
  'INVALIDATE_IOTLB_PAGES',
  'INVALIDATE_INTERRUPT_TABLE',
  'PREFETCH_IOMMU_PAGES',
  'COMPLETE_PPR_REQUEST',
  'INVALIDATE_IOMMU_ALL',
  'INSERT_GUEST_EVENT',
  'RESET_VMMIO',
];

/** The manual's name of the command whose second word this is; undefined for a reserved opcode. */
export const amdviCommand = (word1: number): string | undefined => COMMANDS[word1 >>> 28];

/** How a unit's access to memory failed, by the Type of a hardware error. */
export const hardwareError = (type: number): string => HARDWARE_ERRORS[type & 3]!;

/** Ranges of addresses that are no memory, as HyperTransport lays them out. `end` is exclusive. */
const SPECIAL: readonly (readonly [start: bigint, end: bigint, what: string])[] = [
  [0xfd_0000_0000n, 0xfd_f800_0000n, 'reserved interrupt range'],
  [0xfd_f800_0000n, 0xfd_f900_0000n, 'interrupt and EOI range'],
  [0xfd_f900_0000n, 0xfd_f910_0000n, 'interrupt acknowledge range'],
  [0xfd_f910_0000n, 0xfd_f920_0000n, 'system management range'],
  [0xfd_f920_0000n, 0xfd_fb00_0000n, 'reserved range'],
  [0xfd_fb00_0000n, 0xfd_fc00_0000n, 'address translation range'],
  [0xfd_fc00_0000n, 0xfd_fe00_0000n, 'port I/O range'],
  [0xfd_fe00_0000n, 0xfe_0000_0000n, 'configuration range'],
  [0xfe_0000_0000n, 0xfe_2000_0000n, 'extended configuration and message range'],
  [0xfe_2000_0000n, 0x100_0000_0000n, 'reserved range'],
];

/** What an address of a device is when it is no memory; undefined for memory. Units extend its sign or do not. */
export function specialAddress(address: bigint): string | undefined {
  const high = address >> 40n;
  if (high !== 0n && high !== 0xff_ffffn) return undefined;
  const low = address & 0xff_ffff_ffffn;
  return SPECIAL.find(([start, end]) => low >= start && low < end)?.[2];
}
