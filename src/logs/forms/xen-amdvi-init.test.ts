import { describe, expect, it } from 'vitest';
import { AMDVI_FEATURES } from '../../formats/amdvi-features.js';
import { eventsOf } from '../events.fixture.js';
import type { InitReasonName } from './init-reasons.js';
import { wordingsWithoutLine } from './samples.fixture.js';
import { XEN_AMDVI_DEVICES } from './xen-amdvi-devices.js';
import { XEN_AMDVI_TABLES } from './xen-amdvi-tables.js';
import { XEN_AMDVI_UNITS } from './xen-amdvi-units.js';

const FORMS = [...XEN_AMDVI_TABLES, ...XEN_AMDVI_UNITS, ...XEN_AMDVI_DEVICES];

type Row = readonly [log: string, reason: InitReasonName, more?: Readonly<Record<string, unknown>>];

const AT_300 = { device: '0000:03:00.0' };

const IVRS: readonly Row[] = [
  ['AMD-Vi: Error: IVRS: invalid checksum 0x8b', 'firmware-bug', { details: { checksum: '0x8b' } }],
  ['AMD-Vi: IVRS Error: Invalid Checksum 0x8b', 'firmware-bug'],
  ['AMD-Vi: Error: IVRS: table length exceeded: 0x78 -> 0x90', 'firmware-bug'],
  ['AMD-Vi: IVRS Error: Table Length Exceeded: 0x78 -> 0x90', 'firmware-bug'],
  ['AMD-Vi: IVRS Error: Invalid Block Type!', 'firmware-bug'],
  ['Cannot find supported IVHD type.', 'firmware-bug'],
  ['AMD-Vi: Error: invalid IVHD block length', 'firmware-bug'],
  ['AMD-Vi: Error: invalid IVHD block', 'firmware-bug'],
  ['AMD-Vi: Invalid IVHD Block Length!', 'firmware-bug'],
  ['AMD-Vi: Error: IVHD: invalid block length', 'firmware-bug'],
  ['AMD-Vi: IVHD Error: Invalid Block Length!', 'firmware-bug'],
  ['AMD-Vi: Error: IVHD: invalid Device_Entry length', 'firmware-bug'],
  ['AMD-Vi: IVHD Error: Invalid Device_Entry Length!', 'firmware-bug'],
  ['AMD-Vi: Error: IVHD: invalid Device_Entry Dev_Id 0x300', 'firmware-bug', AT_300],
  ['AMD-Vi: IVHD Error: Invalid Device_Entry Dev_Id 0x300', 'firmware-bug', AT_300],
  ['AMD-Vi: Error: IVHD: invalid range: End_Type 0x3', 'firmware-bug'],
  ['AMD-Vi: IVHD Error: Invalid Range: End_Type 0x3', 'firmware-bug'],
  ['AMD-Vi: Error: IVHD: invalid range: First Dev_Id 0x300', 'firmware-bug', AT_300],
  ['AMD-Vi: IVHD Error: Invalid Range: First Dev_Id 0x300', 'firmware-bug', AT_300],
  ['AMD-Vi: Error: IVHD: invalid range: Last Dev_Id 0x300', 'firmware-bug', AT_300],
  ['AMD-Vi: IVHD Error: Invalid Range: Last Dev_Id 0x300', 'firmware-bug', AT_300],
  ['AMD-Vi: Error: IVHD: invalid Alias Dev_Id 0x300', 'firmware-bug', AT_300],
  ['AMD-Vi: IVHD Error: Invalid Alias Dev_Id 0x300', 'firmware-bug', AT_300],
  ['AMD-Vi: Error: IVHD: no IOMMU for Dev_Id 0x2 Cap 0x40', 'firmware-bug', { device: '0000:00:00.2' }],
  [
    'AMD-Vi: IVHD Error: No IOMMU for Dev_Id 0x2 Cap 0x40',
    'firmware-bug',
    { details: { capability: '0x40' } },
  ],
  ['AMD-Vi: IVHD Error: Invalid Device Type!', 'firmware-bug'],
  ['AMD-Vi: Warning: IVHD: unknown device type 0x7', 'firmware-bug', { details: { type: '0x7' } }],
  ['AMD-Vi: Error: IVHD: conflicting IO-APIC 0x82 entries', 'firmware-bug', { details: { id: '0x82' } }],
  ['IVHD Error: Conflicting IO-APIC 0x82 entries', 'firmware-bug'],
  ['AMD-Vi: Warning: IVHD: duplicate IO-APIC 0x82 entries', 'firmware-bug'],
  ['AMD-Vi: IVHD Warning: Duplicate IO-APIC 0x82 entries', 'firmware-bug'],
  ['IVHD Error: IO-APIC 0x82 entry beyond bounds', 'firmware-bug'],
  ['IVHD Error: Invalid IO-APIC 0xff', 'firmware-bug'],
  ['(XEN) IVHD Error: no information for IO-APIC 0x82', 'firmware-bug', { details: { id: '0x82' } }],
  ['IVHD Error: Too many IO APICs.', 'firmware-bug'],
  ['IVHD Error: Out of memory', 'out-of-memory'],
  ['Unrecognized IVHD special variety 0x9', 'firmware-bug'],
  ['Only one IVHD HPET entry is supported.', 'firmware-bug'],
  ['No southbridge IO-APIC found in IVRS table', 'firmware-bug'],
  ['0000:03:00.0 not found in ACPI tables; using same IOMMU as function 0', 'firmware-bug', AT_300],
  ['Error: parse_ivrs_ioapic: Too many IO APICs.', 'option-invalid'],
];

const IVMD: readonly Row[] = [
  [
    'AMD-Vi: IVMD Block: type 0x21 phys 0xcf000000 len 0x1000000',
    'ivmd',
    { address: 0xcf00_0000n, details: { type: '0x21', length: '0x1000000', devices: 'one' } },
  ],
  ['AMD-Vi: Warning: IVMD: [0,1) is not IOMMU addressable', 'firmware-bug', { address: 0n }],
  [
    'IVMD: [0xcf000000, 0xcfffffff] is not (entirely) in reserved memory',
    'firmware-bug',
    { address: 0xcf00_0000n },
  ],
  ['AMD-Vi: Warning: IVMD: [cf000000,d0000000) is not (entirely) in reserved memory', 'firmware-bug'],
  ["AMD-Vi: Error: IVMD: page at cf000000 couldn't be reserved", 'firmware-bug', { address: 0xcf00_0000n }],
  ["IVMD: page at 0xcf000 couldn't be reserved", 'firmware-bug', { address: 0xcf00_0000n }],
  ["IVMD: page at 0x000cf can't be converted", 'firmware-bug', { address: 0xcf000n }],
  ['AMD-Vi: Error: IVMD: overlap [1000,2000) vs [1800,3000)', 'firmware-bug', { details: { other: '1800' } }],
  ['AMD-Vi: Error: IVMD: invalid block length', 'firmware-bug'],
  ['AMD-Vi: IVMD Error: Invalid Block Length!', 'firmware-bug'],
  ['AMD-Vi: Error: IVMD: invalid flag field', 'firmware-bug'],
  ['AMD-Vi: IVMD Error: Invalid Flag Field!', 'firmware-bug'],
  ['AMD-Vi: Error: IVMD: unknown block type 0x24', 'firmware-bug'],
  ['AMD-Vi: IVMD Error: Invalid Block Type!', 'firmware-bug'],
  ['AMD-Vi: Error: IVMD: invalid Dev_Id 0x300', 'firmware-bug', AT_300],
  ['AMD-Vi: Error: IVMD: invalid Range_First Dev_Id 0x300', 'firmware-bug', AT_300],
  ['AMD-Vi: Error: IVMD: invalid Range_Last Dev_Id 0x300', 'firmware-bug', AT_300],
  ['AMD-Vi: IVMD Error: Invalid Dev_Id 0x300', 'firmware-bug', AT_300],
  ['AMD-Vi: IVMD Error: Invalid Range_First Dev_Id 0x300', 'firmware-bug', AT_300],
  ['AMD-Vi: IVMD Error: Invalid Range_Last Dev_Id 0x300', 'firmware-bug', AT_300],
  ['AMD-Vi: Error: IVMD: no IOMMU for Dev_Id 0x300 Cap 0x40', 'firmware-bug', AT_300],
  ['AMD-Vi: IVMD Error: No IOMMU for Dev_Id 0x300!', 'firmware-bug', AT_300],
  ['AMD-Vi: Warning: IVMD: no IOMMU for device 0000:03:00.0 - ignoring constrain', 'firmware-bug', AT_300],
];

const UNIT = { device: '0000:00:00.2' };

const UNITS: readonly Row[] = [
  ['AMD-Vi: IOMMU 0 Enabled.', 'iommu-on', { details: { unit: '0' } }],
  [
    'AMD-Vi: IVHD: IOMMU @ 0xfeb80000 cap @ 0x40 seg 0x0000 info 0 attr 0x44b08',
    'unit-found',
    { address: 0xfeb8_0000n, details: { capability: '0x40' } },
  ],
  ['AMD-Vi: Disabled HAP memory map sharing with IOMMU', 'feature-off'],
  ['AMD-Vi: PPR Log Enabled.', 'feature-on'],
  ['AMD-Vi: Guest Translation Enabled.', 'feature-on'],
  ['AMD-Vi: Applying erratum 746 workaround for IOMMU at 0000:00:00.2', 'workaround', UNIT],
  ['AMD-Vi: IOMMU 0000:00:00.2 enabled by firmware (ctrl 000000000000000d)', 'mode', UNIT],
  ['AMD-Vi: Error initialization', 'iommu-off'],
  ['AMD-Vi: IOMMU not found!', 'iommu-off'],
  ['AMD-Vi: Error -19 initializing for x2APIC mode', 'feature-refused', { reason: { code: -19 } }],
  ['AMD-Vi: Error: no CMPXCHG16B support, disabling IOMMU', 'iommu-off'],
  ['AMD-Vi: SP5100 erratum 28 detected, disabling IOMMU.', 'iommu-off'],
  ['AMD-Vi: Error: cannot allocate Event Log', 'out-of-memory', { details: { what: 'Event Log' } }],
  ['AMD-Vi: Error allocating Command Buffer', 'out-of-memory'],
  ['AMD-Vi: no device found, something must be very wrong!', 'unit-failed'],
  ["AMD-Vi: Error: can't request irq", 'unit-failed'],
  ["AMD-Vi: can't request irq", 'unit-failed'],
  ['iommu_init.c:775: IOMMU: no irqs', 'unit-failed'],
  ['AMD-Vi: Warning: no pdev for 0000:00:00.2', 'device-unknown', UNIT],
  ['AMD-Vi: IOMMU: no pdev for 0000:00:00.2', 'device-unknown', UNIT],
  ['Could not mark config space of 0000:00:00.2 read-only (-12)', 'device-failed', UNIT],
  ['AMD-Vi: Warning: Log Run bit 8 is not cleared before reset', 'unit-failed'],
  ['AMD-Vi: Warning: Log Run bit 3 is not clearedbefore reset!', 'unit-failed'],
  ['AMD-Vi: Using global interrupt remap table is not recommended (see XSA-36)!', 'interrupts-exposed'],
  [
    'AMD-Vi: Warning: failed to find IOMMU for IO-APIC @ 0000:00a0',
    'interrupts-exposed',
    { device: '0000:00:14.0' },
  ],
  ['AMD-Vi: Fail to find iommu for ioapic device id = 0000:00a0', 'interrupts-exposed'],
  ['AMD-Vi: Warning: no IOMMU for IO-APIC 0x1 (ID 21)', 'interrupts-exposed'],
  ['AMD-Vi: No IOMMU for IO-APIC 0x1 (ID 21)', 'interrupts-exposed'],
  ['AMD-Vi: No IOMMU for MSI dev = 0000:03:00.0', 'interrupts-exposed', AT_300],
  ['AMD-Vi: Error: failed to setup HPET MSI remapping: missing IVRS HPET info', 'firmware-bug'],
  ['AMD-Vi: Failed to setup HPET MSI remapping. Missing IVRS HPET info.', 'firmware-bug'],
  ['AMD-Vi: Error: failed to setup HPET MSI remapping: wrong HPET', 'firmware-bug'],
  ['AMD-Vi: Failed to setup HPET MSI remapping. Wrong HPET.', 'firmware-bug'],
  ['Remapping IO-APIC 0x20 pin 4 failed (-19)', 'interrupts-exposed', { details: { pin: '4' } }],
  [
    'unexpected IRTE 0000000000000000_0000000000000001 (expected 0000000000000000_0000000000000002)',
    'unit-failed',
  ],
  ["No memory for 0000:03:00.0's IRT", 'panic', AT_300],
  ['No memory for shared IRT', 'panic'],
];

const COMMANDS: readonly Row[] = [
  ['AMD IOMMU 0000:00:00.2: completion wait taking too long', 'unit-failed', UNIT],
  ['AMD IOMMU 0000:00:00.2: iotlb completion wait taking too long', 'unit-failed', UNIT],
  ['AMD IOMMU 0000:00:00.2: completion wait took 1200ms', 'unit-failed', { details: { time: '1200ms' } }],
  ['AMD IOMMU 0000:00:00.2: iotlb completion wait took 1200ms', 'unit-failed', UNIT],
  ['AMD IOMMU 0000:00:00.2: no cmd slot available', 'unit-failed', UNIT],
  ['AMD-Vi: Warning: ComWaitInt bit did not assert!', 'unit-failed'],
  ["AMD-Vi: Warning: can't find IOMMU for 0000:03:00.0", 'device-unknown', AT_300],
  ["AMD-Vi: amd_iommu_flush_iotlb: Can't find iommu for 0000:03:00.0", 'device-unknown', AT_300],
  ['AMD-Vi: AMD-Vi: No entry written to Event Log', 'unit-failed', { details: { log: 'Event' } }],
  ['AMD-Vi: AMD-Vi: No event written to log', 'unit-failed'],
  ['AMD-Vi: AMD-Vi: No ppr written to log', 'unit-failed'],
];

const DEVICES: readonly Row[] = [
  [
    'AMD-Vi: Warning: failed to find IOMMU: 0000:03:00.0 cannot be assigned to d1',
    'device-unknown',
    { ...AT_300, domain: 1 },
  ],
  ['AMD-Vi: Fail to find iommu. 0000:03:00.0 cannot be assigned to dom1', 'device-unknown', { domain: 1 }],
  [
    'AMD-Vi: Warning: failed to find IOMMU: 0000:03:00.0 cannot be removed from d[IO]',
    'device-unknown',
    { domain: 32753 },
  ],
  ['AMD-Vi: Fail to find iommu. 0000:03:00.0 cannot be removed from dom1', 'device-unknown'],
  ['AMD-Vi: Warning: no IOMMU for 0000:03:00.0; cannot be handed to d0', 'device-unknown', { domain: 0 }],
  ['AMD-Vi: No iommu for 0000:03:00.0; cannot be handed to d0', 'device-unknown', AT_300],
  ['AMD-Vi: No iommu for device 0000:03:00.0', 'device-unknown', AT_300],
  [
    'AMD-Vi: Warning:  0000:03:00.0: reassignment may cause d1 data corruption',
    'device-exposed',
    { ...AT_300, domain: 1 },
  ],
  ['AMD-Vi: Warning: d1: unity mapping failed for 0000:03:00.0', 'map-failed', { ...AT_300, domain: 1 }],
  ['AMD-Vi: Warning: d1: unity unmapping failed for 0000:03:00.0', 'map-failed', AT_300],
  ['AMD-Vi: unity-unmap for d1/0000:03:00.0 failed (-16)', 'map-failed', { ...AT_300, domain: 1 }],
  ['AMD-Vi: Warning: 0000:03:00.0: quarantine unity mapping failed', 'map-failed', AT_300],
  [
    'Dom1: unexpected DTE 0000000000000000_0000000000000001 (expected 0000000000000000_0000000000000002)',
    'unit-failed',
    { domain: 1 },
  ],
  ['AMD-Vi: Error: cannot allocate I/O page table', 'out-of-memory', { details: {} }],
  ['AMD-Vi: Cannot allocate I/O page table', 'out-of-memory'],
  ['AMD-Vi: Error: root table alloc failed, dfn = 1000', 'out-of-memory', { address: 0x100_0000n }],
  ['AMD-Vi: Root table alloc failed, dfn = 1000', 'out-of-memory'],
  ['AMD-Vi: Root table alloc failed, gfn = 1000', 'out-of-memory'],
  ['AMD-Vi: Error: invalid IO pagetable entry dfn = 1000', 'map-failed', { address: 0x100_0000n }],
  ['AMD-Vi: Invalid IO pagetable entry dfn = 1000', 'map-failed'],
  ['AMD-Vi: Invalid IO pagetable entry gfn = 1000', 'map-failed'],
  ['AMD-Vi: Update page mode failed dfn = 1000', 'map-failed'],
  ['AMD-Vi: Update page mode failed gfn = 1000', 'map-failed'],
  [
    'AMD-Vi: Merge iommu page failed at level 2, gfn = 1000 mfn = 2000',
    'map-failed',
    { details: { mfn: '0x2000' } },
  ],
  ['AMD IOMMU table error. next_level = 3, expected 1', 'unit-failed'],
  ['IOMMU p2m table error. next_level = 3, expected 1', 'unit-failed'],
  ['AMD-Vi: d0: IOMMU mapping failed: -12', 'map-failed', { domain: 0 }],
];

const ROWS = [...IVRS, ...IVMD, ...UNITS, ...COMMANDS, ...DEVICES];

describe('what Xen says of AMD-Vi besides faults', () => {
  it.each(ROWS.map(([log, name, more = {}]) => [log, name, more] as const))('%s: %s', (log, name, more) => {
    const { events } = eventsOf(log, FORMS);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ source: 'xen', unit: 'amdvi', ...more });
    expect(events[0]!.reason?.name).toBe(name);
    expect(events[0]!.kind).toBe(COMMANDS.some(([one]) => one === log) ? 'command-error' : 'init');
  });

  it('lists features, which are decoded', () => {
    const log = [
      '(XEN) AMD-Vi: IOMMU Extended Features:',
      ...AMDVI_FEATURES.filter(({ xen }) => xen !== '').map(
        ({ xen, lo, hi }) => `(XEN) - ${xen}${hi > lo ? ': 0x2' : ''}`,
      ),
    ].join('\n');
    const { events } = eventsOf(log, FORMS);
    expect(events).toHaveLength(1);
    expect(events[0]!.bits.map(({ name }) => name)).toEqual(
      AMDVI_FEATURES.filter(({ xen }) => xen !== '').map(({ name }) => name),
    );
    expect(events[0]!.bits.find(({ name }) => name === 'HATS')).toEqual({
      name: 'HATS',
      value: 2,
      meaning: 'levels of the host’s tables, less four (3: reserved)',
    });
    expect(
      wordingsWithoutLine(FORMS, [
        log,
        ...MOVES,
        ...OLD_FEATURES,
        ...ATS,
        ...TRACE,
        ...ROWS.map(([one]) => one),
      ]),
    ).toEqual([]);
  });

  it('lists the features of the lab’s unit', () => {
    const { events } = eventsOf(LAB_FEATURES.join('\n'), FORMS);
    expect(events).toHaveLength(1);
    const told = events[0]!.bits
      .filter(({ value }) => value !== 0)
      .map(({ name, value }) => `${name}=${value}`);
    expect(told.join(' ')).toBe('Pref=1 PPR=1 IA=1 GA=1 HE=1 HATS=2 GATS=2');
  });

  it('lists features as Xen up to 4.12 does', () => {
    const { events } = eventsOf(OLD_FEATURES.join('\n'), FORMS);
    expect(events).toHaveLength(1);
    expect(events[0]!.bits.map(({ name }) => name)).toEqual(['Pref', 'XT', 'NX', 'GA']);
  });
});

const OLD_FEATURES = [
  '(XEN) AMD-Vi: IOMMU Extended Features:',
  '(XEN)  - Prefetch Pages Command',
  '(XEN)  - X2APIC Supported',
  '(XEN)  - NX bit Supported',
  '(XEN)  - Guest APIC supported',
];

/** From the lab: Xen 4.17 on QEMU's unit. */
const LAB_FEATURES = [
  '[    2.36] (XEN) AMD-Vi: IOMMU Extended Features:',
  '[    2.36] (XEN) - Prefetch Pages Command',
  '[    2.36] (XEN) - Peripheral Page Service Request',
  '[    2.36] (XEN) - Invalidate All Command',
  '[    2.36] (XEN) - Guest APIC',
  '[    2.36] (XEN) - Hardware Error Registers',
  '[    2.36] (XEN) - Host Address Translation Size: 0x2',
  '[    2.36] (XEN) - Guest Address Translation Size: 0x2',
  '[    2.36] (XEN) - Guest CR3 Root Table Level: 0',
  '[    2.36] (XEN) - Maximum PASID: 0',
  '[    2.36] (XEN) - SMI Filter Register: 0',
  '[    2.36] (XEN) - SMI Filter Register Count: 0',
  '[    2.36] (XEN) - Guest Virtual APIC Modes: 0',
  '[    2.36] (XEN) - Dual PPR Log: 0',
  '[    2.36] (XEN) - Device Table Segmentation: 0',
];

/** From the lab: a device goes to a guest, comes back to quarantine, and stays there. */
const MOVES = [
  '(XEN) AMD-Vi: Using IVHD type 0x10',
  '(XEN) AMD-Vi: IVHD Special: 0000:00:14.0 variety 0x1 handle 0',
  '(XEN) AMD-Vi: IVMD: 2 command line provided entries',
  '(XEN) AMD-Vi: IVHD: Command line override present for IO-APIC 0x20(IVRS: 0x20 devID 0000:00:14.0)',
  '(XEN) AMD-Vi: IVHD: Command line override present for HPET 0 (IVRS: 0 devID 0000:00:14.0)',
  '(XEN) AMD-Vi: Skipping host bridge 0000:00:00.0',
  '(XEN) AMD-Vi: Setup I/O page table: device id = 0x20, type = 0x7, root table = 0x1341f5000, domain = 1, paging mode = 3',
  '(XEN) AMD-Vi: Re-assign 0000:00:04.0 from d0 to d1',
  '(XEN) AMD-Vi: Disable: device id = 0x20, domain = 1, paging mode = 3',
  '(XEN) AMD-Vi: Re-assign 0000:00:04.0 from d1 to d[IO]',
];

const ATS = [
  '(XEN) AMD-Vi: Share p2m table with iommu: p2m table = 0x134154',
  '(XEN) ats.c:62: 0000:03:00.0: ATS is enabled',
  '(XEN) ats.c:62: 0000:03:00.0: ATS was enabled',
  '(XEN) ats.c:81: 0000:03:00.0: ATS is disabled',
];

const TRACE = [
  '(XEN) Xen call trace:',
  '(XEN)    [<ffff82d040327dbc>] R __ioapic_write_entry+0x83/0x95',
  '(XEN)    [<ffff82d04027459e>] F amd_iommu_ioapic_update_ire+0x1ea/0x273',
  '(XEN)    [<ffff82d04027459f>] F amd_iommu_setup_ioapic_remapping+0x1/0x2',
  '(XEN) Pagetable walk from 0000000000000000:',
  '(XEN)  L4[0x000] = 000000012891b063 ffffffffffffffff',
  '(XEN)  L1[0x000] = 0000000000000000',
];

describe('what Xen’s lines on AMD-Vi tell the causes of other events', () => {
  it('are the moves of devices', () => {
    const { events, facts } = eventsOf(MOVES.join('\n'), FORMS);
    expect(events).toEqual([]);
    expect(facts.devices.get('0000:00:04.0')).toEqual([
      { value: 'assigned to d1', line: 7 },
      { value: 'deassigned from d1', line: 9 },
      { value: 'quarantined', line: 10 },
    ]);
    expect(facts.devices.get('0000:00:00.0')?.[0]?.value).toBe('host bridge, not translated');
    expect(facts.other.get('ivrs-io-apic-0x0')).toEqual({ value: '0000:00:14.0', line: 2 });
  });

  it('are the memory that firmware names, complaints of it, and why there is no IOMMU', () => {
    const { facts } = eventsOf(
      [
        '(XEN) AMD-Vi: IVMD Block: type 0x21 phys 0xcf000000 len 0x1000000',
        '(XEN) AMD-Vi: Warning: IVMD: [0,1) is not IOMMU addressable',
        '(XEN) IVHD Error: no information for IO-APIC 0x82',
        '(XEN) AMD-Vi: Error initialization',
      ].join('\n'),
      FORMS,
    );
    expect(facts.reservedRegions).toEqual([
      { start: 0xcf00_0000n, end: 0xd000_0000n, what: '', devices: [], line: 1 },
    ]);
    expect(facts.firmwareComplaints.map(({ line }) => line)).toEqual([2, 3]);
    expect(facts.iommuOffBecause).toEqual({
      value: 'IVHD Error: no information for IO-APIC 0x82',
      line: 3,
    });
  });

  it('are devices with ATS, and tables that are shared with the CPU', () => {
    const { facts } = eventsOf(ATS.join('\n'), FORMS);
    const device = facts.devices.get('0000:03:00.0');
    expect(device?.map(({ value }) => value)).toEqual(['ATS enabled', 'ATS enabled', 'ATS disabled']);
    expect(facts.features.get('ats')?.value).toBe(true);
    expect(facts.features.get('shared-ept')?.value).toBe(true);
  });

  it('are features that are on or off', () => {
    const { facts } = eventsOf(
      'AMD-Vi: Disabled HAP memory map sharing with IOMMU\nAMD-Vi: PPR Log Enabled.\n',
      FORMS,
    );
    expect(facts.features.get('shared-ept')?.value).toBe(false);
    expect(facts.features.get('page-requests')?.value).toBe(true);
  });
});

describe('a call trace of Xen', () => {
  it('through AMD-Vi’s functions is one event, with the null pointer that was used', () => {
    const { events } = eventsOf(TRACE.join('\n'), FORMS);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      kind: 'init',
      address: null,
      reason: { name: 'panic' },
      details: { function: 'amd_iommu_ioapic_update_ire', 'page fault at': '0x0, a null pointer' },
    });
    expect(events[0]!.reason!.meaning).toContain('IO-APIC');
  });

  it('is not taken from Linux’s', () => {
    expect(eventsOf('[ 1.0]  ? amd_iommu_map+0x1ea/0x273', FORMS).events).toEqual([]);
  });
});
