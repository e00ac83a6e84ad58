import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultKinds } from '../../formats/smmuv2.js';
import { arm, dma } from '../../xen/machine.fixture.js';
import { eventsOf } from '../events.fixture.js';
import { SMMUV2_FORMS } from './smmuv2.js';

const events = (text: string) => eventsOf(text).events;
const only = (text: string) => {
  const found = events(text);
  expect(found).toHaveLength(1);
  return found[0]!;
};
const bitsOf = (text: string) => only(text).bits.map(({ name, value }) => `${name}=${value}`);

const UNIT = '/smmu@fd800000';

describe('a context fault in Xen’s log', () => {
  // xen-devel, "[PATCH v2] xen/arm: fix gnttab_need_iommu_mapping", 2021-02-08
  const FOUNDING =
    '(XEN) smmu: /smmu@fd800000: Unhandled context fault: fsr=0x402,\n' +
    'iova=0x8424cb148, fsynr=0xb0001, cb=0\n' +
    '[   68.290307] macb ff0e0000.ethernet eth0: DMA bus error: HRESP not OK\n';

  it('of the founding mail is a refused read, with the level and the driver that noticed', () => {
    const event = only(FOUNDING);
    expect(event).toMatchObject({
      source: 'xen',
      unit: 'smmuv2',
      kind: 'dma-fault',
      device: UNIT,
      domain: null,
      address: 0x8424cb148n,
      access: 'read',
      reason: { code: 0x402, name: 'TF' },
      level: { name: 'level 1', entry: null },
      details: { unit: UNIT, cb: '0' },
      more: ['macb ff0e0000.ethernet eth0: DMA bus error: HRESP not OK'],
    });
    expect(event.reason?.manual).toContain('SMMU_CBn_FSR');
    expect(bitsOf(FOUNDING)).toEqual(['TF=1', 'FORMAT=2', 'PLVL=1', 'WNR=0', 'S1CBNDX=11']);
    const { facts } = eventsOf(FOUNDING);
    expect(facts.devices.get('ff0e0000.ethernet')).toHaveLength(1);
    expect(facts.other.get('dma-error')).toEqual({ value: 'macb ff0e0000.ethernet eth0', line: 3 });
  });

  it('without a status tells what it can', () => {
    const line = `smmu: ${UNIT}: Unhandled context fault: iova=0x00005148, fsynr=0xb0013, cb=2`;
    expect(only(line)).toMatchObject({
      address: 0x5148n,
      access: 'write',
      reason: { code: null, name: 'context-fault' },
      level: { name: 'level 3', problem: 'the walk ended here' },
      details: { cb: '2' },
    });
    expect(only(line).bits.some(({ name }) => name === 'TF')).toBe(false);
  });

  it('takes the status from the line before, where Xen printed it there', () => {
    const before = `smmu: ${UNIT}: Unexpected context fault (fsr 0x404)\n`;
    const fault = `smmu: ${UNIT}: Unhandled context fault: iova=0x5148, fsynr=0x3, cb=0\n`;
    expect(only(before + fault).reason).toMatchObject({ code: 0x404, name: 'AFF' });
    const other = `smmu: /other@0: Unexpected context fault (fsr 0x404)\n`;
    expect(only(other + fault).reason?.name).toBe('context-fault');
    expect(only(`${before}x\nx\nx\n${fault}`).reason?.name).toBe('context-fault');
    const linux = (before + fault).replaceAll(`smmu: ${UNIT}: `, 'arm-smmu 50000000.iommu: ');
    expect(only(linux).reason).toMatchObject({ code: 0x404, name: 'AFF' });
  });

  it('names every kind that its status shows', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), fc.nat(0xffff_ffff), (fsr, fsynr) => {
        const [event] = eventsOf(
          `smmu: ${UNIT}: Unhandled context fault: fsr=0x${fsr.toString(16)}, iova=0x1000, fsynr=0x${fsynr.toString(16)}, cb=0`,
          SMMUV2_FORMS,
        ).events;
        if (event === undefined) throw new Error('no event');
        const kinds = faultKinds(fsr);
        expect(event.reason?.name.split('+')).toHaveLength(Math.max(kinds.length, 1));
        expect(event.reason?.name === 'none').toBe(kinds.length === 0);
        expect(event.access).toBe((fsynr >>> 4) & 1 ? 'write' : 'read');
        if (event.level !== null) expect(event.level.name).toBe(`level ${fsynr & 3}`);
      }),
      { numRuns: 60 },
    );
  });
});

describe('the model’s lines', () => {
  it.each([
    ['4.11.0', 'read'],
    ['4.12', 'read'],
    ['4.12', 'write'],
    ['4.22', 'write'],
  ] as const)('of a context fault in %s come back as the same %s', (edition, access) => {
    const xen = arm(edition, { dom0Pages: 0 });
    const event = only(dma(xen, 0, access, 0x8424cb148));
    expect(event).toMatchObject({ address: 0x8424cb148n, access, device: UNIT });
    expect(event.reason?.name).toBe(edition === '4.11.0' ? 'context-fault' : 'TF');
  });

  it('of an unmatched stream come back with the stream, and its master where the log names it', () => {
    const xen = arm('4.22', { withheld: [0] });
    const lines = dma(xen, 0, 'write', 0x5148);
    expect(only(lines)).toMatchObject({
      device: UNIT,
      access: 'write',
      address: null,
      reason: { code: 2, name: 'USF' },
      details: { stream: '0x877' },
    });
    const tree = 'gem3: ethernet@ff0e0000 {\n\tiommus = <&smmu 0x877>;\n};\n';
    expect(only(tree + lines)).toMatchObject({ device: 'ethernet@ff0e0000', details: { unit: UNIT } });
  });
});

describe('faults of SMMUv2 in Linux’s log', () => {
  const DRIVER = 'arm-smmu 50000000.iommu: ';
  const line = `${DRIVER}Unhandled context fault: fsr=0x402, iova=0x9efa0000, fsynr=0x3c0011, cbfrsynra=0x140, cb=3\n`;
  const fsr = `${DRIVER}FSR    = 00000402 [Format=2 TF], SID=0x140\n`;
  const fsynr = `${DRIVER}FSYNR0 = 003c0011 [S1CBNDX=60 WNR PLVL=1]\n`;
  const expected = {
    source: 'linux',
    device: '50000000.iommu',
    access: 'write',
    reason: { code: 0x402, name: 'TF' },
    level: { name: 'level 1' },
    details: { unit: '50000000.iommu', stream: '0x140' },
  };

  it('are one event with the lines that decode them', () => {
    expect(only(line)).toMatchObject({ ...expected, address: 0x9efa_0000n });
    expect(only(line + fsr + fsynr)).toMatchObject({ ...expected, address: 0x9efa_0000n });
    expect(bitsOf(line + fsr + fsynr)).toEqual(['TF=1', 'FORMAT=2', 'PLVL=1', 'WNR=1', 'S1CBNDX=60']);
    expect(events(line + fsr + fsynr + line + fsr + fsynr)).toHaveLength(2);
  });

  it('are events of their registers where nothing else was printed (6.11)', () => {
    expect(events(fsr + fsynr + fsr + fsynr)).toMatchObject([expected, expected]);
  });

  it('are told apart by their unit', () => {
    const other = fsr.replaceAll('50000000', '60000000');
    expect(events(line + other).map(({ details }) => details.unit)).toEqual([
      '50000000.iommu',
      '60000000.iommu',
    ]);
  });

  it('of a stream that is blocked name it and the option', () => {
    const text = `${DRIVER}Blocked unknown Stream ID 0x140; boot with "arm-smmu.disable_bypass=0" to allow, but this may have security implications\n`;
    const registers = `${DRIVER}\tGFSR 0x80000002, GFSYNR0 0x00000002, GFSYNR1 0x00000140, GFSYNR2 0x00000000\n`;
    expect(only(text)).toMatchObject({ reason: { name: 'USF' }, details: { stream: '0x140' } });
    expect(only(text + registers)).toMatchObject({
      access: 'write',
      reason: { code: 0x8000_0002, name: 'USF' },
      details: { stream: '0x140', option: 'arm-smmu.disable_bypass=0' },
    });
    expect(bitsOf(text + registers)).toEqual(['USF=1', 'MULTI=1', 'WNR=1']);
    expect(only(registers)).toMatchObject({ reason: { name: 'USF' }, device: '50000000.iommu' });
  });

  it('of Qualcomm name the device', () => {
    const text = [
      'Unhandled arm-smmu context fault from 1d84000.ufshc!',
      'FAR    = 0x00000000fe000000',
      'PAR    = 0x0000000000000000',
      'FSR    = 0x00000402 [TF R ]',
      'FSYNR0    = 0x1',
      'FSYNR1    = 0x40',
      'context bank#    = 0x2',
      'SID = 0x300',
    ];
    expect(only(text.map((one) => `${DRIVER}${one}\n`).join(''))).toMatchObject({
      device: '1d84000.ufshc',
      address: 0xfe00_0000n,
      access: 'read',
      reason: { name: 'TF' },
      details: { unit: '50000000.iommu', stream: '0x300', cb: '0x2' },
    });
  });

  it('of a GPU are as its driver prints them', () => {
    const text =
      '*** gpu fault: ttbr0=0000000101fd5000 iova=0000000001074000 dir=WRITE type=PERMISSION source=CP (0,0,0,0)';
    expect(only(text)).toMatchObject({
      address: 0x107_4000n,
      access: 'write',
      reason: { code: null, name: 'PF' },
      details: { source: 'CP' },
    });
  });
});

describe('what an SMMUv2 says of itself', () => {
  const lines = [
    'probing hardware configuration...',
    'SMMUv2 with:',
    '\tstage 2 translation',
    '\tstream matching with 128 register groups, mask 0x7fff',
    '\t16 context banks (0 stage-2 only)',
    '\tStage-2: 48-bit IPA -> 48-bit PA',
  ];

  it('is one event of its unit', () => {
    const text = lines.map((line) => `(XEN) smmu: ${UNIT}: ${line}\n`).join('');
    expect(only(text)).toMatchObject({
      kind: 'init',
      device: UNIT,
      reason: { name: 'unit-found' },
      details: { version: '2', groups: '128', banks: '16', ipa: '48', pa: '48' },
    });
    expect(only(text).more).toContain('Stage-2: 48-bit IPA -> 48-bit PA');
    expect(eventsOf(text).facts.features.get('stage-2')).toMatchObject({ value: true });
  });

  it('that it fails with is why there is no IOMMU', () => {
    const text = `(XEN) smmu: ${UNIT}: found only 4 context interrupt(s) but 8 required`;
    const { events: found, facts } = eventsOf(text);
    expect(found).toMatchObject([
      { reason: { name: 'firmware-bug' }, details: { found: '4', expected: '8' } },
    ]);
    expect(facts.iommuOffBecause).toMatchObject({ line: 1 });
  });

  it('of a PCI device names it', () => {
    const text = '(XEN) smmu: 0000:01:00.0: already attached to IOMMU domain';
    expect(only(text)).toMatchObject({ device: '0000:01:00.0', reason: { name: 'device-failed' } });
  });
});
