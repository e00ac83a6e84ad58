import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { readAcpiBytes, readAcpiFile } from '../audit/acpi/read-input.js';
import { tableJson, tableLines } from '../audit/acpi/render.js';
import { verifyAcpiTable } from '../audit/acpi/verify.js';
import { TABLE_HEADER } from '../formats/acpi/table.js';
import { join as joined, tableBytes } from '../formats/acpi/tables.fixture.js';
import { InputError, PLAIN } from '../text/diagnostic.js';
import { type AuditAcpiOptions, auditAcpi } from './audit-acpi.js';

const folder = mkdtempSync(join(tmpdir(), 'dommu-acpi-'));
afterAll(() => rmSync(folder, { recursive: true }));

const fixture = (name: string) => new URL(`../../test/fixtures/acpi/${name}.txt`, import.meta.url).pathname;
const bytesOfFixture = (name: string) => readAcpiFile(fixture(name)).tables[0]!.table.bytes.bytes;

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function run(files: readonly string[], options: AuditAcpiOptions = {}) {
  const lines: string[] = [];
  const io = {
    out: (line: string) => void lines.push(line),
    err: () => {},
    paintOut: PLAIN,
    paintErr: PLAIN,
  };
  const code = auditAcpi(files, options, io);
  return { code, lines, text: lines.join('\n') };
}

const asJson = (files: readonly string[], options: AuditAcpiOptions = {}) =>
  JSON.parse(run(files, { ...options, json: true }).text);

/** A MADT with these I/O APICs. */
const madt = (...ids: number[]): Uint8Array =>
  tableBytes('APIC', TABLE_HEADER, {}, [
    new Uint8Array(8),
    ...ids.map((id) => Uint8Array.of(1, 12, id, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0)),
  ]);

describe('audit --acpi', () => {
  it('prints a good table with offsets, and exits with 0', () => {
    const { code, text } = run([fixture('dmar-quoted-mail')]);
    expect(code).toBe(0);
    expect(text).toMatch(/^DMAR, DMA remapping reporting table, 168 bytes: .*, line 9 \(hexdump\)$/m);
    expect(text).toMatch(
      /^ {2}0x030 {2}DRHD {2}remapping hardware unit, 24 bytes \(Intel VT-d spec 5\.10 §8\.3\)$/m,
    );
    expect(text).toMatch(/^ {4}0x040 {2}endpoint 0000:00:02\.0$/m);
    expect(text).toMatch(/^ {4}0x025 {2}flags +0x5 \(interrupt remapping, dma control opt in\)$/m);
    expect(text).toMatch(/nothing is wrong$/);
  });

  it('finds nothing wrong with the good example, and in the other what keeps Xen from using the IOMMU', () => {
    const example = (name: string) => new URL(`../../examples/acpi/${name}`, import.meta.url).pathname;
    expect(asJson([example('laptop-dmar.txt')])).toMatchObject({
      tables: [{ complete: true }],
      findings: [],
    });
    const { findings } = asJson([example('strix-halo-ivrs.txt')]);
    expect(findings.filter(({ severity }: { severity: string }) => severity === 'error')).toMatchObject([
      { code: 'memory-placeholder', sbdf: '0000:00:0c.0', table: 'IVRS', offset: 216 },
    ]);
  });

  it('tells what was cut off, and exits with 1', () => {
    const { code, text } = run([fixture('strix-halo-cut-off')]);
    expect(code).toBe(1);
    expect(text).toContain('error: IVRS at 0x0c0: table cut off at byte 192 of 502 [table-cut-off]');
    expect(text).toContain('special device: setting 0xd7');
  });

  it('tells of the placeholder of a Strix Halo what Xen does, once, and what to change', () => {
    const bytes = Uint8Array.from(bytesOfFixture('amdtable-raw'));
    for (const at of [200, 232]) {
      bytes.fill(0, at + 16, at + 32);
      bytes[at + 24] = 1;
    }
    bytes[9] = (bytes[9]! - (bytes.reduce((sum, byte) => sum + byte, 0) & 0xff)) & 0xff;
    const { code, lines } = run([file('IVRS', bytes)]);
    expect(code).toBe(1);
    expect(lines.filter((line) => line.includes('[memory-placeholder]'))).toHaveLength(2);
    expect(lines.filter((line) => line.startsWith('  Xen     4.19 and later'))).toHaveLength(1);
    expect(lines.at(-1)).toBe('2 errors, 1 remark');
  });

  it('prints one JSON object that the contract describes', () => {
    const { tables, findings } = asJson([fixture('strix-halo-cut-off')]);
    expect(tables).toMatchObject([
      {
        signature: 'IVRS',
        length: 502,
        complete: false,
        source: 'hexdump',
        structures: [
          {
            name: 'IVHD 10h',
            type: 0x10,
            offset: 48,
            length: 68,
            fields: { base: '0xfd100000', deviceId: '0000:00:00.2', segment: 0 },
            bits: { flags: { remoteIotlb: 1 } },
          },
          { name: 'IVHD 11h' },
        ],
      },
    ]);
    expect(tables[0].structures[0].structures[5]).toMatchObject({
      name: 'special device',
      fields: { handle: 0x21, alias: '0000:00:14.0', variety: 1 },
    });
    expect(findings).toContainEqual(
      expect.objectContaining({
        severity: 'error',
        code: 'table-cut-off',
        message: 'table cut off at byte 192 of 502',
        table: 'IVRS',
        offset: 192,
      }),
    );
  });

  it('gives what a listing leaves out as null', () => {
    const { tables, findings } = asJson([fixture('dmar-partial-listing')]);
    expect(tables[0]).toMatchObject({ length: 112, complete: false, checksumRight: null });
    expect(tables[0].header.fields).toMatchObject({ oemId: null, hostAddressWidth: 38 });
    expect(tables[0].structures).toMatchObject([
      { name: 'DRHD', length: null, fields: { base: '0xfed91000', segment: null } },
    ]);
    expect(findings.map(({ severity }: { severity: string }) => severity)).toEqual(['warning', 'warning']);
  });

  it('takes the I/O APICs of a MADT beside the table, in the same file or another', () => {
    const ivrs = bytesOfFixture('amdtable-raw');
    const both = file('both', joined([madt(0x21, 0x22, 0x82), ivrs]));
    const codes = (files: readonly string[]) =>
      asJson(files).findings.map(({ code }: { code: string }) => code);
    expect(codes([both])).toContain('ioapic-missing');
    expect(codes([fixture('amdtable-raw'), file('APIC', madt(0x21, 0x22))])).toEqual(['ivhd-types']);
    expect(codes([fixture('amdtable-raw'), file('APIC', madt(0x21))])).toContain('ioapic-unknown');
  });

  it('holds reserved memory against the memory map of a log', () => {
    const log = file('log', 'BIOS-e820: [mem 0x0000000000100000-0x000000007fffffff] usable\n');
    const found = asJson([fixture('dmar-quoted-mail')], { e820: log }).findings;
    expect(found).toHaveLength(2);
    expect(found[0]).toMatchObject({ code: 'region-in-ram', sbdf: '0000:00:14.0', offset: 112 });
    expect(() => run([fixture('dmar-quoted-mail')], { e820: file('no', 'x') })).toThrow(/has no memory map/);
  });

  it('writes what it found as SARIF, at the line of the table', () => {
    const sarif = join(folder, 'out.sarif');
    run([fixture('strix-halo-cut-off')], { sarif });
    const { runs } = JSON.parse(readFileSync(sarif, 'utf8'));
    expect(runs[0].tool.driver.rules.map(({ id }: { id: string }) => id)).toContain('table-cut-off');
    const [, result] = runs[0].results;
    expect(result).toMatchObject({ ruleId: 'table-cut-off', level: 'error' });
    expect(result.locations[0].physicalLocation.region.startLine).toBe(4);
  });

  it('refuses input without such a table, and says what was there', () => {
    const only = [file('madt', madt(1)), file('text', 'dmesg: nothing')];
    expect(() => run(only)).toThrow(InputError);
    expect(() => run(only)).toThrow(/looked for DMAR, IVRS, IORT .* found APIC$/);
    expect(() => run([join(folder, 'nowhere')])).toThrow(/no such file/);
  });

  it('lets no control character of a table reach the terminal', () => {
    const bytes = Uint8Array.from(bytesOfFixture('amdtable-raw'));
    bytes.set([0x1b, 0x5b, 0x32, 0x4a], 10);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
    expect(run([file('evil\u001b[2J', bytes)]).text).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/);
  });
});

describe('any bytes', () => {
  const names = ['amdtable-raw', 'dmar-quoted-mail', 'qemu-iort-patch', 'qemu-ivrs-listing'];
  const real = new Map(names.map((name) => [name, bytesOfFixture(name)]));
  /** Real tables with bytes changed, cut, or put elsewhere. */
  const mutated = fc
    .record({
      name: fc.constantFrom(...names),
      changes: fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { maxLength: 12 }),
      cut: fc.option(fc.nat(600)),
    })
    .map(({ name, changes, cut }) => {
      const bytes = Uint8Array.from(real.get(name)!);
      for (const [at, value] of changes) bytes[4 + (at % (bytes.length - 4))] = value;
      return cut === null ? bytes : bytes.subarray(0, Math.max(4, cut));
    });

  it('are decoded and judged: every finding has its text, nothing is thrown, nothing hangs', () => {
    fc.assert(
      fc.property(mutated, (bytes) => {
        for (const input of readAcpiBytes(Buffer.from(bytes), 'x').tables) {
          for (const finding of verifyAcpiTable(input.table, undefined, input.trailing)) {
            expect(finding.message).not.toContain('undefined');
            expect(finding.offset).toBeGreaterThanOrEqual(0);
          }
          JSON.stringify(tableJson(input));
          expect([...tableLines(input, PLAIN)].length).toBeGreaterThan(1);
        }
      }),
      { numRuns: 800 },
    );
  });

  it('that make a table of thousands of structures are judged in bounded time', () => {
    const signatures = ['DMAR', 'IVRS', 'IORT'];
    const fills: readonly (readonly number[])[] = [
      [0, 0, 4, 0],
      [1, 0, 24, 0],
      [0x10, 0, 24, 0],
      [0x21, 0, 32, 0],
      [0x40, 0, 40, 0],
      [2, 36, 0, 0],
      [6, 28, 0, 0],
      [0, 0, 0, 0],
    ];
    for (const signature of signatures) {
      for (const fill of fills) {
        const bytes = new Uint8Array(0x1_0000);
        for (let i = 48; i < bytes.length; i++) bytes[i] = fill[i % 4]!;
        bytes.set(Buffer.from(signature));
        new DataView(bytes.buffer).setUint32(4, bytes.length, true);
        new DataView(bytes.buffer).setUint32(40, 48, true);
        const start = performance.now();
        const [input] = readAcpiBytes(Buffer.from(bytes), 'x').tables;
        expect(verifyAcpiTable(input!.table).length).toBeLessThanOrEqual(513);
        expect(performance.now() - start, `${signature} ${fill}`).toBeLessThan(3000);
      }
    }
  });
});
