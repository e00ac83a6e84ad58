import { describe, expect, it } from 'vitest';
import * as domctl from './domctl.js';
import * as grantTable from './grant-table.js';
import * as memory from './memory.js';
import * as mmu from './mmu.js';
import { candidateAbis, INTERFACES, knownReleases } from './releases.js';
import { readField, type Structure, writeStructure } from './structure.js';
import * as sysctl from './sysctl.js';
import { VCPU_GUEST_CONTEXT } from './vcpu.js';

const isStructure = (value: unknown): value is Structure =>
  typeof value === 'object' && value !== null && 'size' in value && 'fields' in value;

const STRUCTURES: (readonly [string, Structure])[] = [domctl, grantTable, memory, mmu, sysctl]
  .flatMap((module) => Object.entries(module))
  .filter((entry): entry is [string, Structure] => isStructure(entry[1]));
for (const [version, structure] of Object.entries(domctl.CREATEDOMAIN))
  STRUCTURES.push([`createdomain 0x${Number(version).toString(16)}`, structure]);
STRUCTURES.push(['vcpu_guest_context', VCPU_GUEST_CONTEXT]);

describe.each(STRUCTURES)('%s', (_, { size, fields }) => {
  const places = Object.values(fields).sort(([a], [b]) => a - b);

  it('has its fields aligned, inside, and none over another', () => {
    let end = 0;
    for (const [offset, bytes] of places) {
      // handle_lo and handle_hi are two halves of 16 bytes that have no alignment of their own.
      if (offset !== 4 || bytes !== 8) expect(offset % Math.min(bytes, 4)).toBe(0);
      expect(offset).toBeGreaterThanOrEqual(end);
      end = offset + bytes;
    }
    expect(end).toBeLessThanOrEqual(size);
  });
});

describe('the layouts', () => {
  it('have the sizes that a C compiler gives them', () => {
    const sizes = Object.fromEntries(
      Object.entries(domctl.CREATEDOMAIN).map(([v, { size }]) => [Number(v), size]),
    );
    expect(sizes).toEqual({ 16: 28, 17: 44, 18: 48, 19: 56, 20: 60, 21: 64, 22: 64, 23: 68, 24: 68 });
    expect(memory.RESERVATION.size).toBe(32);
    expect(memory.EXCHANGE.size).toBe(72);
    expect(grantTable.MAP_GRANT_REF.size).toBe(32);
    expect(grantTable.UNMAP_GRANT_REF.size).toBe(24);
    expect(mmu.MMUEXT_OP.size).toBe(24);
    expect(VCPU_GUEST_CONTEXT.size).toBe(5168);
  });

  it('put a vCPU’s registers where the header counts them', () => {
    const registers = 512 + 8;
    const named = [
      'r15',
      'r14',
      'r13',
      'r12',
      'rbp',
      'rbx',
      'r11',
      'r10',
      'r9',
      'r8',
      'rax',
      'rcx',
      'rdx',
      'rsi',
      'rdi',
    ];
    const afterNamed = registers + named.length * 8 + 2 * 4;
    const { fields } = VCPU_GUEST_CONTEXT;
    expect(fields.rbx[0]).toBe(registers + named.indexOf('rbx') * 8);
    expect(fields.rip[0]).toBe(afterNamed);
    expect([fields.cs[0], fields.rflags[0], fields.rsp[0], fields.ss[0]]).toEqual(
      [8, 16, 24, 32].map((at) => afterNamed + at),
    );
    const traps = registers + 200;
    const kernelStack = traps + 256 * 16 + 2 * 8 + 16 * 8 + 8;
    expect(fields.kernel_ss[0]).toBe(kernelStack);
    expect(fields.cr3[0]).toBe(kernelStack + 2 * 8 + 3 * 8);
  });
});

describe('a structure', () => {
  const structure: Structure<'byte' | 'half' | 'word' | 'long'> = {
    size: 24,
    fields: { byte: [0, 1], half: [2, 2], word: [4, 4], long: [8, 8] },
  };

  it('is written with zeros where nothing is said, and nothing beyond it', () => {
    const view = new DataView(new Uint8Array(40).fill(0xaa).buffer);
    writeStructure(view, 8, structure, { half: 0x1234, long: 0x1_0000_0002 });
    expect([...new Uint8Array(view.buffer)]).toEqual([
      ...new Array(8).fill(0xaa),
      ...[0, 0, 0x34, 0x12, 0, 0, 0, 0],
      ...[2, 0, 0, 0, 1, 0, 0, 0],
      ...new Array(8).fill(0),
      ...new Array(8).fill(0xaa),
    ]);
  });

  it('reads back what was written', () => {
    const view = new DataView(new ArrayBuffer(24));
    const values = { byte: 0xfe, half: 0xfedc, word: 0xfedc_ba98, long: 2 ** 52 + 1 };
    writeStructure(view, 0, structure, values);
    for (const [name, value] of Object.entries(values))
      expect(readField(view, 0, structure, name as keyof typeof values)).toBe(value);
  });

  it('takes negative numbers and 64-bit entries', () => {
    const view = new DataView(new ArrayBuffer(24));
    writeStructure(view, 0, structure, { word: -1, long: 0x8000_0001_2345_6067n });
    expect(readField(view, 0, structure, 'word')).toBe(0xffff_ffff);
    expect(view.getBigUint64(8, true)).toBe(0x8000_0001_2345_6067n);
  });
});

describe('the ABI of a release', () => {
  it('is its own first, then its neighbours’', () => {
    const [own, ...others] = candidateAbis(4, 17);
    expect(own).toMatchObject({ domctl: 0x15, sysctl: 0x15, hasPagingMempool: true });
    expect(others).toHaveLength(Object.keys(INTERFACES).length - 1);
    expect([0x14, 0x16]).toContain(others[0]!.domctl);
  });

  it('of a release that is not known yet is the newest', () => {
    expect(candidateAbis(4, 99)[0]!.domctl).toBe(0x18);
    expect(candidateAbis(5, 0)[0]!.domctl).toBe(0x18);
  });

  it('is complete for every release that is claimed', () => {
    for (const minor of Object.keys(INTERFACES).map(Number)) {
      const abi = candidateAbis(4, minor)[0]!;
      expect(abi.domctl).toBe(INTERFACES[minor]!.domctl);
      expect(abi.createdomain.fields.flags).toEqual([20, 4]);
      expect(abi.domainInfoBytes % 8).toBe(0);
    }
    expect(knownReleases()).toBe('4.11 to 4.22');
  });
});
