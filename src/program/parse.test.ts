import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DECLARATIONS } from './declarations.js';
import { OPERATIONS, usage } from './operations.js';
import { read, refusal } from './parse.fixture.js';
import { printProgram } from './print.js';
import { arbitraryProgram } from './program.fixture.js';
import { completeMachine, DEFAULT_MACHINE } from './program.js';

const STORY = `# a story
xen 4.12
machine x86                               # or arm
ram 0x100..0x10f
ram 0x200..0x20f
xen-heap 0x10..0x4f
iommu vtd no-sharept no-quarantine
dom0 pages=4 tables=1 strict
device nic 03:00.0
device gpu 0000:0B:00.1 withheld
reserved 0x80..0x81 nic
limits handles=8 grants=16
limits iotlb=32
config guest "guest.cfg" pages=8

createdomain other hvm hap iommu_opts=0x1
populate_physmap other 0x205 gfn=7
mmu_update guest guest_0[0x3] guest_7 rw
dma nic read guest_0+0x148
  expect fault "Present bit"
  expect rw -- r-
  expect violation I2
  expect change "frame 5"
  expect fault
map_grant_ref dom0 h guest 8 host readonly gfn=0x20
repeat forever
  repeat 3
    mark a
  end
end
`;

describe('reading a program', () => {
  it('takes declarations as the machine', () => {
    const { edition, machine, configs } = read(STORY);
    expect(edition).toBe('4.12');
    expect(machine).toEqual({
      ...DEFAULT_MACHINE,
      ram: [
        { first: 0x100, last: 0x10f },
        { first: 0x200, last: 0x20f },
      ],
      sharept: false,
      quarantine: false,
      dom0Mode: 'strict',
      dom0Pages: 4,
      dom0PageTables: 1,
      devices: [
        { name: 'nic', address: '0000:03:00.0' },
        { name: 'gpu', address: '0000:0b:00.1', withheld: true },
      ],
      reserved: [{ first: 0x80, last: 0x81, device: 'nic' }],
      limits: { handles: 8, grants: 16, iotlb: 32 },
    });
    expect(configs).toEqual([{ name: 'guest', file: 'guest.cfg', pages: 8, line: 14, column: 1 }]);
  });

  it('takes operations, their expectations and blocks as steps with places', () => {
    const { steps } = read(STORY);
    const at = (line: number, column = 1) => ({ line, column });
    expect(steps).toEqual([
      {
        op: 'createdomain',
        args: { domain: 'other', flags: ['hvm', 'hap'], iommu_opts: 1 },
        expect: [],
        ...at(16),
      },
      { op: 'populate_physmap', args: { domain: 'other', page: 0x205, gfn: 7 }, expect: [], ...at(17) },
      {
        op: 'mmu_update',
        args: { domain: 'guest', entry: 'guest_0[3]', page: 'guest_7', rights: 'rw' },
        expect: [],
        ...at(18),
      },
      {
        op: 'dma',
        args: { device: 'nic', access: 'read', address: 'guest_0+0x148' },
        expect: [
          { kind: 'fault', text: 'Present bit', ...at(20, 3) },
          { kind: 'status', status: 'rw -- r-', ...at(21, 3) },
          { kind: 'violation', invariant: 'I2', ...at(22, 3) },
          { kind: 'change', text: 'frame 5', ...at(23, 3) },
          { kind: 'fault', text: '', ...at(24, 3) },
        ],
        ...at(19),
      },
      {
        op: 'map_grant_ref',
        args: {
          domain: 'dom0',
          handle: 'h',
          granter: 'guest',
          ref: 8,
          flags: ['host', 'readonly'],
          gfn: 0x20,
        },
        expect: [],
        ...at(25),
      },
      {
        repeat: 'forever',
        body: [
          {
            repeat: 3,
            body: [{ op: 'mark', args: { name: 'a' }, expect: [], ...at(28, 5) }],
            expect: [],
            ...at(27, 3),
          },
        ],
        expect: [],
        ...at(26),
      },
    ]);
  });

  it('gives an empty program the default machine', () => {
    expect(read('')).toEqual({ file: 't.dommu', machine: DEFAULT_MACHINE, configs: [], steps: [] });
  });

  it('gives an Arm machine an SMMU, and dom0 no pages where the RAM is declared', () => {
    const { machine } = read(
      'machine arm\nram 0x8424c0..0x8424cf\niommu smmu /smmu@1 s1cbndx=0xb\ndevice eth0 /amba/e@1 stream=0x874',
    );
    expect(machine).toMatchObject({ iommu: 'smmu', smmuPath: '/smmu@1', s1cbndx: 0xb, dom0Pages: 0 });
    expect(machine.devices).toEqual([{ name: 'eth0', address: '/amba/e@1', stream: 0x874 }]);
    expect(read('machine arm').machine).toEqual(completeMachine({ arch: 'arm' }));
    expect(read('machine arm').machine).toMatchObject({ iommu: 'smmu', dom0Pages: 4 });
    expect(read('machine arm\niommu none').machine.iommu).toBe('none');
  });

  it('does not mind CRLF, a byte order mark, tabs, indentation or a missing last line end', () => {
    const text = '\ufeff\tmark  a \r\n\r\n#c\r\n   expect ok# yes\r\nsame_state a';
    expect(read(text).steps).toMatchObject([
      { op: 'mark', expect: [{ status: 'ok' }] },
      { op: 'same_state', line: 5 },
    ]);
  });

  it('writes the same entry, page and address in one way only', () => {
    const { steps } = read(
      'device d 01:00.0\nmmu_update dom0 0X101[0x1ff] 259\ndma d read 0x101+16\ndma d read 4096',
    );
    expect(steps.map((step) => 'args' in step && step.args)).toEqual([
      { domain: 'dom0', entry: '0x101[511]', page: 0x103 },
      { device: 'd', access: 'read', address: '0x101+0x10' },
      { device: 'd', access: 'read', address: 4096 },
    ]);
  });

  it('lets a name be given again once what it named is gone, and be used meanwhile', () => {
    const map = 'map_grant_ref dom0 h dom0 1';
    expect(refusal(`${map}\nunmap_grant_ref dom0 h\nunmap_grant_ref dom0 h\n${map}`)).toBe('none');
    expect(refusal(`${map}\n${map}`)).toContain(
      '2:20+1 duplicate-handle: there is a handle `h` already, since line 1',
    );
    const populate = 'populate_physmap dom0 P';
    expect(refusal(`${populate}\ndecrease_reservation dom0 P\nchecks P\n${populate}\n${populate}`)).toContain(
      '5:23+1 duplicate-page: there is a page `P` already, since line 4',
    );
  });

  it('knows the pages that a domain from a config starts with', () => {
    const config = (pages: string) => `config g "g.cfg" ${pages}\nchecks g_3\n`;
    expect(refusal(config(''))).toBe('none');
    expect(refusal(config('pages=3'))).toContain('unknown page `g_3`');
    expect(refusal(`${config('')}checks g_03`)).toContain('unknown page `g_03`');
    expect(refusal(`${config('')}populate_physmap g g_3`)).toContain('already, from the start');
  });

  it.each(DECLARATIONS)('takes the example of $name', ({ name, example }) => {
    const context = {
      reserved: 'device nic 03:00.0\n',
      stream: 'machine arm\ndevice eth0 /ethernet@1 stream=0x874\n',
      iommu: 'machine arm\n',
      unit: 'device nic 03:00.0\ndevice disk 04:00.0\n',
    }[name];
    expect(refusal((context ?? '') + example)).toBe('none');
  });
});

describe('the tables of the language', () => {
  it.each(OPERATIONS)('$name reads back from its own usage', (operation) => {
    const { name, parameters } = operation;
    const required = parameters.filter(({ optional }) => !optional);
    expect(
      usage(operation)
        .split(' ')
        .filter((word) => !word.includes('[')).length,
    ).toBe(required.length + name.split(' ').length);
    expect(new Set(parameters.map((parameter) => parameter.name)).size).toBe(parameters.length);
    expect(name).not.toMatch(/^(expect|repeat|end)$/);
  });

  it('leave no doubt which argument a word is: what may be left out by position comes last, without flags', () => {
    for (const { parameters } of OPERATIONS) {
      const positional = parameters.filter(({ keyed, kind }) => !keyed && kind !== 'flags');
      const firstOptional = positional.findIndex(({ optional }) => optional);
      if (firstOptional < 0) continue;
      expect(positional.slice(firstOptional).every(({ optional }) => optional)).toBe(true);
      expect(parameters.some(({ kind }) => kind === 'flags')).toBe(false);
    }
  });

  it('use no name in the JSON form that the step itself has', () => {
    const names = OPERATIONS.flatMap(({ parameters }) => parameters.map(({ name }) => name));
    expect(names).not.toContain('op');
    expect(names).not.toContain('expect');
    expect(names).not.toContain('repeat');
  });
});

describe('any text at all', () => {
  const onlyInputErrors = (text: string): void => {
    refusal(text);
  };

  it('reads as a program or is refused in words', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), onlyInputErrors), { numRuns: 2000 });
  });

  it('made of pieces of programs reads as a program or is refused in words', () => {
    const words = [...OPERATIONS, ...DECLARATIONS].map(({ name }) => name);
    const piece = fc.constantFrom(
      ...words,
      ...[
        'expect',
        'repeat',
        'end',
        'forever',
        'fault',
        'dom0',
        'P',
        'P[3]',
        'P+0x1',
        '0x100',
        '3',
        'rw',
        '\n',
        '\n',
      ],
      ...[
        '#',
        '"',
        '"a"',
        'gfn=',
        'gfn=1',
        'flags=1',
        '0x100..0x1ff',
        '03:00.0',
        '/a',
        '=',
        '\r',
        '__proto__',
        '\\',
      ],
    );
    const text = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(' '));
    fc.assert(fc.property(text, onlyInputErrors), { numRuns: 5000 });
  });

  it('that was a program before some characters changed reads as a program or is refused in words', () => {
    const edit = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(5), fc.string({ maxLength: 4 }));
    const mutated = fc.tuple(arbitraryProgram, fc.array(edit, { maxLength: 3 })).map(([program, edits]) => {
      let text = printProgram(program);
      for (const [where, cut, insert] of edits) {
        const at = Math.floor(where * text.length);
        text = text.slice(0, at) + insert + text.slice(at + cut);
      }
      return text;
    });
    fc.assert(fc.property(mutated, onlyInputErrors), { numRuns: 1000 });
  });

  it('is read or refused however long it is', () => {
    // `npm run bench -- parse` prints how the time grows with the length.
    const line = (i: number) => `populate_physmap dom0 P${i} gfn=${i}\n  expect ok\n`;
    const ranges = Array.from({ length: 50_000 }, (_, i) => `ram ${1000 + 4 * i}..${1000 + 4 * i + 1}\n`);
    onlyInputErrors(Array.from({ length: 50_000 }, (_, i) => line(i)).join(''));
    onlyInputErrors('x'.repeat(1e7));
    onlyInputErrors(`mark ${'a '.repeat(5e5)}`);
    onlyInputErrors(`mark a\nexpect ${'a '.repeat(5e5)}`);
    onlyInputErrors(`mark "${'\\"'.repeat(5e6)}`);
    onlyInputErrors(`mark ${' '.repeat(1e7)}\u2028`);
    onlyInputErrors('repeat 2\n'.repeat(1e5) + 'end\n'.repeat(1e5));
    onlyInputErrors(ranges.join('') + 'checks 1001\n'.repeat(50_000));
  });
});
