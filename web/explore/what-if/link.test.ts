import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseProgram } from '../../../src/program/parse.js';
import { SourceText } from '../../../src/text/source.js';
import { fileName, withEdition } from './edition-line.js';
import { BadLink, packed, readFragment, saysProgram, unpacked } from './link.js';

const SOURCE = {
  name: 'ünï.dommu',
  text: 'xen 4.12\ncreatedomain a # “<script>alert(1)</script>”\n',
  configs: { 'a.cfg': { name: '/x/a.cfg', content: 'name="a"\n' } },
  edition: '4.22+selfGrant=reaches-iommu',
};

const pack = (bytes: Uint8Array): string => deflateRawSync(bytes).toString('base64url');
const packJson = (value: unknown): string => pack(Buffer.from(JSON.stringify(value)));

describe('a program in an address', () => {
  it('comes out as it went in', async () => {
    expect(await unpacked(await packed(SOURCE))).toEqual(SOURCE);
    const said = new URLSearchParams({ program: await packed(SOURCE), step: '7' });
    expect(await readFragment(`#${said}`)).toEqual({ source: SOURCE, edition: undefined, step: 7 });
  });

  it('can be left out, where only the Xen or the step is said', async () => {
    const said = new URLSearchParams({ xen: SOURCE.edition, step: '3' });
    expect(await readFragment(`#${said}`)).toEqual({ source: undefined, edition: SOURCE.edition, step: 3 });
    expect(await readFragment(`#xen=${SOURCE.edition}`)).toMatchObject({ edition: SOURCE.edition });
  });

  it.each([
    ['letters that are no base64', 'program=%3Cscript%3E', /letters that no link has/],
    ['half of it', `program=${packJson(SOURCE).slice(0, 40)}`, /missing/],
    ['bytes that nothing was packed to', 'program=AAAAAAAA', /missing|changed|no program/],
    ['a number in place of a program', `program=${packJson(5)}`, /no program/],
    ['a program without a text', `program=${packJson({ name: 'a', configs: {} })}`, /no program/],
    ['a config that is none', `program=${packJson({ ...SOURCE, configs: { a: 1 } })}`, /no program/],
    ['bytes that are no text', `program=${pack(Uint8Array.of(0xff, 0xfe, 0xc0))}`, /no program/],
    ['a step that is no number', 'step=-1', /no number/],
  ])('is refused in words: %s', async (_, fragment, message) => {
    await expect(readFragment(`#${fragment}`)).rejects.toThrow(BadLink);
    await expect(readFragment(`#${fragment}`)).rejects.toThrow(message);
  });

  it('is not unpacked beyond what a program may have', async () => {
    const bomb = pack(Buffer.alloc(512 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(1_000_000);
    const before = process.memoryUsage().rss;
    await expect(unpacked(bomb)).rejects.toThrow(/unpacks to more than 4194304 bytes/);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
    await expect(packed({ ...SOURCE, text: 'x'.repeat(5_000_000) })).rejects.toThrow(BadLink);
  });
});

it.each([
  ['', false],
  ['#step=4', false],
  ['#program=AAAA&step=4', true],
  ['#step=4&xen=4.12', true],
])('an address that ends in %j says what is to be opened: %s', (fragment, says) => {
  expect(saysProgram(fragment)).toBe(says);
});

describe('a program that is saved', () => {
  const editionOf = (text: string) => parseProgram(new SourceText('t', text)).edition;

  it('says on which Xen it runs, and is otherwise the text letter by letter', () => {
    for (const text of [
      'createdomain a\n',
      '# A story.\n\nmachine arm\n  # more\ncreatedomain a\n',
      '\ufeff# A story.\r\nmachine x86\r\ncreatedomain a\r\n',
      'xen 4.12   # the report’s\ncreatedomain a\n',
      '  xen late-enable\r\n',
      '# nothing\n',
      '',
    ]) {
      const saved = withEdition(text, '4.22+selfGrant=reaches-iommu');
      expect(editionOf(saved), text).toBe('4.22+selfGrant=reaches-iommu');
      const rest = saved.split('\n').filter((line) => !line.includes('xen '));
      for (const line of rest) expect(text.split('\n')).toContain(line);
      expect(withEdition(saved, '4.22+selfGrant=reaches-iommu')).toBe(saved);
    }
    expect(withEdition('xen 4.12 # why\nchecks\n', '4.13')).toBe('xen 4.13 # why\nchecks\n');
  });

  it('is called after the program', () => {
    expect(fileName('examples/arm-grant-fault.dommu')).toBe('arm-grant-fault.dommu');
    expect(fileName('a b.json')).toBe('a b.dommu');
    expect(fileName('..\\<x>.cfg')).toBe('_x_.dommu');
    expect(fileName('')).toBe('program.dommu');
  });
});
