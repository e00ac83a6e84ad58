import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DMAR_HEADER, DMAR_STRUCTURES, ScopeType } from '../../formats/acpi/dmar.js';
import { addressOf, numberOf } from '../../formats/acpi/structure.js';
import {
  join,
  scopeBytes,
  structureBytes,
  tableBytes,
  withChecksum,
} from '../../formats/acpi/tables.fixture.js';
import { InputError } from '../../text/diagnostic.js';
import { DUMPS, hexdumpC, iaslRaw, odOctal } from './dumps.fixture.js';
import { noTable, readAcpiBytes, readAcpiFile } from './read-input.js';

const drhd = structureBytes(DMAR_STRUCTURES[0]!, { type: 0, base: 0xfed90000n }, [
  scopeBytes(ScopeType.ENDPOINT, 0, [[2, 0]]),
]);
const dmar = tableBytes('DMAR', DMAR_HEADER, { hostAddressWidth: 38, flags: 1 }, [drhd]);
const fixture = (name: string) =>
  readAcpiFile(new URL(`../../../test/fixtures/acpi/${name}.txt`, import.meta.url).pathname);

const read = (text: string) => readAcpiBytes(Buffer.from(text), 'paste.txt');
const bytesRead = (text: string) => read(text).tables.map(({ table }) => [...table.bytes.bytes]);

/** Tables of any length, with any bytes behind their header. */
const anyTable = fc
  .uint8Array({ minLength: 12, maxLength: 300 })
  .map((rest) => tableBytes('DMAR', DMAR_HEADER, {}, [rest]));

describe.each(Object.entries(DUMPS))('a table as %s prints it', (tool, dump) => {
  it('is read whatever its bytes', () => {
    fc.assert(
      fc.property(anyTable, (table) => {
        // hexdump pads the last word of an odd number of bytes.
        const even = /^hexdump(?: -x)?$/.test(tool) && table.length % 2 === 1 ? table.subarray(0, -1) : table;
        const whole = withChecksum(Uint8Array.from(even));
        new DataView(whole.buffer).setUint32(4, whole.length, true);
        expect(bytesRead(dump(whole))).toEqual([[...whole]]);
      }),
      { numRuns: 100 },
    );
  });

  it('is found in the middle of a mail, quoted, with colours and CRLF', () => {
    const quoted = dump(dmar).replace(/^/gm, '> > ');
    const text = `Hi,\n\nhere is the table:\n${quoted}> > and so on.\nRegards\n`;
    expect(bytesRead(text)).toEqual([[...dmar]]);
    expect(bytesRead(text.replaceAll('\n', '\r\n'))).toEqual([[...dmar]]);
    expect(bytesRead(`\u001b[1m${dump(dmar).replaceAll('\n', '\u001b[0m\n')}`)).toEqual([[...dmar]]);
  });

  it('is found in a log, behind what consoles put before its lines', () => {
    const logged = dump(dmar).replace(/^/gm, '(XEN) [    1.204417] ');
    expect(bytesRead(`(XEN) [    1.2] IVRS\n${logged}`)).toEqual([[...dmar]]);
  });

  it('is as long as what was pasted of it', () => {
    const lines = dump(dmar).split('\n');
    const cut = lines.slice(0, -3).join('\n');
    const [table] = read(cut).tables;
    expect(table!.table).toMatchObject({ complete: false, checksumRight: null, length: dmar.length });
  });
});

describe('binary tables', () => {
  it('are read one after another, and bytes that belong to none are counted', () => {
    const other = tableBytes('FACP', DMAR_HEADER, {}, []);
    const { tables, others } = readAcpiBytes(Buffer.from(join([dmar, other, dmar, new Uint8Array(7)])), 'b');
    expect(tables.map(({ place, trailing, source }) => [place, trailing, source])).toEqual([
      ['byte 0', 0, 'binary'],
      [`byte ${dmar.length + 48}`, 7, 'binary'],
    ]);
    expect(others).toEqual(['FACP']);
  });

  it('that end early are what is there', () => {
    const { tables } = readAcpiBytes(Buffer.from(dmar.subarray(0, 60)), 'b');
    expect(tables[0]!.table).toMatchObject({ length: 72, complete: false });
    expect(tables[0]!.table.problems[0]!.message).toBe('table cut off at byte 60 of 72');
  });

  it('are no text although they begin with four letters', () => {
    expect(readAcpiBytes(Buffer.from(dmar), 'b').tables[0]!.source).toBe('binary');
  });
});

describe('a hexdump', () => {
  it('with lines left out has these bytes missing', () => {
    const lines = hexdumpC(dmar).split('\n');
    lines.splice(3, 1);
    const [table] = read(lines.join('\n')).tables;
    expect(table!.table.complete).toBe(false);
    expect(table!.table.problems[0]!.message).toContain(`56 bytes of ${dmar.length} are known`);
  });

  it('with a star repeats the line before it', () => {
    const zeros = tableBytes('DMAR', DMAR_HEADER, {}, [new Uint8Array(160)]);
    const star = hexdumpC(zeros)
      .split('\n')
      .filter((_, i) => i < 4 || i > 11)
      .flatMap((line, i) => (i === 3 ? [line, '*'] : [line]));
    expect(bytesRead(star.join('\n'))).toEqual([[...zeros]]);
    const octal = odOctal(zeros)
      .split('\n')
      .filter((_, i) => i < 4 || i > 11)
      .flatMap((line, i) => (i === 3 ? [line, '*'] : [line]));
    expect(bytesRead(octal.join('\n'))).toEqual([[...zeros]]);
  });

  it('whose lines a mail program has wrapped is put together', () => {
    const wrapped = iaslRaw(dmar).replace(/^(.{33}) (.*?) {1,}\/\/.*$/gm, '$1\n$2');
    expect(wrapped.split('\n').length).toBeGreaterThan(12);
    expect(bytesRead(wrapped)).toEqual([[...dmar]]);
  });

  it('without offsets goes on where bytes of the table look like a signature', () => {
    const rest = new Uint8Array(18);
    rest.set(Buffer.from('AAA0'), 12);
    const table = tableBytes('DMAR', DMAR_HEADER, {}, [rest]);
    const last = DUMPS['xxd -p']!(table).trimEnd().split('\n').at(-1);
    expect([table.length, last]).toEqual([66, '414141300000']);
    expect(bytesRead(DUMPS['xxd -p']!(table))).toEqual([[...table]]);
  });

  it('without offsets that is cut off ends where another table of an IOMMU begins', () => {
    const plain = DUMPS['xxd -p']!(dmar);
    const cut = plain.slice(0, plain.indexOf('\n') + 1);
    expect(bytesRead(`${cut}${plain}`)).toEqual([[...dmar.subarray(0, 30)], [...dmar]]);
    expect(bytesRead(`${plain}${plain}`)).toEqual([[...dmar], [...dmar]]);
  });

  it('of several tables gives them all', () => {
    expect(bytesRead(`${DUMPS.acpidump!(dmar)}\n${DUMPS.acpidump!(dmar)}`)).toEqual([[...dmar], [...dmar]]);
  });
});

describe('texts from reports', () => {
  it('a table of a Strix Halo, cut off after 192 of 502 bytes', () => {
    const [input] = fixture('strix-halo-cut-off').tables;
    expect(input).toMatchObject({ source: 'hexdump', place: 'line 4' });
    expect(input!.table.problems).toEqual([
      { code: 'table-cut-off', offset: 192, message: 'table cut off at byte 192 of 502' },
    ]);
    expect(input!.table.structures.map(({ layout, children }) => [layout.name, children.length])).toEqual([
      ['IVHD 10h', 7],
      ['IVHD 11h', 6],
    ]);
  });

  it('another one as hexdump prints words', () => {
    const [input] = fixture('strix-halo-hexdump-words').tables;
    expect(input!.table).toMatchObject({ signature: 'IVRS', length: 598 });
    expect(addressOf(input!.table.structures[0]!, 'base')).toBe(0xfd100000n);
  });

  it('a listing of nine lines: what they tell, and nothing else', () => {
    const [input] = fixture('dmar-partial-listing').tables;
    const { table } = input!;
    expect(table).toMatchObject({ length: 112, complete: false, checksumRight: null });
    expect(numberOf(table.header, 'hostAddressWidth')).toBe(0x26);
    const [unit] = table.structures;
    expect(table.structures).toHaveLength(1);
    expect([addressOf(unit!, 'base'), numberOf(unit!, 'flags'), numberOf(unit!, 'segment')]).toEqual([
      0xfed91000n,
      1,
      null,
    ]);
  });

  it('a listing of 2010 with comments and paths of its own style', () => {
    const { table } = fixture('dmar-old-listing').tables[0]!;
    const [unit, region] = table.structures;
    expect(unit!.children.map((scope) => numberOf(scope, 'enumerationId'))).toEqual([6, 7]);
    expect(unit!.bytes.bytes.subarray(70, 72)).toEqual(Uint8Array.of(0x1f, 7));
    expect(addressOf(region!, 'limit')).toBe(0xeffffn);
  });

  it('a listing quoted twice in quoted-printable, with its raw data', () => {
    const { tables } = fixture('dmar-quoted-mail');
    expect(tables).toHaveLength(1);
    expect(tables[0]!.table).toMatchObject({ complete: true, checksumRight: true, problems: [] });
  });

  it('a complete listing without raw data has the right checksum', () => {
    const [input] = fixture('qemu-ivrs-listing').tables;
    expect(input).toMatchObject({ source: 'iasl listing', table: { complete: true, checksumRight: true } });
  });
});

describe('a part of a listing', () => {
  it('without the signature is known by the names of its fields', () => {
    const listing = `here the RMRR:
[070h 0112 002h]               Subtable Type : 0001 [Reserved Memory Region]
[078h 0120 008h]                Base Address : 00000000A2EF2000
[080h 0128 008h]         End Address (limit) :
> 00000000A2F02FFF
`;
    const [input] = read(listing).tables;
    expect(input).toMatchObject({ source: 'iasl listing', place: 'line 2', table: { signature: 'DMAR' } });
    expect(input!.table.length).toBeNull();
    expect(addressOf(input!.table.structures[0]!, 'limit')).toBe(0xa2f02fffn);
  });

  it('is read structure by structure, although lengths are missing', () => {
    const listing = `[000h 0000 004h] Signature : "DMAR"
[004h 0004 004h] Table Length : 00000070
[030h 0048 002h] Subtable Type : 0000 [Hardware Unit Definition]
[034h 0052 001h] Flags : 01
[038h 0056 008h] Register Base Address : 00000000FED91000
[040h 0064 001h] Device Scope Type : 03 [IOAPIC Device]
[041h 0065 001h] Entry Length : 08
[044h 0068 001h] Enumeration ID : 02
[050h 0080 002h] Subtable Type : 0001 [Reserved Memory Region]
[058h 0088 008h] Base Address : 00000000A2EF2000
[060h 0096 008h] End Address (limit) : 00000000A2F02FFF
`;
    const { table } = read(listing).tables[0]!;
    expect(
      table.structures.map(({ layout, offset, length, size }) => [layout.name, offset, length, size]),
    ).toEqual([
      ['DRHD', 48, null, 32],
      ['RMRR', 80, null, 24],
    ]);
    expect(table.structures[0]!.children.map((scope) => numberOf(scope, 'enumerationId'))).toEqual([2]);
    expect(table.readToEnd).toBe(false);
  });

  it('that nothing tells the kind of is none of ours', () => {
    expect(read('[024h 0036 004h] Local Apic Address : FEE00000').others).toEqual([
      'a table without its signature',
    ]);
  });
});

describe('a listing with its raw data', () => {
  it('is believed less than the raw data, and fills what that lacks', () => {
    const raw = iaslRaw(dmar).split('\n').slice(0, -3).join('\n');
    const listing = `[000h 0000 004h] Signature : "DMAR"\n[030h 0048 002h] Subtable Type : 0000 [Hardware Unit Definition]\n[032h 0050 002h] Length : 0018\n[038h 0056 008h] Register Base Address : 00000000FED90000\n[024h 0036 001h] Host Address Width : 11\n`;
    const [input] = read(`${listing}\n${raw}`).tables;
    expect(input!.place).toBe('line 1');
    expect(addressOf(input!.table.structures[0]!, 'base')).toBe(0xfed90000n);
    expect(numberOf(input!.table.header, 'hostAddressWidth')).toBe(38);
  });

  it('is one table although iasl shows the table’s start in place of a padding, over several lines', () => {
    const listing = [
      '[000h 0000 4] Signature : "DMAR"    [DMA Remapping table]',
      '[004h 0004 4] Table Length : 00000048',
      '[030h 0048  20] Padding : 44 4D 41 52 48 00 00 00 01 5E 49 4E 54 45 4C 20 \\',
      '    44 4D 41 52 48 00 00 00 01 5E 49 4E 54 45 4C 20 \\',
      '    44 4D 41 52 ',
    ];
    const { tables } = read(listing.join('\n'));
    expect(tables).toHaveLength(1);
    expect(tables[0]!.table.bytes.has(48, 1)).toBe(false);
    expect(tables[0]!.table.bytes.length).toBe(72);
  });
});

describe('texts without a table', () => {
  it('say what was looked for and what was found', () => {
    const facp = tableBytes('FACP', DMAR_HEADER, {}, []);
    const error = noTable(['x.txt'], [read('nothing here'), readAcpiBytes(Buffer.from(facp), 'f')]);
    expect(error).toBeInstanceOf(InputError);
    expect(error.diagnostic.message).toMatch(
      /^no table of an IOMMU: looked for DMAR, IVRS, IORT.* found FACP$/,
    );
    expect(noTable([], [read('')]).diagnostic.message).toMatch(/found no table at all$/);
  });

  it('may be anything: nothing is thrown', () => {
    const pieces = fc.constantFrom(
      ...[DUMPS.xxd!(dmar), DUMPS.acpidump!(dmar), iaslRaw(dmar), hexdumpC(dmar)].flatMap((text) =>
        text.split('\n'),
      ),
      ...['*', '[000h 0000 004h] Signature : "IVRS"', '[030h 0048 00Ah] Reserved : 00 0', '0000: ', '', '='],
      'Raw Table Data: Length 502 (0x1F6)',
    );
    const line = fc.oneof(
      pieces,
      fc.string({ unit: 'binary' }),
      pieces.map((text) => `> ${text}=`),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 60 }), (lines) => {
        for (const { table } of read(lines.join('\n')).tables) expect(table.bytes.length).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });

  it('are read in time that grows with their length, whatever they are made of', () => {
    const nasty = [
      '0000: 44 4D 41 52 FF FF FF FF',
      '[000h 0000 004h] Signature : "DMAR"=',
      '=',
      `${'4'.repeat(60_000)}`,
      `0000: ${'44 '.repeat(20_000)}`,
      `${'> '.repeat(30_000)}`,
      '44 4D 41 52 00 00 00 00 44 4D 41 52',
      '*',
    ];
    for (const line of nasty) {
      const count = Math.min(50_000, Math.floor(3_000_000 / line.length));
      const start = performance.now();
      read(`${line}\n`.repeat(count));
      expect(performance.now() - start, line.slice(0, 30)).toBeLessThan(4000);
    }
  });
});

it('The fixtures name their sources', () => {
  for (const name of ['strix-halo-cut-off', 'dmar-quoted-mail', 'qemu-iort-patch', 'amdtable-raw']) {
    const text = readFileSync(new URL(`../../../test/fixtures/acpi/${name}.txt`, import.meta.url), 'utf8');
    expect(text).toMatch(/^# source: /);
  }
});
