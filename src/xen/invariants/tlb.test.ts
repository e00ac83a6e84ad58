import { describe, expect, it } from 'vitest';
import { assignDevice } from '../device-domctl.js';
import { destroyDomain } from '../domain-death.js';
import { iommuMap } from '../iommu-map.js';
import { amd, arm, assign, broken, DISK, dma, domain, NIC, pvWithContext, x86 } from '../machine.fixture.js';
import { guest, message } from './invariants.fixture.js';

describe('I4', () => {
  it('fires on a remembered translation that the tables do not give any more', () => {
    const { xen, slot, frame } = guest();
    dma(xen, 0, 'write', frame * 4096);
    expect(broken(xen)).toEqual([]);
    const { iotlb } = xen.unit!;
    iotlb.fill(slot, frame + 9, frame, 1);
    expect(message(xen, 'I4')).toBe(
      'the IOTLB leads nic (0000:03:00.0) from 0x10a to frame 0x101 (r-), where its tables have nothing',
    );
    iotlb.invalidateAll();
    iotlb.fill(slot, frame, frame + 1, 3);
    expect(message(xen, 'I4')).toMatch(/to frame 0x102 \(rw\), where its tables have frame 0x101$/);
    iommuMap(xen, slot, frame, frame, 1);
    iotlb.fill(slot, frame, frame, 3);
    expect(message(xen, 'I4')).toMatch(/to frame 0x101 \(rw\), where its tables have r-$/);
    iotlb.fill(slot, frame, frame, 1);
    expect(message(xen, 'I4')).toBeUndefined();
  });

  it('looks at every frame of a large page', () => {
    const { xen, slot, frame } = guest();
    xen.unit!.iotlb.fill(slot, frame, frame, 3, 9);
    expect(message(xen, 'I4')).toMatch(/^the IOTLB leads nic .* from 0x0 to frame 0x0 \(rw\)/);
  });

  it('says nothing of what no device can use: the tag is one of nobody’s', () => {
    const { xen, frame } = guest();
    xen.unit!.iotlb.fill(9, frame, frame, 3);
    expect(message(xen, 'I4')).toBeUndefined();
  });

  it('finds on Xen 4.11.0 an AMD-Vi entry that lost its write right unnoticed (XSA-275)', () => {
    for (const [edition, fires] of [
      ['4.11.0', true],
      ['4.11.1', false],
    ] as const) {
      const xen = amd(edition, { mode: 'strict' });
      const { slot, page } = pvWithContext(xen, 1);
      const frame = xen.ram.frameAt(page);
      dma(xen, 0, 'write', frame * 4096);
      iommuMap(xen, slot, frame, frame, 1);
      expect(message(xen, 'I4') !== undefined, edition).toBe(fires);
    }
  });
});

describe('INV-DID', () => {
  it('fires on one id for the devices of two domains', () => {
    const xen = x86('4.22', { mode: 'strict' });
    const [one, two] = [domain(xen), domain(xen)];
    assign(xen, one, 0);
    assign(xen, two, 1);
    expect(broken(xen)).toEqual([]);
    const root = xen.ram.frameAt(xen.domain.iommuRoot.get(two) - 1);
    xen.vtd!.setContext(DISK.requester, root, one);
    expect(message(xen, 'INV-DID')).toBe(
      'nic (0000:03:00.0) and disk (0000:04:00.0) have different owners and one domain id, 1',
    );
    xen.vtd!.setContext(NIC.requester, root, one);
    xen.device.owner.set(0, two + 1);
    expect(message(xen, 'INV-DID')).toBeUndefined();
  });

  it('fires on what is remembered under an id that the next domain gets', () => {
    const { xen, frame } = guest();
    xen.unit!.iotlb.fill(3, frame, frame, 1);
    expect(message(xen, 'INV-DID')).toBe(
      'the IOTLB remembers 0x101 under domain id 3, which is free to be given to the next domain',
    );
    domain(xen);
    domain(xen);
    expect(message(xen, 'INV-DID')).toBeUndefined();
  });

  it('fires on Arm on a VMID of no bank', () => {
    const xen = arm('4.22');
    dma(xen, 0, 'read', 0x100000);
    expect(broken(xen)).toEqual([]);
    xen.unit!.iotlb.fill(2, 0x100, 0x100, 1);
    expect(message(xen, 'INV-DID')).toMatch(/under domain id 2/);
  });

  it('finds on Xen 4.15 that AMD-Vi keeps the translations of a domain that died (XSA-442)', () => {
    for (const [edition, fires] of [
      ['4.14', false],
      ['4.15', true],
      ['4.17.3', false],
    ] as const) {
      const xen = amd(edition, { mode: 'strict' });
      const { slot, page } = pvWithContext(xen, 1);
      assignDevice(xen, 0, slot, 0, 0);
      dma(xen, 0, 'read', xen.ram.frameAt(page) * 4096);
      destroyDomain(xen, 0, slot);
      expect(message(xen, 'INV-DID') !== undefined, edition).toBe(fires);
    }
  });
});
