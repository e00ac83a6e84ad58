import { describe, expect, it } from 'vitest';
import { explainText } from '../explain.js';

const firsts = (log: string) => explainText(log, 'a log').events.map(({ causes }) => causes[0]);
const ids = (log: string) => firsts(log).map((first) => first?.id);

describe('the causes of commands that are not carried out', () => {
  it('are, of AMD’s time-outs, the device that the unit names, also where it is only queued behind', () => {
    const log = `Apr 09 11:28:59 endless kernel: AMD-Vi: Completion-Wait loop timed out
Apr 09 11:28:59 endless kernel: iommu ivhd0: AMD-Vi: Event logged [IOTLB_INV_TIMEOUT device=01:00.0 address=0x216d8e620]`;
    expect(ids(log)).toEqual(['device-tlb-silent', 'device-tlb-silent']);
    const [waiting, silent] = firsts(log);
    expect(waiting?.for[0]).toContain('0000:01:00.0 did not answer (line 2)');
    expect(waiting?.check).toContain('lspci -vvs 0000:01:00.0');
    expect(silent?.check).toContain('pci=noats');
    expect(silent?.check).not.toContain('Xen');
  });

  it('are, of a completion wait alone, the unit and no device', () => {
    expect(ids('Dec  8 10:02:17  kernel: AMD-Vi: Completion-Wait loop timed out')).toEqual([
      'invalidation-stuck',
    ]);
  });

  it('are, of an SMMU that does not finish, its power and clocks, and not ATS', () => {
    const [first] = firsts('arm-smmu 15000000.iommu: TLB sync timed out -- SMMU may be deadlocked');
    expect(first).toMatchObject({
      id: 'smmu-without-power',
      check: expect.stringContaining('pd_ignore_unused'),
    });
    expect(ids('arm-smmu-v3 arm-smmu-v3.0.auto: CMDQ timeout')).toContain('invalidation-stuck');
  });

  it('are, of SMMUv3’s command queue, why it stopped', () => {
    const stopped = (cons: string, text: string) =>
      ids(`arm-smmu-v3 arm-smmu-v3.0.auto: CMDQ error (cons ${cons}): ${text}`);
    expect(stopped('0x0100b1b7', 'Illegal command')).toEqual(['command-refused']);
    expect(stopped('0x0200b1b7', 'Abort on command fetch')).toEqual(['command-queue-unreadable']);
    expect(stopped('0x0300b1b7', 'ATC invalidate timeout')).toEqual(['device-tlb-silent']);
  });

  it('are, of a unit whose queue begins anew, that it was switched off', () => {
    expect(
      ids(
        'platform arm-smmu-v3.0.auto: CMD_SYNC timeout at 0x00000146 [hwprod 0x00000146, hwcons 0x00000000]',
      ),
    ).toEqual(['unit-unreachable']);
  });

  it('are, of a log that overflowed, what faults most', () => {
    const log = `AMD-Vi: IOMMU event log overflow
nvme 0000:01:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0000 address=0xfc189000 flags=0x0000]`;
    expect(firsts(log)[0]).toMatchObject({
      id: 'event-flood',
      for: [expect.stringContaining('0000:01:00.0')],
    });
  });
});
