import { describe, expect, it } from 'vitest';
import { explainText } from '../explain.js';

/** The region of a mail to xen-devel of 2022-04-26 on an HP BL460c Gen8, whose devices Xen prints before it. */
const REGION = `(XEN) [VT-D]found ACPI_DMAR_RMRR:
(XEN) [VT-D] endpoint: 0000:04:00.0
(XEN) [VT-D] endpoint: 0000:04:00.1
(XEN) [VT-D] endpoint: 0000:04:00.2
(XEN) [VT-D] endpoint: 0000:04:00.3
(XEN) [VT-D]dmar.c:608:   RMRR region: base_addr bdf8f000 end_addr bdf92fff
`;
const fault = (device: string, address: string) =>
  explainText(
    `${REGION}(XEN) [VT-D]DMAR:[DMA Write] Request device [${device}] fault addr ${address}\n`,
    'a log',
  ).events.find(({ kind }) => kind === 'dma-fault')!.causes;

describe('a fault at a region that firmware reserves', () => {
  it('for other devices says so first, and names the function that it can be a phantom of', () => {
    const [first] = fault('0000:04:00.6', 'bdf90000');
    expect(first).toMatchObject({
      id: 'reserved-region-of-another',
      check: expect.stringContaining('pci-phantom=04:00,4'),
    });
    expect(first!.for[0]).toContain('[0xbdf8f000, 0xbdf93000), declared for 0000:04:00.0');
    const [stranger] = fault('0000:05:00.0', 'bdf90000');
    expect(stranger).toMatchObject({
      id: 'reserved-region-of-another',
      check: expect.stringContaining('rmrr=0xbdf90=0000:05:00.0'),
    });
  });

  it('for the very device is not another’s', () => {
    expect(fault('0000:04:00.1', 'bdf90000').map(({ id }) => id)).not.toContain('reserved-region-of-another');
  });

  it('close by is taken for one that is too small', () => {
    const [first] = fault('0000:05:00.0', 'bdf80000');
    expect(first!.id).toBe('reserved-region-missing');
    expect(first!.for[0]).toContain('close by, [0xbdf8f000, 0xbdf93000)');
    expect(JSON.stringify(fault('0000:05:00.0', 'bdf70000'))).not.toContain('close by');
  });

  it('close by and for other functions of the card is one of a phantom function, by its stride', () => {
    const [first, second] = fault('0000:04:00.5', 'bdf80000');
    expect(first).toMatchObject({
      id: 'phantom-function',
      check: expect.stringContaining('pci-phantom=04:00,4'),
    });
    expect(second!.id).toBe('reserved-region-missing');
  });

  it('is no complaint about firmware where it is only shared', () => {
    const { events } = explainText(
      `(XEN) [VT-D] It's disallowed to assign 0000:00:1a.0 with shared RMRR at dbe9a000 for Dom19.
(XEN) XEN_DOMCTL_assign_device: assign 0000:00:1a.0 to dom19 failed (-1)
DMAR: [DMA Write] Request device [00:1a.0] fault addr 7cd80000 [fault reason 02] Present bit in context entry is clear
`,
      'a log',
    );
    const [refused, failed, fault] = events.map(({ causes }) => causes);
    expect(refused![0]).toMatchObject({
      id: 'reserved-region-shared',
      check: expect.stringContaining('rdm_policy=relaxed'),
    });
    expect(failed![0]).toMatchObject({
      id: 'reserved-region-shared',
      for: [expect.stringContaining('line 1')],
    });
    expect(JSON.stringify(fault)).not.toContain('complains');
  });

  it('keeps Linux from handing the device on, for which no option of Xen’s is advised', () => {
    const [first] = explainText(
      'kernel: vfio-pci 0000:04:00.1: DMAR: Device is ineligible for IOMMU domain attach due to platform RMRR requirement.  Contact your platform vendor.',
      'a log',
    ).events[0]!.causes;
    expect(first!.id).toBe('reserved-region-shared');
    expect(first!.check).not.toContain('rdm_policy');
  });
});
