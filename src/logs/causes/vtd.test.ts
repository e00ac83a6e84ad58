import { describe, expect, it } from 'vitest';
import { explainText } from '../explain.js';

const causes = (log: string) =>
  explainText(log, 'a log').events.map(({ causes: [first] }) => [first?.id, first?.for] as const);
const ids = (log: string) => causes(log).map(([id]) => id);

describe('the causes of VT-d’s set-up that fails', () => {
  it('are, where Xen stops over a unit that must stay off, the option that forbids that', () => {
    const log = `(XEN) Command line: placeholder iommu=force,verbose
(XEN) Panic on CPU 0:
BIOS did not enable IGD for VT properly, crash Xen for security purpose`;
    const { events } = explainText(log, 'a log');
    expect(events[0]?.causes[0]).toMatchObject({
      id: 'unit-off-but-forced',
      check: expect.stringContaining('iommu=no-igfx'),
    });
    expect(events[0]?.causes[0]?.for[0]).toContain('iommu=force,verbose');
    expect(ids('firmware did not enable TLB for sound device; crash Xen for security purpose')).toEqual([
      'unit-off-but-forced',
    ]);
    expect(ids('(XEN) IOMMU setup failed, crash Xen for security purpose')).not.toContain(
      'unit-off-but-forced',
    );
  });
});

describe('the causes of invalidations that fail', () => {
  it('are a device that keeps translations and does not answer, as a graphics card that vfio-pci reset', () => {
    const [[id, reasons] = []] = causes(`DMAR: VT-d detected Invalidation Time-out Error: SID 0
DMAR: QI PRIOR: Device-TLB Invalidation qw0 = 0x5300530000000003, qw1 = 0x7ffffffffffff001`);
    expect(id).toBe('device-tlb-silent');
    expect(reasons?.[0]).toContain('device-TLB invalidation');
    expect(ids('(XEN) dom1: ATS device 0000:03:00.0 flush failed')).toEqual(['device-tlb-silent']);
    expect(ids('(XEN) [VT-D] IOMMU#1: QI dev wait descriptor taking too long')).toEqual([
      'device-tlb-silent',
    ]);
  });

  it('are a unit that is gone where its registers read as ones (linux-pci, VMD)', () => {
    expect(
      ids(`DMAR: VT-d detected Invalidation Queue Error: Reason f
DMAR: VT-d detected Invalidation Time-out Error: SID ffff
DMAR: VT-d detected Invalidation Completion Error: SID ffff`),
    ).toEqual(['unit-unreachable', 'unit-unreachable', 'unit-unreachable']);
  });

  it('are a unit that is stuck, behind a device where one did not answer', () => {
    expect(ids('(XEN) [VT-D] IOMMU#0: no QI slot available')).toEqual(['invalidation-stuck']);
    const both = causes(`(XEN) dom1: ATS device 0000:03:00.0 flush failed
(XEN) [VT-D] IOMMU#0: no QI slot available`);
    expect(both[1]?.[1]).toEqual([expect.stringContaining('line 1')]);
  });
});

describe('the causes of mappings that pKVM refuses', () => {
  const direct = `DMAR: pkvm: pkvm_domain_map: domain map[iov_pfn: 0, pfn: 0, nr_pages: 4096] failed (err=-22)
iommu dmar17: IOMMU driver was not able to establish FW requested direct mapping.`;
  const owned = `[pkvm] page->host_state=3, expected states mask=0x2
[pkvm] pkvm_host_use_dma: invalid memory range [0x2a1b9c000, 0x2a1b9d000), state check failed with -1
DMAR: pkvm: pkvm_domain_map: domain map[iov_pfn: fdf00, pfn: 2a1b9c, nr_pages: 1] failed (err=-1)`;

  it('are memory of several kinds where firmware wants the region (pKVM-IA #92)', () => {
    expect(ids(direct)).toEqual(['region-of-mixed-memory', 'region-of-mixed-memory']);
  });

  it('are a page that is not the host’s where the hypervisor says so', () => {
    expect(ids(owned)).toEqual(['page-not-the-hosts', 'page-not-the-hosts']);
  });
});
