import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Explorer } from '../explore/explorer.js';
import { programToJson } from '../program/json.js';
import { loadProgram } from '../program/load.js';
import { InputError } from '../text/diagnostic.js';
import { exampleOpening } from './explore-examples.js';
import { exploreSource, openingOf } from './explore-source.js';

const folder = mkdtempSync(join(tmpdir(), 'dommu-explore-source-'));
afterAll(() => rmSync(folder, { recursive: true }));
function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}
const refusalOf = (path: string): string => {
  try {
    exploreSource([path], { pages: 2 });
  } catch (error) {
    if (error instanceof InputError) return error.diagnostic.message;
    throw error;
  }
  throw new Error('it was taken');
};

const PROGRAM = '# ünïcode\nmachine x86\ncreatedomain guest\n';

describe('what is explored', () => {
  it('is a program as it was written, under its name without folders', () => {
    const source = exploreSource([file('a.dommu', PROGRAM)], { pages: 2 });
    expect(source).toEqual({ name: 'a.dommu', text: PROGRAM, configs: {} });
    expect(exploreSource([file('a.dommu', PROGRAM)], { pages: 2, xen: '4.12' }).edition).toBe('4.12');
  });

  it('has the configs with it that the program takes domains from, which say nothing of folders either', () => {
    const source = exploreSource(['examples/late-enable.dommu'], { pages: 2, xen: 'late-enable' });
    expect(Object.keys(source.configs)).toEqual(['guest-pv-hotplug.cfg']);
    expect(JSON.stringify(source)).not.toContain(process.cwd());
    expect(new Explorer(source).opened).toMatchObject({ edition: 'late-enable', stopped: undefined });
  });

  it('is text also where the program was JSON', () => {
    const json = JSON.stringify(programToJson(loadProgram('examples/arm-grant-fault.dommu')));
    const path = file('b.json', json);
    const source = exploreSource([path], { pages: 2 });
    expect(source.name).toBe('b.dommu');
    expect(source.text).toContain('map_grant_ref dom0 tx guest 8 host readonly gfn=0x2000');
    expect(new Explorer(source).opened.length).toBe(8);
  });

  it('is what configs come to, on the machine that options say, and a program that says its release', () => {
    const source = exploreSource(['examples/guest-pv-nic.cfg'], { pages: 4, xen: '4.11', iommu: 'amdvi' });
    expect(source).toMatchObject({ name: 'guest-pv-nic.dommu', configs: {} });
    expect(source.text).toMatch(/^# The domains of guest-pv-nic\.cfg, started .*\n\nxen 4\.11\.0\n/);
    expect(source.text).toContain('iommu amdvi');
    expect(new Explorer(source).opened.edition).toBe('4.11.0');
  });

  it('is the scene of a bug, on a release that has it', () => {
    const source = exploreSource([], { pages: 2, bug: 'xsa-378B' });
    expect(source.name).toBe('XSA-378b.dommu');
    expect(source.text).toMatch(/^# XSA-378b: .*\n# .*\n\nxen 4\.22\+reservedRecord=vtd-only\n/);
    expect(new Explorer(source).opened.edition).toBe('4.22+reservedRecord=vtd-only');
  });

  it('cannot be lines of its own by what its file is called', () => {
    const config = file('x\nbogus.cfg', 'name = "x"\nkernel = "/vmlinuz"\n');
    const { text } = exploreSource([config], { pages: 2 });
    expect(text.split('\n')[0]).toContain('x?bogus.cfg');
  });

  it('is refused where it is no text of a sane size, with what is wrong', () => {
    expect(refusalOf(file('nul.dommu', 'machine x86\n\0'))).toContain('is a binary file');
    const large = file('large.dommu', '');
    truncateSync(large, 2 ** 31);
    expect(refusalOf(large)).toBe('is 2048 MiB; a program (.dommu, or its JSON form) is at most 16 MiB');
    expect(refusalOf(folder)).toContain('is a directory');
  });

  it('is read as Latin-1 where it is not UTF-8', () => {
    const source = exploreSource([file('l.dommu', Buffer.from('# \xfcber\nmachine x86\n', 'latin1'))], {
      pages: 2,
    });
    expect(source.text).toBe('# über\nmachine x86\n');
  });

  it('is told with what is wrong when its file has a mistake by the time that it is read again', () => {
    const path = file('c.dommu', PROGRAM);
    expect(openingOf([path], { pages: 2 }).problem).toBeUndefined();
    writeFileSync(path, 'machine x86\ncreatedomin guest\n');
    expect(openingOf([path], { pages: 2 })).toMatchObject({
      source: { name: 'c.dommu', text: 'machine x86\ncreatedomin guest\n' },
      problem: { line: 2, column: 1 },
    });
    rmSync(path);
    expect(openingOf([path], { pages: 2 })).toMatchObject({
      source: { name: 'c.dommu', text: '' },
      problem: { code: 'no-such-file' },
    });
  });
});

describe('examples to choose from', () => {
  it('open, and go as their titles say', () => {
    const opened = ['arm-grant-fault', 'late-enable', 'untyped-page-dma', 'type-race', 'amdvi-domid-reuse']
      .concat('death-window', 'grant-multiplicity', 'quarantine-life', 'three-checks')
      .map((name) => new Explorer(exampleOpening(`example/${name}`)!.source).opened);
    expect(opened.map(({ stopped }) => stopped).filter((one) => one !== undefined)).toEqual([]);
    expect(opened[0]!.faults).toEqual([5, 6, 8]);
    expect(exampleOpening('bug/XSA-378b')!.source.name).toBe('XSA-378b.dommu');
    for (const none of ['', 'example', 'example/', 'example/../README', 'bug/x', 'other/arm-grant-fault'])
      expect(exampleOpening(none)).toBeUndefined();
  });
});
