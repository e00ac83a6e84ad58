import { describe, expect, it } from 'vitest';
import { parseProgram } from '../program/parse.js';
import { runProgram } from '../program/runner.js';
import { SourceText } from '../text/source.js';
import { resolveEdition } from '../xen/editions/edition.js';
import type { JudgedEvent } from './causes/cause.js';
import { amdvi, type Known, smmu, smmuV3, vtd, worldOf } from './causes/causes.fixture.js';
import { programFor, programForCause } from './programs.js';

const PV_GUEST = 'name="g"\ntype="pv"\nmemory=512\npci=["03:00.0"]';
const NIC = '0000:03:00.0';
const ADDRESS = 0x8_424c_b000n;
const SMMU = { details: { unit: '/smmu@fd800000' } };

const answer = (event: JudgedEvent, known: Known = {}) =>
  programFor(event, worldOf({ ...known, events: [event] }));

/** The program found for an event: the cause it shows, the lines of its statements after the scene, and of its fault. */
async function found(event: JudgedEvent, known: Known = {}) {
  const { shown } = await answer(event, known);
  expect(shown).toBeDefined();
  const { cause, text, lines, steps, edition } = shown!;
  const run = runProgram(parseProgram(new SourceText('found', text)), resolveEdition(edition));
  expect(run.failed, text).toBe(false);
  const statements = run.steps.slice(run.steps.length - 1 - steps).map(({ op }) => op);
  return { cause, lines, statements, text };
}

describe('the program for a fault', () => {
  it('makes a page of a PV guest a page table, where VT-d or AMD-Vi refuse a write to it', async () => {
    expect(await found(vtd(5, NIC, ADDRESS), { config: PV_GUEST })).toMatchObject({
      cause: 'special-page',
      statements: ['pin_l1_table guest 0x8424cb', 'dma nic write 0x8424cb000'],
      lines: [
        '[VT-D]DMAR:[DMA Write] Request device [0000:03:00.0] fault addr 8424cb000',
        '[VT-D]DMAR: reason 05 - PTE Write access is not set',
      ],
    });
    expect(await found(amdvi(['RW']), { config: PV_GUEST })).toMatchObject({
      cause: 'special-page',
      lines: ['AMD-Vi: IO_PAGE_FAULT: 0000:03:00.0 d1 addr 00000008424cb000 flags 0x20 RW'],
    });
  });

  it('takes the device from its guest, where the context entry is absent', async () => {
    const event = vtd(2, NIC, ADDRESS, { access: 'write' });
    expect(await found(event, { xen: '4.17' })).toMatchObject({
      cause: 'quarantined',
      statements: ['deassign_device guest nic', 'dma nic write 0x8424cb000'],
    });
  });

  it('sends a packet from a granted page on Arm, in the releases that do not map it, and in no other', async () => {
    const event = smmu('TF', 'read', {
      ...SMMU,
      bits: [
        { name: 'TF', value: 1, meaning: 'translation fault' },
        { name: 'S1CBNDX', value: 0xb, meaning: 'context bank of stage 1' },
      ],
    });
    expect(await found(event, { xen: '4.14.0' })).toMatchObject({
      cause: 'grant-not-mapped',
      statements: [
        'grant guest 0 dom0 0x8424cb',
        'map_grant_ref dom0 h0_0 guest 0 host gfn=0x3',
        'dma nic read 0x8424cb148',
      ],
      text: expect.stringContaining('expect violation I19') as string,
      lines: [
        'smmu: /smmu@fd800000: Unhandled context fault: fsr=0x402, iova=0x8424cb148, fsynr=0xb0001, cb=0',
      ],
    });
    expect((await found(event, { xen: '4.15.0' })).cause).not.toBe('grant-not-mapped');
  });

  it('is of the newest release that does it, where the log does not say which it is', async () => {
    const { cause, text } = await found(smmu('TF', 'read', SMMU));
    expect(cause).toBe('grant-not-mapped');
    expect(text).toContain('xen 4.14\n');
    expect(text).toContain('4.14 is the newest that does this');
  });

  it('writes to a read-only grant, where the entry is there and does not permit it', async () => {
    const granted = ['grant guest 0 dom0 0x8424cb', 'map_grant_ref dom0 h0_0 guest 0 host readonly'];
    const strict: Known = { facts: (facts) => void (facts.dom0Mode = { value: 'Strict', line: 3 }) };
    expect(await found(amdvi(['PR', 'RW', 'PE'], { domain: 0 }), strict)).toMatchObject({
      cause: 'read-only-written',
      statements: [...granted, 'dma nic write 0x8424cb000'],
      lines: ['AMD-Vi: IO_PAGE_FAULT: 0000:03:00.0 d0 addr 00000008424cb000 flags 0x70 PE RW PR'],
    });
    for (const event of [smmu('PF', 'write', SMMU), smmuV3(0x13, { access: 'write' })])
      expect((await found(event, { xen: '4.20' })).cause).toBe('read-only-written');
  });

  it('reaches for a page that is not the guest’s, where an SMMUv3 says 0x10', async () => {
    const { cause, lines } = await found(smmuV3(0x10), { xen: '4.20' });
    expect(cause).toBe('never-mapped');
    expect(lines[0]).toBe('SMMUv3: /smmu@fd800000: event 0x10 received:');
    expect(lines[3]).toMatch(/0x00000008424cb148$/);
  });

  it('has the address of the log, however high or low', async () => {
    const high = await found(vtd(4, NIC, 1n << 48n, { access: 'read' }));
    expect(high.lines[1]).toBe('[VT-D]DMAR: reason 04 - Access beyond MGAW');
    const zero = await found(vtd(5, '0000:99:00.0', 0n, { source: 'linux' }));
    expect(zero.statements).toEqual(['dma nic write 0x0']);
    expect(zero.text).toContain('The log is Linux’s');
    const low = await found(vtd(5, '0000:01:00.0', 0x8_c000n), { xen: '4.12' });
    expect(low).toMatchObject({ cause: 'reserved-region-missing', statements: ['dma nic write 0x8c000'] });
  });

  it('leaves a device without tables, where the SMMU does not know its stream', async () => {
    const { cause, lines } = await found(smmu('USF', 'read', SMMU), { xen: '4.15.0' });
    expect(cause).toBe('stream-unknown');
    expect(lines[1]).toContain('GFSR 0x00000002');
  });

  it('unmaps a grant of the guest’s own, in the releases where that takes the page from its devices', async () => {
    const ask = (xen: string) => {
      const event = amdvi(['RW'], { domain: 1 });
      return programForCause('grant-unmap-removed', event, worldOf({ xen, events: [event] }));
    };
    const old = await ask('4.14.0');
    expect(typeof old === 'string' ? old : old.text).toMatch(
      /grant guest 0 guest 0x8424cb\nmap_grant_ref guest \w+ guest 0 host.*\n(?:#.*\n)*unmap_grant_ref guest \w+\n {2}expect violation I13\n/,
    );
    expect(await ask('4.15.0')).toBe('on Xen 4.15 it does not happen: the model was searched to the end');
  });

  it('is none where the model has nothing of the kind, and says why', async () => {
    const { shown, without } = await answer(vtd(1, '0000:00:02.0', 0x7cd8_0000n, { source: 'linux' }));
    expect(shown).toBeUndefined();
    expect(without.map(({ cause }) => cause)).toContain('graphics-under-iommu');
    expect(without.every(({ because }) => because.length > 0)).toBe(true);
    const interrupt = vtd(0x26, NIC, 0n, { kind: 'interrupt-fault' });
    expect((await answer(interrupt)).shown).toBeUndefined();
  });

  it('comes within the bounds it is given', async () => {
    const event = vtd(5, NIC, ADDRESS);
    const world = worldOf({ config: PV_GUEST, events: [event] });
    const { without } = await programFor(event, world, { maxStates: 1, maxSeconds: 1 });
    expect(without[0]).toEqual({
      cause: 'special-page',
      because: 'the model was searched for 1 s without finding it',
    });
  });
});
