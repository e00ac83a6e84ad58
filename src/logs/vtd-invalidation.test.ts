import { describe, expect, it } from 'vitest';
import { invalidationInWords } from './vtd-invalidation.js';

describe('an invalidation descriptor in words', () => {
  it('names the device whose TLB is meant, at the place where its type has it', () => {
    expect(invalidationInWords(0x5300_5300_0000_0003n)).toEqual({
      name: 'device-TLB invalidation',
      device: '0000:53:00.0',
      domainId: null,
    });
    expect(invalidationInWords(0x0000_0001_6a08_0008n)).toMatchObject({
      name: 'PASID-based device-TLB invalidation',
      device: '0000:6a:01.0',
    });
  });

  it('names the domain id of invalidations of translations', () => {
    expect(invalidationInWords(0x1_0032n)).toEqual({ name: 'IOTLB invalidation', device: null, domainId: 1 });
  });

  it('says that a type is none, its upper bits included', () => {
    expect(invalidationInWords(0n).name).toContain('type 0');
    expect(invalidationInWords(0x203n).name).toContain('type 19');
  });
});
