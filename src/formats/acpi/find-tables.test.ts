import { describe, expect, it } from 'vitest';
import { DMAR_HEADER, DMAR_STRUCTURES } from './dmar.js';
import { findTables, type MemoryPages } from './find-tables.js';
import { TABLE_HEADER } from './table.js';
import { structureBytes, tableBytes, withChecksum } from './tables.fixture.js';
import { unitsOf } from './units.js';

const dmar = tableBytes('DMAR', DMAR_HEADER, { hostAddressWidth: 38 }, [
  structureBytes(DMAR_STRUCTURES[0]!, { type: 0, flags: 1, base: 0xfed90000n }),
]);

/** Memory of 2 MiB with these bytes in it. */
function memory(content: Readonly<Record<number, Uint8Array>>): MemoryPages {
  const bytes = new Uint8Array(0x20_0000);
  for (const [at, part] of Object.entries(content)) bytes.set(part, Number(at));
  const page = new Int32Array(1024);
  return {
    ram: [{ start: 0, end: bytes.length }],
    page(frame) {
      if (frame * 4096 >= bytes.length) return undefined;
      new Uint8Array(page.buffer).set(bytes.subarray(frame * 4096, frame * 4096 + 4096));
      return page;
    },
  };
}

/** An RSDP of revision 0 that leads to an RSDT. */
function rsdp(rsdt: number): Uint8Array {
  const bytes = new Uint8Array(36);
  bytes.set(Buffer.from('RSD PTR '));
  new DataView(bytes.buffer).setUint32(16, rsdt, true);
  bytes[8] = (256 - (bytes.slice(0, 20).reduce((sum, byte) => sum + byte, 0) & 0xff)) & 0xff;
  return bytes;
}

function rsdt(...pointers: number[]): Uint8Array {
  const list = new Uint8Array(4 * pointers.length);
  const view = new DataView(list.buffer);
  for (const [i, pointer] of pointers.entries()) view.setUint32(4 * i, pointer, true);
  return tableBytes('RSDT', TABLE_HEADER, {}, [list]);
}

describe('tables in memory', () => {
  it('are found from the RSDP where a BIOS leaves it', () => {
    const content = { 1006144: rsdp(0x1f_f000), 2093056: rsdt(0x1f_e123, 0, 0x1000), 2089251: dmar };
    const found = findTables(memory(content));
    expect(found).toMatchObject([
      { address: 0x1fe123, foundBy: 'RSDP at 0xf5a40', hidden: false, table: { checksumRight: true } },
    ]);
    expect(unitsOf(found[0]!.table)).toMatchObject([{ registers: 0xfed90000 }]);
  });

  it('are found from an RSDP anywhere, as UEFI leaves it', () => {
    const content = { 1396752: rsdp(0x1f_f000), 2093056: rsdt(0x1f_e123), 2089251: dmar };
    expect(findTables(memory(content))).toMatchObject([{ address: 0x1fe123, foundBy: 'RSDP at 0x155010' }]);
  });

  it('are found by signature and checksum without an RSDP, across pages and at any byte', () => {
    const wrong = Uint8Array.from(dmar);
    wrong[40] = 7;
    expect(findTables(memory({ 4096: wrong, 77822: dmar, 196609: dmar }))).toMatchObject([
      { address: 0x12ffe, foundBy: 'scan' },
      { address: 0x30001, foundBy: 'scan' },
    ]);
  });

  it('are found although Xen has scrambled the signature', () => {
    const zapped = Uint8Array.from(dmar);
    zapped.set(Buffer.from('RMAD'));
    expect(withChecksum(zapped)).toEqual(zapped);
    const found = findTables(memory({ 1006144: rsdp(0x1f_f000), 2093056: rsdt(0x40000), 262144: zapped }));
    expect(found).toMatchObject([{ address: 0x40000, hidden: true, table: { signature: 'RMAD' } }]);
    expect(unitsOf(found[0]!.table)).toHaveLength(1);
  });

  it('are not invented: lengths that cannot be, pointers to nowhere and loops give nothing', () => {
    const endless = Uint8Array.from(dmar);
    new DataView(endless.buffer).setUint32(4, 0xffff_ffff, true);
    const list = rsdt(0x1f_f000, 0x40000, 0xffff_f000);
    expect(findTables(memory({ 1006144: rsdp(0x1f_f000), 2093056: list, 262144: endless }))).toEqual([]);
  });
});
