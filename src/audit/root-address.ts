import { AMDVI_DEVICE_TABLE_BASE, AMDVI_ENTRY_BYTES } from '../formats/amdvi.js';
import { getField } from '../formats/layout.js';
import { SMMU_STREAM_TABLE_BASE, SMMU_STREAM_TABLE_CONFIG } from '../formats/smmuv3.js';
import { wordsOf64 } from '../formats/vtd-registers.js';
import { TableMode, VTD_ROOT_ADDRESS } from '../formats/vtd-scalable.js';
import { sourceError } from './memory/source-error.js';
import type { FoundRoot } from './roots.js';

const PAGE = 4096;

/** What of a found root its register says. */
type RootTable = Pick<FoundRoot, 'table' | 'mode' | 'size' | 'split'>;

/** Reads a VT-d unit's RTADDR_REG; undefined when its table mode is reserved. */
export function rootOfRtaddr(value: bigint): RootTable | undefined {
  const words = wordsOf64(value);
  const table = getField(VTD_ROOT_ADDRESS, 'rootTable', words) * PAGE;
  switch (getField(VTD_ROOT_ADDRESS, 'mode', words)) {
    case TableMode.LEGACY:
      return { table, mode: 'legacy' };
    case TableMode.SCALABLE:
      return { table, mode: 'scalable' };
    case TableMode.ABORT:
      return { table, mode: 'abort' };
    default:
      return undefined;
  }
}

/** Reads an AMD-Vi unit's device table base address register. */
export function rootOfDeviceTable(value: bigint): RootTable {
  const words = wordsOf64(value);
  const pages = getField(AMDVI_DEVICE_TABLE_BASE, 'size', words) + 1;
  return {
    table: getField(AMDVI_DEVICE_TABLE_BASE, 'table', words) * PAGE,
    size: (pages * PAGE) / AMDVI_ENTRY_BYTES,
  };
}

/** Reads an SMMUv3's stream table registers. */
export function rootOfStreamTable(base: bigint, config: number): RootTable {
  const twoLevel = getField(SMMU_STREAM_TABLE_CONFIG, 'format', [config]) === 1;
  return {
    table: getField(SMMU_STREAM_TABLE_BASE, 'table', wordsOf64(base)) * 64,
    size: getField(SMMU_STREAM_TABLE_CONFIG, 'size', [config]),
    split: twoLevel ? getField(SMMU_STREAM_TABLE_CONFIG, 'split', [config]) : 0,
  };
}

const GIVEN = /^(?:(vtd|amdvi|smmuv3):)?(?:([0-9a-f]{1,4}):)?(0x[0-9a-f]{1,16})(?:\/(0x[0-9a-f]{1,8}))?$/i;

const FORM =
  '[vtd|amdvi|smmuv3:][SEGMENT:]VALUE, VALUE as the register holds it: RTADDR_REG, the device table base, or STRTAB_BASE/STRTAB_BASE_CFG';

/**
 * The root that `--rtaddr` gives: `0x1341b6000`, `0001:0x1341b6000`, `amdvi:0x13400001ff`,
 * `smmuv3:0x48000000/0x10210`. The value is the register's, its low bits included. @throws InputError
 */
export function givenRoot(text: string): FoundRoot {
  const refuse = (message: string) => sourceError('--rtaddr', 'root-address', message, FORM);
  const match = GIVEN.exec(text);
  if (match === null) throw refuse(`${text} is no root address`);
  const kind = (match[1]?.toLowerCase() ?? 'vtd') as FoundRoot['kind'];
  const value = BigInt(match[3]!);
  const config = match[4] === undefined ? undefined : Number(match[4]);
  if ((config !== undefined) !== (kind === 'smmuv3')) {
    throw refuse(kind === 'smmuv3' ? `${text} lacks STRTAB_BASE_CFG` : `${text} has a second value`);
  }
  const found = tableOf(kind, value, config ?? 0);
  if (found === undefined) throw refuse(`the table mode of ${text} (bits 11 and 10) is reserved`);
  if (found.table >= 2 ** 52) throw refuse(`${text} is beyond 52 bits`);
  const segment = Number.parseInt(match[2] ?? '0', 16);
  return { kind, segment, ...found, registers: null, enabled: null, foundBy: '--rtaddr' };
}

function tableOf(kind: FoundRoot['kind'], value: bigint, config: number): RootTable | undefined {
  if (kind === 'amdvi') return rootOfDeviceTable(value);
  return kind === 'vtd' ? rootOfRtaddr(value) : rootOfStreamTable(value, config);
}
