import { describe, expect, it } from 'vitest';
import { bootArguments, fileArguments, hardwareArguments, type MachineShape } from './machine-shape.js';

const SHAPE: MachineShape = {
  iommu: 'vtd',
  memoryMib: 3072,
  xenArguments: 'console=com1',
  dom0Arguments: 'console=hvc0 a=1,2',
};

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
