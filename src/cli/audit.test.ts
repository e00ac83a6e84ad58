import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ArrayImage, fileIn, withFolder } from '../audit/image.fixture.js';
import { DMAR_HEADER, DMAR_STRUCTURES, DmarType, ScopeType } from '../formats/acpi/dmar.js';
import { scopeBytes, structureBytes, tableBytes } from '../formats/acpi/tables.fixture.js';
import { writeContextEntry, writeRootEntry } from '../formats/vtd.js';
import { InputError, PLAIN } from '../text/diagnostic.js';
import { type AuditOptions, audit } from './audit.js';
import type { Io } from './io.js';

/** Root table at frame 1, context table at 2; two devices with tables at 3 and 6; one that passes. */
function machine(change: (image: ArrayImage) => void = () => {}): Uint8Array {
  const image = new ArrayImage(64);
  writeRootEntry(image, 0x1000, 2);
  const context = (slot: number, type: number, root: number, did: number) =>
    writeContextEntry(image, 0x2000 + slot * 8 * 16, type, root, 3, did);
  context(4, 0, 3, 1);
  context(5, 0, 6, 2);
  context(6, 2, 0, 3);
  for (const root of [3, 6]) {
    image.write64(root * 4096, BigInt((root + 1) * 4096 + 3));
    image.write64((root + 1) * 4096, BigInt((root + 2) * 4096 + 3));
  }
  // The first device reaches frames 32 to 35, the second 40 and, read-only, 41.
  for (let i = 0; i < 4; i++) image.write64(5 * 4096 + i * 8, BigInt((32 + i) * 4096 + 3));
  image.write64(8 * 4096, BigInt(40 * 4096 + 3));
  image.write64(8 * 4096 + 8, BigInt(41 * 4096 + 1));
  change(image);
  return new Uint8Array(image.words.buffer);
}

/** Runs a command and gives what it printed, to the standard output as well. */
async function run(sources: readonly string[], options: Partial<AuditOptions> = {}) {
  const lines: string[] = [];
  const io: Io = {
    out: (line) => void lines.push(line),
    err: (line) => void lines.push(line),
    paintOut: PLAIN,
    paintErr: PLAIN,
  };
  const exit = await audit(sources, { ranges: 12, rtaddr: ['0x1000'], ...options }, io);
  return { exit, text: lines.join('\n') };
}

describe('dommu audit', () => {
  it('tells what devices reach, what is wrong, and exits with 1', () =>
    withFolder(async (folder) => {
      const { exit, text } = await run([fileIn(folder, 'ram', machine())]);
      expect(text).toContain('0000:00:04.0  translated, domain id 1, 3 levels from 0x3000');
      expect(text).toContain('rw 000000000000-000000003fff  to 000000020000  16 KiB');
      expect(text).toContain('r- 000000001000-000000001fff  to 000000029000  4 KiB');
      expect(text).toContain('warning pass-through: 0000:00:06.0 reaches all memory');
      expect(exit).toBe(1);
    }));

  it('exits with 0 when nothing is wrong', () =>
    withFolder(async (folder) => {
      const path = fileIn(
        folder,
        'ram',
        machine((image) => void image.write64(0x2000 + 6 * 8 * 16, 0n)),
      );
      const { exit, text } = await run([path]);
      expect(text).toContain('nothing is wrong');
      expect(exit).toBe(0);
    }));

  it('judges ranges that it is told of', () =>
    withFolder(async (folder) => {
      const path = fileIn(folder, 'ram', machine());
      const { text } = await run([path], {
        protect: ['0x21000+4K=the secret'],
        hypervisorRange: ['0x28000-0x29000'],
      });
      expect(text).toContain(
        'error protected-writable: 0000:00:04.0 (domain id 1) can write the secret at 0x21000-0x21fff',
      );
      expect(text).toContain('error hypervisor-writable: 0000:00:05.0 (domain id 2)');
    }));

  it('writes CSV, a page and SARIF beside what it prints', () =>
    withFolder(async (folder) => {
      const file = (name: string) => join(folder, name);
      const reports = { csv: file('a.csv'), html: file('a.html'), sarif: file('a.sarif') };
      await run([fileIn(folder, 'ram', machine())], reports);
      expect(readFileSync(reports.csv, 'utf8')).toContain(
        '0000:00:05.0,2,translated,0x1000,0x2000,0x29,1,0,',
      );
      expect(readFileSync(reports.html, 'utf8')).toContain('<canvas');
      const { runs } = JSON.parse(readFileSync(reports.sarif, 'utf8'));
      expect(runs[0].results).toContainEqual(
        expect.objectContaining({ ruleId: 'pass-through', level: 'warning' }),
      );
    }));

  it('compares two images', () =>
    withFolder(async (folder) => {
      const before = fileIn(folder, 'before', machine());
      const after = fileIn(
        folder,
        'after',
        machine((image) => void image.write64(5 * 4096 + 8, 0n)),
      );
      const { exit, text } = await run([before, after], { diff: true });
      expect(text).toContain('- 000000001000-000000001fff  rw 000000021000 -> nothing  4 KiB');
      expect(exit).toBe(1);
      expect((await run([before, before], { diff: true })).exit).toBe(0);
    }));

  it('lists the devices that were asked for, and says which there are', () =>
    withFolder(async (folder) => {
      const path = fileIn(folder, 'ram', machine());
      const { text } = await run([path], { device: ['00:05.0'] });
      expect(text).not.toContain('0000:00:04.0  translated');
      await expect(run([path], { device: ['00:07.0'] })).rejects.toThrow(InputError);
    }));

  it('says what it looked for where there is no IOMMU', () =>
    withFolder(async (folder) => {
      const path = fileIn(folder, 'ram', new Uint8Array(8 * 4096));
      const refused = run([path], { rtaddr: [] });
      await expect(refused).rejects.toThrow(
        /no IOMMU was found in it: .*no table in memory looks like the root/,
      );
      await expect(refused).rejects.toMatchObject({
        diagnostic: { file: path, hint: expect.stringContaining('--rtaddr') },
      });
    }));

  it('finds the root by itself', () =>
    withFolder(async (folder) => {
      const { text } = await run([fileIn(folder, 'ram', machine())], { rtaddr: [] });
      expect(text).toContain('root table 0x1000 (found by searching memory');
      expect(text).toContain('0000:00:04.0  translated, domain id 1');
    }));

  it('takes regions that firmware reserves from an ACPI table', () =>
    withFolder(async (folder) => {
      const rmrr = structureBytes(
        DMAR_STRUCTURES[DmarType.RMRR]!,
        { type: 1, base: 0x20000n, limit: 0x20fffn },
        [scopeBytes(ScopeType.ENDPOINT, 0, [[4, 0]])],
      );
      const table = tableBytes('DMAR', DMAR_HEADER, { hostAddressWidth: 38 }, [rmrr]);
      const { text } = await run([fileIn(folder, 'ram', machine())], {
        acpi: [fileIn(folder, 'dmar', table)],
      });
      expect(text).toContain('error rmrr-missing: 0000:00:04.0 (domain id 1): of RMRR 0x20000-0x20fff');
    }));

  it('refuses what it cannot use, naming the option', async () => {
    await expect(run([])).rejects.toThrow(/SOURCE.*one source; here are 0/);
    await expect(run(['a', 'b'])).rejects.toThrow(InputError);
    await expect(run(['/nowhere'])).rejects.toThrow(InputError);
    await expect(run(['/nowhere'], { rtaddr: ['zz'] })).rejects.toThrow(/--rtaddr.*zz/);
    await expect(run(['/nowhere'], { layout: 'i440' })).rejects.toThrow(/--layout/);
    await expect(run(['/nowhere'], { protect: ['1'] })).rejects.toThrow(/--protect/);
  });
});
