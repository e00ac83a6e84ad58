import { AmdviEvent } from '../../formats/amdvi-events.js';
import { SmmuV3Event } from '../../formats/smmuv3-events.js';
import { VtdReason } from '../../formats/vtd-faults.js';
import type { LogAccess } from '../event.js';
import { ALLOWS } from '../vtd-walk.js';
import type { JudgedEvent } from './cause.js';

/** Why an access was refused, in words that hold for every kind of unit: rules of causes know no register. */
export type Nature =
  /** Nothing is mapped at the address. */
  | 'not-mapped'
  /** Something is mapped there, but not for this access. */
  | 'no-permission'
  /** One of the two, and the unit does not tell which (VT-d). */
  | 'refused'
  /** The device has no tables: root, context or PASID entry absent, or its stream disabled. */
  | 'no-context'
  /** An entry that the unit cannot use: reserved bits, illegal level or type. */
  | 'bad-entry'
  /** The address lies beyond what the tables or the unit translate. */
  | 'beyond-width'
  /** The unit could not read its own tables. */
  | 'walk-aborted'
  /** A kind of request that the entry does not admit: translated requests, translation requests. */
  | 'blocked-request'
  /** A stream for which there are no tables at all. */
  | 'stream-unknown'
  /** An interrupt, not DMA. */
  | 'interrupt'
  /** The log does not say why. */
  | 'unknown';

/** Codes of VT-d reasons by what they come to; those of scalable mode from 0x30 on. (Intel VT-d spec 5.10 §7.1.3) */
const VTD: readonly (readonly [Nature, readonly number[]])[] = [
  ['refused', [VtdReason.WRITE_DENIED, VtdReason.READ_DENIED]],
  ['no-context', [VtdReason.ROOT_NOT_PRESENT, VtdReason.CONTEXT_NOT_PRESENT, 0x39, 0x41, 0x51, 0x59]],
  ['beyond-width', [VtdReason.BEYOND_WIDTH, 0x80, 0x83, 0x84]],
  ['bad-entry', [VtdReason.CONTEXT_INVALID, VtdReason.ROOT_RESERVED, VtdReason.CONTEXT_RESERVED]],
  ['bad-entry', [VtdReason.ENTRY_RESERVED, VtdReason.INTERRUPT_RANGE, 0x3a, 0x42, 0x43, 0x48, 0x52]],
  ['bad-entry', [0x5a, 0x5b, 0x72, 0x74, 0x7a, 0x87]],
  [
    'walk-aborted',
    [VtdReason.NEXT_TABLE_ACCESS, VtdReason.ROOT_TABLE_ACCESS, VtdReason.CONTEXT_TABLE_ACCESS],
  ],
  [
    'walk-aborted',
    [0x30, 0x38, 0x40, 0x50, 0x58, 0x70, 0x73, 0x75, 0x76, 0x77, 0x78, 0x7b, 0x7c, 0x7d, 0x90, 0x91],
  ],
  ['blocked-request', [VtdReason.TYPE_BLOCKED, 0x31, 0x32, 0x44, 0x45, 0x46, 0x47, 0x5c, 0x5d]],
  ['not-mapped', [0x71, 0x79]],
  ['no-permission', [0x81, 0x82, 0x85, 0x86]],
];

const SMMUV3: readonly (readonly [Nature, readonly number[]])[] = [
  ['not-mapped', [SmmuV3Event.F_TRANSLATION]],
  ['no-permission', [SmmuV3Event.F_PERMISSION, SmmuV3Event.F_ACCESS]],
  ['beyond-width', [SmmuV3Event.F_ADDR_SIZE]],
  ['stream-unknown', [SmmuV3Event.C_BAD_STREAMID]],
  ['no-context', [SmmuV3Event.F_STREAM_DISABLED, SmmuV3Event.C_BAD_SUBSTREAMID]],
  [
    'bad-entry',
    [SmmuV3Event.C_BAD_STE, SmmuV3Event.C_BAD_CD, SmmuV3Event.F_TLB_CONFLICT, SmmuV3Event.F_CFG_CONFLICT],
  ],
  [
    'walk-aborted',
    [SmmuV3Event.F_STE_FETCH, SmmuV3Event.F_CD_FETCH, SmmuV3Event.F_WALK_EABT, SmmuV3Event.F_VMS_FETCH],
  ],
  ['blocked-request', [SmmuV3Event.F_BAD_ATS_TREQ, SmmuV3Event.F_TRANSL_FORBIDDEN, SmmuV3Event.F_UUT]],
];

const byCode = (rows: typeof VTD) =>
  new Map(rows.flatMap(([nature, codes]) => codes.map((code) => [code, nature] as const)));

const VTD_NATURE = byCode(VTD);
const SMMUV3_NATURE = byCode(SMMUV3);

/** AMD-Vi's events other than page faults. (AMD IOMMU spec 3.08 §2.5) */
const AMDVI_NATURE = new Map<number, Nature>([
  [AmdviEvent.ILLEGAL_DEV_TABLE_ENTRY, 'bad-entry'],
  [AmdviEvent.DEV_TAB_HARDWARE_ERROR, 'walk-aborted'],
  [AmdviEvent.PAGE_TAB_HARDWARE_ERROR, 'walk-aborted'],
  [AmdviEvent.INVALID_DEVICE_REQUEST, 'blocked-request'],
]);

/** Whether a status bit is shown and set. */
export const hasBit = ({ bits }: JudgedEvent, name: string): boolean =>
  bits.some((bit) => bit.name === name && bit.value === 1);

/** Entries at which a walk ended: with a right or with none. */
const R_OR_W = 3n;

function vtdNature({ reason, level }: JudgedEvent): Nature {
  const code = reason?.code ?? -1;
  const nature = code >= 0x20 && code <= 0x27 ? 'interrupt' : VTD_NATURE.get(code);
  const walked = level?.entry ?? null;
  // Dumps show the tables as they are afterwards: what permits the access there says nothing of why it was refused.
  if (
    (nature ?? 'refused') === 'refused' &&
    walked !== null &&
    level!.problem !== ALLOWS &&
    !/root|context|PASID/.test(level!.name)
  )
    return (walked & R_OR_W) === 0n ? 'not-mapped' : 'no-permission';
  return nature ?? 'unknown';
}

function amdviNature(event: JudgedEvent): Nature {
  const code = event.reason?.code ?? -1;
  const other = AMDVI_NATURE.get(code);
  if (other !== undefined) return other;
  if (code !== AmdviEvent.IO_PAGE_FAULT) return 'unknown';
  if (hasBit(event, 'I')) return 'interrupt';
  if (hasBit(event, 'RZ')) return 'bad-entry';
  if (!hasBit(event, 'PR')) return 'not-mapped';
  // An entry that is present and refuses nobody (PE) can still be no entry: its level is an illegal one. (3.08 §2.5.3)
  return hasBit(event, 'PE') ? 'no-permission' : 'bad-entry';
}

/** SMMUv1/2 and IPMMU: bits of the status register, the first that is set. (IHI 0062D, SMMU_CBn_FSR and SMMU_sGFSR) */
const STATUS_BITS: readonly (readonly [name: string, nature: Nature])[] = [
  ['USF', 'stream-unknown'],
  ['SMCF', 'stream-unknown'],
  ['ICF', 'no-context'],
  ['UCBF', 'no-context'],
  ['TF', 'not-mapped'],
  ['PF', 'no-permission'],
  ['AFF', 'no-permission'],
  ['ASF', 'beyond-width'],
  ['EF', 'walk-aborted'],
  ['ABORT', 'walk-aborted'],
  ['UUT', 'blocked-request'],
];

function statusNature(event: JudgedEvent): Nature {
  const bit = STATUS_BITS.find(([name]) => hasBit(event, name));
  // Linux's line on an unknown stream says so in words, and the register's line may be missing.
  return (bit ?? STATUS_BITS.find(([name]) => name === event.reason?.name))?.[1] ?? 'unknown';
}

/** Why an event's access was refused. */
export function natureOf(event: JudgedEvent): Nature {
  if (event.kind === 'interrupt-fault') return 'interrupt';
  switch (event.unit) {
    case 'vtd':
      return vtdNature(event);
    case 'amdvi':
      return amdviNature(event);
    case 'smmuv3':
      return SMMUV3_NATURE.get(event.reason?.code ?? -1) ?? 'unknown';
    case 'smmuv2':
    case 'ipmmu':
      return statusNature(event);
    case null:
      return 'unknown';
  }
}

/** The direction of an access, by the line or, of VT-d, by the reason. */
export function accessOf({ unit, access, reason }: JudgedEvent): LogAccess | null {
  if (access !== null || unit !== 'vtd') return access;
  if (reason?.code === VtdReason.WRITE_DENIED) return 'write';
  return reason?.code === VtdReason.READ_DENIED ? 'read' : null;
}

/** Whether nothing may be mapped at the address, as far as the log tells. */
export const mayBeAbsent = (event: JudgedEvent): boolean =>
  ['not-mapped', 'refused', 'unknown'].includes(natureOf(event));

/** Whether something may be mapped there, for another kind of access. */
export const mayBeDenied = (event: JudgedEvent): boolean =>
  ['no-permission', 'refused', 'unknown'].includes(natureOf(event));
