import { describe, expect, it } from 'vitest';
import { amdvi, idsOf, smmu, smmuV3, vtd } from './causes.fixture.js';

const linux = { source: 'linux' } as const;

describe('the causes of faults from real reports', () => {
  it('are, of a device of dom0 below 1 MiB, memory of the firmware’s that no RMRR names (QubesOS #1491)', () => {
    const event = vtd(5, '0000:01:00.0', 0x8_c000n, { count: 2 });
    expect(idsOf(event).slice(0, 2)).toEqual(['reserved-region-missing', 'xen-own-memory']);
  });

  it('are, of reads of integrated graphics, the graphics (lf-edge/eve #146)', () => {
    const event = vtd(null, '0000:00:02.0', 0x8e43_c000n, { access: 'read' });
    expect(idsOf(event)[0]).toBe('graphics-under-iommu');
  });

  it('are, of graphics without tables, the graphics, and that it was left running (i915ovmfPkg #16, Dasharo #641)', () => {
    const handed = vtd(2, '0000:00:02.0', 0n, { ...linux, access: 'write' });
    expect(idsOf(handed)).toEqual(expect.arrayContaining(['graphics-under-iommu', 'between-owners']));
    expect(idsOf(handed)[0]).toBe('graphics-under-iommu');
    const booting = vtd(1, '0000:00:02.0', 0x7cd8_0000n, { ...linux, access: 'read' });
    expect(idsOf(booting).slice(0, 2)).toEqual(['graphics-under-iommu', 'dma-left-running']);
  });

  it('are, of reserved bits, the entry, and graphics’ own unit (linux-kernel, February 2013)', () => {
    const event = vtd(0xc, '0000:00:02.0', 0x1a_45aa_9000n, { ...linux, access: 'read' });
    expect(idsOf(event)).toEqual(['unusable-entry', 'graphics-under-iommu']);
  });

  it('are, of floods at address 0, a pointer nobody filled in (spdk #2514, OpenNetworkLinux #897)', () => {
    expect(idsOf(vtd(5, '0000:99:00.0', 0n, { ...linux, count: 812_288 }))).toEqual(['null-address']);
    expect(idsOf(vtd(5, '0000:00:12.0', 0n, { ...linux, count: 2475 }))).toEqual(['null-address']);
  });

  it('are, of a refused read of a mapped address, the driver’s direction (igb_avb #11)', () => {
    expect(idsOf(vtd(6, '0000:06:00.0', 0n, { ...linux, address: null }))[0]).toBe('wrong-direction');
  });

  it('are, of a present entry without permission, the driver’s direction (Dasharo #1134)', () => {
    const event = amdvi(['PR', 'RW', 'PE'], { ...linux, address: 0xcfd5_1ad0n, device: '0000:01:00.0' });
    expect(idsOf(event)).toEqual(['wrong-direction']);
  });

  it('are, of a transmit on Arm, the grant: certain in the releases that lose it (the founding mail)', () => {
    expect(idsOf(smmu('TF', 'read'))[0]).toBe('grant-not-mapped');
    expect(idsOf(smmu('TF', 'read'), { xen: '4.14.0' })[0]).toBe('grant-not-mapped');
    expect(idsOf(smmu('TF', 'read'), { xen: '4.15.0' })[0]).toBe('never-mapped');
  });

  it('are, of an SMMUv3 that says no more than 0x10, that nothing is mapped, or no longer (DeepComputing #49)', () => {
    const event = smmuV3(0x10, { ...linux, address: null, access: null });
    expect(idsOf(event)).toEqual(['never-mapped', 'unmapped-too-early']);
  });
});
