import type { Rights } from '../formats/address.js';
import { STAGE2_LEAF } from '../formats/arm-stage2.js';
import { fieldOf } from '../formats/layout.js';
import { type RootShape, type Walker, WalkStatus } from '../formats/radix.js';

const ACCESS_FLAG = 1 << fieldOf(STAGE2_LEAF, 'accessFlag').lo;

/** What stage 2 has against an access, in the order in which it looks. (Arm ARM DDI 0487, priority of MMU faults) */
export const Stage2Refusal = {
  none: 0,
  translation: 1,
  addressSize: 2,
  accessFlag: 3,
  permission: 4,
} as const;

/**
 * Walks an SMMU's stage-2 tables: what it has against an access that needs `need`, a {@link Stage2Refusal}. Frames from
 * `outputLimit` up are beyond the output addresses that it is set to.
 */
export function refusalOfStage2(
  walker: Walker,
  root: number,
  shape: RootShape,
  input: number,
  need: Rights,
  outputLimit: number,
): number {
  if (walker.walk(root, shape, input) !== WalkStatus.OK) return Stage2Refusal.translation;
  if (walker.frame >= outputLimit) return Stage2Refusal.addressSize;
  if ((walker.lo & ACCESS_FLAG) === 0) return Stage2Refusal.accessFlag;
  return (walker.rights & need) === 0 ? Stage2Refusal.permission : Stage2Refusal.none;
}
