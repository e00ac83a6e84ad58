import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bootArguments,
  fileArguments,
  hardwareArguments,
  type MachineShape,
  memoryBelow4G,
  ramOffset,
} from './machine-shape.js';

const SHAPE: MachineShape = {
  iommu: 'vtd',
  memoryMib: 3072,
  xenArguments: 'console=com1',
  dom0Arguments: 'console=hvc0 a=1,2',
};
const GIB = 2 ** 30;

describe("QEMU's command line", () => {
  it('has the IOMMU that was asked for, and a CPU that comes up with it', () => {
    expect(hardwareArguments(SHAPE)).toContain('intel-iommu,intremap=on,caching-mode=off');
    const amd = hardwareArguments({ ...SHAPE, iommu: 'amdvi' });
    expect(amd).toContain('amd-iommu,intremap=on');
    expect(amd).toContain('EPYC,-smap,-rdtscp,-monitor,+rdrand');
    expect(hardwareArguments({ ...SHAPE, iommu: 'none' }).join(' ')).not.toContain('iommu');
  });

  it('has devices at the same places whatever the IOMMU', () => {
    for (const iommu of ['vtd', 'amdvi', 'none'] as const) {
      const line = hardwareArguments({ ...SHAPE, iommu }).join(' ');
      for (const device of [
        'e1000e,netdev=net2,addr=2',
        'e1000e,netdev=net3,addr=3',
        'edu,addr=4',
        'edu,addr=5',
      ]) {
        expect(line).toContain(device);
      }
    }
  });

  it('takes file names with commas', () => {
    const files = { ram: '/a,b/ram', qmp: '/q', agent: '/g', console: '/c', consoleLog: '/l', pid: '/p' };
    expect(fileArguments(SHAPE, files)).toContain(
      'memory-backend-file,id=ram,size=3072M,mem-path=/a,,b/ram,share=on',
    );
    expect(bootArguments(SHAPE, { xen: '/xen', kernel: '/k,1', root: '/r' })).toEqual([
      '-kernel',
      '/xen',
      '-append',
      'console=com1',
      '-initrd',
      '/k,,1 console=hvc0 a=1,,2,/r',
    ]);
  });
});

describe('the RAM file', () => {
  it('has what lies above 4 GiB after what lies below', () => {
    expect(ramOffset(0, 3072)).toBe(0);
    expect(ramOffset(2 * GIB - 4096, 3072)).toBe(2 * GIB - 4096);
    expect(ramOffset(4 * GIB, 3072)).toBe(2 * GIB);
    expect(ramOffset(5 * GIB - 4, 3072)).toBe(3 * GIB - 4);
  });

  it('has no bytes for what is no RAM', () => {
    for (const pa of [2 * GIB, 0xfee00000, 4 * GIB - 4, 5 * GIB]) expect(ramOffset(pa, 3072)).toBe(-1);
    // A small machine has all of it below 4 GiB.
    expect(memoryBelow4G(2048)).toBe(2 * GIB);
    expect(ramOffset(4 * GIB, 2048)).toBe(-1);
  });

  it('has a place of its own for every page', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1280, max: 16384 }), fc.nat(), fc.nat(), (memoryMib, a, b) => {
        const bytes = memoryMib * 2 ** 20;
        const below = memoryBelow4G(memoryMib);
        const pa = (offset: number) => (offset < below ? offset : offset - below + 4 * GIB);
        for (const offset of [a % bytes, b % bytes]) expect(ramOffset(pa(offset), memoryMib)).toBe(offset);
      }),
    );
  });
});
