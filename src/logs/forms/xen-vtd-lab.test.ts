import { describe, expect, it } from 'vitest';
import { eventsOf } from '../events.fixture.js';
import { explainText } from '../explain.js';

/** The serial console of Xen 4.17 under QEMU with `iommu=verbose,debug`: dom0's test gives the edu device to d1 and back. */
const CONSOLE = `[    1.65] (XEN) [VT-D]Host address width 39
[    1.65] (XEN) [VT-D]found ACPI_DMAR_DRHD:
[    1.65] (XEN) [VT-D]  dmaru->address = fed90000
[    1.65] (XEN) [VT-D]drhd->address = fed90000 iommu->reg = ffff82c000205000
[    1.65] (XEN) [VT-D]cap = d2008c22260206 ecap = f00f4a
[    1.65] (XEN) [VT-D] IOAPIC: 0000:ff:00.0
[    1.65] (XEN) [VT-D] endpoint: 0000:00:04.0
[    1.74] (XEN) Intel VT-d iommu 0 supported page sizes: 4kB, 2MB, 1GB
[    1.74] (XEN) Intel VT-d Snoop Control not enabled.
[    1.74] (XEN) Intel VT-d Shared EPT tables enabled.
[    1.75] (XEN) I/O virtualisation enabled
[    1.75] (XEN)  - Dom0 mode: Relaxed
[    1.75] (XEN) Interrupt remapping enabled
[    4.80] (XEN) [VT-D]d0:Hostbridge: skip 0000:00:00.0 map
[    4.80] (XEN) [VT-D]d0:PCI: map 0000:00:04.0
[    5.06] (XEN) [VT-D]iommu_enable_translation: iommu->reg = ffff82c000205000
[   13.97] (XEN) [VT-D]d1:PCI: map 0000:00:04.0
[   13.97] (XEN) [VT-D]d0:PCI: unmap 0000:00:04.0
[   14.66] (XEN) [VT-D]DMAR:[DMA Write] Request device [0000:00:04.0] fault addr 13414c000
[   14.66] (XEN) [VT-D]DMAR: reason 05 - PTE Write access is not set
[   14.66] (XEN) print_vtd_entries: iommu #0 dev 0000:00:04.0 gmfn 13414c
[   14.66] (XEN)     root_entry[00] = 1341d2001
[   14.67] (XEN)     context[20] = 101_134154001
[   14.67] (XEN)     l3[004] = 134153003 rw
[   14.67] (XEN)     l2[1a0] = 134152003 rw
[   14.67] (XEN)     l1[14c] = 0 --
[   14.67] BLOCKED write B.0 \u001b[33m103\u001b[39m
[   15.30] (XEN) [VT-D]DMAR:[DMA Write] Request device [0000:00:04.0] fault addr 10000000000
[   15.30] (XEN) [VT-D]DMAR: reason 04 - Access beyond MGAW
[   15.30] (XEN) print_vtd_entries: iommu #0 dev 0000:00:04.0 gmfn 10000000
[   15.30] (XEN)     root_entry[00] = 1341d2001
[   15.30] (XEN)     context[20] = 101_134154001
[   15.30] (XEN)     l3[000] = 20000000000000 --
[   16.52] (XEN) [VT-D]d[IO]:PCI: map 0000:00:04.0
[   16.52] (XEN) [VT-D]d1:PCI: unmap 0000:00:04.0
[   18.73] (XEN) [VT-D]DMAR:[DMA Write] Request device [0000:00:04.0] fault addr 13414c000
[   18.73] (XEN) [VT-D]DMAR: reason 02 - Present bit in context entry is clear
[   18.73] (XEN) print_vtd_entries: iommu #0 dev 0000:00:04.0 gmfn 13414c
[   18.73] (XEN)     root_entry[00] = 1341d2001
[   18.74] (XEN)     context[20] = 0_0
[   18.74] (XEN)     ctxt_entry[20] not present
`;

describe('the console of a real Xen with VT-d', () => {
  const { events } = explainText(CONSOLE, 'console.log');

  it('gives each fault with the entry at which it ended', () => {
    const faults = events.filter(({ kind }) => kind === 'dma-fault');
    expect(
      faults.map(({ first, device, address, access, reason, level }) => [
        first.line,
        device,
        address,
        access,
        reason?.name,
        level === null ? null : `${level.name} ${level.entry}: ${level.problem}`,
      ]),
    ).toEqual([
      [19, '0000:00:04.0', 0x13414c000n, 'write', 'LGN.2', 'L1 0: not present'],
      [28, '0000:00:04.0', 0x10000000000n, 'write', 'LGN.1', null],
      [36, '0000:00:04.0', 0x13414c000n, 'write', 'LCT.2', 'context entry 0: not present'],
    ]);
  });

  it('gives what was set up, none of it a complaint', () => {
    const said = events.filter(({ kind }) => kind === 'init');
    expect(said.map(({ first, reason, wrong }) => [first.line, reason?.name, wrong])).toEqual([
      [3, 'unit-found', false],
      [5, 'capabilities', false],
      [8, 'capabilities', false],
      [9, 'feature-off', false],
      [10, 'feature-on', false],
      [11, 'iommu-on', false],
      [12, 'mode', false],
      [13, 'feature-on', false],
      [16, 'iommu-on', false],
    ]);
  });

  it('tells whose the device was at each fault', () => {
    const { facts } = eventsOf(CONSOLE);
    expect(facts.devices.get('0000:00:04.0')?.map(({ value, line }) => `${line} ${value}`)).toEqual([
      '15 assigned to d0',
      '17 assigned to d1',
      '34 quarantined',
    ]);
    const last = events.findLast(({ kind }) => kind === 'dma-fault');
    expect(last?.causes[0]).toMatchObject({ for: [expect.stringContaining('line 34'), expect.anything()] });
  });
});
