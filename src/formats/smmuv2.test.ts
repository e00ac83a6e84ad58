import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode, describe as describeEntry, getField } from './layout.js';
import * as smmu from './smmuv2.js';

describe('SMMUv2 faults', () => {
  test('the founding bug’s fault is a translation fault, level 1, read', () => {
    const fsr = smmu.faultStatus(smmu.SmmuFault.TRANSLATION);
    const fsynr = smmu.faultSyndrome(1, false, 0xb);
    expect([fsr, fsynr]).toEqual([0x402, 0xb0001]);
    expect(describeEntry(smmu.SMMU_CB_FSR, [fsr])).toBe('translation, format AArch64');
    expect(describeEntry(smmu.SMMU_CB_FSYNR0, [fsynr])).toBe('level 1, stage1 bank 0xb');
  });

  test('composed words decode to their parts', () => {
    fc.assert(
      fc.property(fc.nat(3), fc.boolean(), fc.nat(255), (level, write, bank) => {
        const fsynr = smmu.faultSyndrome(level, write, bank);
        const parts = { level, write: Number(write), stage1Bank: bank };
        expect(decode(smmu.SMMU_CB_FSYNR0, [fsynr])).toMatchObject(parts);
      }),
    );
    for (const kind of Object.values(smmu.SmmuFault)) {
      const fsr = smmu.faultStatus(kind);
      expect(smmu.faultKinds(fsr).length).toBe(1);
      expect(getField(smmu.SMMU_CB_FSR, 'format', [fsr])).toBe(2);
      expect(fsr & smmu.FSR_FAULT).toBe(kind);
    }
  });
});
