import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SourceText } from '../text/source.js';
import { parseProgramJson, programToJson } from './json.js';
import { refusalOf } from './parse.fixture.js';
import { parseProgram } from './parse.js';
import { arbitraryProgram, withoutPlaces } from './program.fixture.js';
import { DEFAULT_MACHINE } from './program.js';
import { OPERATION_SCHEMAS, WHOLE_SCHEMA } from './schema.js';

/** Cases with a name that a report can show. */
const named = (cases: readonly (readonly [text: string, start: string])[]) =>
  cases.map(([text, start]) => ({ text, start, shown: JSON.stringify(text.slice(0, 80)) }));

const read = (text: string) => parseProgramJson(new SourceText('t.json', text));

const refusal = (text: string): string => refusalOf(() => read(text));

const steps = (...written: string[]): string => `{"steps":[\n${written.join(',\n')}]}`;

describe('the JSON form', () => {
  it('says the same as the text form', () => {
    const text = `xen 4.12
machine x86
ram 0x100..0x10f
xen-heap 0x10..0x4f
iommu vtd no-sharept
dom0 pages=4 strict
device nic 03:00.0 withheld
reserved 0x80..0x81 nic
limits handles=8
config other "other.cfg" pages=8
createdomain guest hvm hap
  expect ok
mmu_update dom0 0x101[3] 0x102 rw
dma nic read 0x100+0x148
  expect fault
  expect violation I2
  expect change "frame"
repeat forever
  step
end
expect livelock`;
    const json = `{
      "edition": "4.12",
      "machine": {
        "arch": "x86",
        "ram": [{"first": "0x100", "last": 271}],
        "xenHeap": {"first": 16, "last": "0x4f"},
        "sharept": false,
        "dom0Pages": 4, "dom0Mode": "strict",
        "devices": [{"name": "nic", "address": "03:00.0", "withheld": true}],
        "reserved": [{"first": 128, "last": 129, "device": "nic"}],
        "limits": {"handles": 8}
      },
      "configs": [{"name": "other", "file": "other.cfg", "pages": 8}],
      "steps": [
        {"op": "createdomain", "domain": "guest", "flags": ["hvm", "hap"], "expect": ["ok"]},
        {"op": "mmu_update", "domain": "dom0", "entry": "0x101[0x3]", "page": "0x102", "rights": "rw"},
        {"op": "dma", "device": "nic", "access": "read", "address": "256+328",
         "expect": [{"fault": ""}, {"violation": "I2"}, {"change": "frame"}]},
        {"repeat": "forever", "body": [{"op": "step"}], "expect": ["livelock"]}
      ]
    }`;
    expect(withoutPlaces(read(json))).toEqual(withoutPlaces(parseProgram(new SourceText('t', text))));
  });

  it('needs nothing but steps', () => {
    expect(read('\ufeff{"steps": []}')).toEqual({
      file: 't.json',
      machine: DEFAULT_MACHINE,
      configs: [],
      steps: [],
    });
  });

  it('keeps the places of steps, expectations and configs', () => {
    const program = read(
      '{"configs":[\n {"name":"g","file":"g.cfg"}],\n"steps":[\n {"op":"mark","name":"a",\n  "expect":["ok"]},\n {"repeat":2,"body":[]}]}',
    );
    expect(program.configs).toMatchObject([{ line: 2, column: 2 }]);
    expect(program.steps).toMatchObject([
      { line: 4, column: 2, expect: [{ line: 5, column: 13 }] },
      { line: 6, column: 2 },
    ]);
  });

  it('takes what says nothing as not said', () => {
    const program = read(
      '{"machine":{"devices":[{"name":"d","address":"01:00.0","withheld":false}]},"steps":[{"op":"createdomain","domain":"g","flags":[],"expect":[]}]}',
    );
    expect(program.machine.devices).toEqual([{ name: 'd', address: '0000:01:00.0' }]);
    expect(program.steps).toMatchObject([{ args: { domain: 'g' }, expect: [] }]);
    expect(program.steps[0]).not.toHaveProperty('args.flags');
  });

  it.each(
    named([
      // JSON
      ['', '1:1+1 bad-json: expected a value, found the end of the text'],
      ['{', '1:2+1 bad-json: expected the name of a field in quotes, found the end of the text'],
      ['{"steps":[],}', '1:13+1 bad-json: expected the name of a field in quotes, found `}`'],
      ['{"steps":[1,]}', '1:13+1 bad-json: expected a value, found `]`'],
      ['{"steps":[]} x', '1:14+1 bad-json: expected the end of the text, found `x`'],
      ['{"steps":nul}', '1:10+3 bad-json: expected a value, found `nul`'],
      ['{"steps" []}', '1:10+1 bad-json: expected `:`, found `[`'],
      ['{"steps":[01]}', '1:12+1 bad-json: expected `]`, found `1`'],
      ["{'steps':[]}", "1:2+7 bad-json: expected the name of a field in quotes, found `'steps'`"],
      ['{"steps":["a\nb"]}', '1:11+2 unterminated-string'],
      ['{"steps":["a\tb"]}', '1:11+5 bad-string'],
      ['{"steps":[],\n"steps":[]}', '2:1+7 duplicate-key: `steps` is given twice'],
      ['['.repeat(1e6), '1:102+1 bad-json: values are nested more than 100 deep'],
      // Shape
      ['[]', '1:1+2 bad-value: expected a program'],
      ['{"a":1}', '1:1+7 bad-value: `steps` is missing; expected a list of steps'],
      ['{"step":[],"steps":[]}', '1:2+6 bad-value: a program has no `step`; did you mean `steps`?'],
      ['{"steps":3}', '1:10+1 bad-value: steps: expected a list of steps'],
      [
        '{"machine":{"arch":"mips"},"steps":[]}',
        '1:20+6 bad-value: machine.arch: cannot be `mips`; expected one of: x86, arm',
      ],
      [
        '{"machine":{"limits":{"grant":1}},"steps":[]}',
        '1:23+7 bad-value: machine.limits: `limits` has no `grant`; did you mean `grants`?',
      ],
      [
        '{"machine":{"ram":[{"first":2,"last":1}]},"steps":[]}',
        '1:20+20 bad-value: machine.ram[0]: the last frame lies before the first',
      ],
      [
        '{"machine":{"devices":[{"name":"nic","address":"0b::00.1"}]},"steps":[]}',
        '1:48+10 bad-value: machine.devices[0].address: expected a PCI address',
      ],
      ['{"machine":{"sharept":1},"steps":[]}', '1:23+1 bad-value: machine.sharept: expected true or false'],
      // Steps
      [
        steps('{"op":"populat_physmap"}'),
        '2:7+17 unknown-operation: steps[0].op: unknown operation `populat_physmap` (did you mean `populate_physmap`?)',
      ],
      [
        steps('{"op":"mark","name":"a"}', '3'),
        '3:1+1 bad-step: steps[1]: expected a step: an object with `op`, or with `repeat` and `body`',
      ],
      [steps('{"op":3}'), '2:7+1 bad-step'],
      [steps('["op"]'), '2:1+6 bad-step'],
      [steps('null'), '2:1+4 bad-step'],
      [steps('{"op":"mark"}'), '2:1+13 bad-value: steps[0]: `name` is missing; expected a name for the mark'],
      [steps('{"op":"mark","nam":"a"}'), '2:1+23 bad-value: steps[0]: `name` is missing'],
      [
        steps('{"op":"mark","name":"a","gfn":"a"}'),
        '2:25+5 bad-value: steps[0]: `mark` has no `gfn`; expected one of: op, name, expect',
      ],
      [
        steps('{"op":"mark","name":"a","__proto__":1}'),
        '2:25+11 bad-value: steps[0]: `mark` has no `__proto__`',
      ],
      [steps('{"op":"constructor"}'), '2:7+13 unknown-operation'],
      [
        steps('{"op":"checks","page":-1}'),
        '2:23+2 bad-value: steps[0].page: expected the name of a page or a frame number',
      ],
      [steps('{"op":"checks","page":1e300}'), '2:23+5 bad-value: steps[0].page'],
      [steps('{"op":"checks","page":"0x"}'), '2:23+4 bad-value: steps[0].page'],
      [
        steps('{"op":"mmu_update","domain":"dom0","entry":"T[512]"}'),
        '2:44+8 bad-value: steps[0].entry: expected an entry of a page table',
      ],
      [
        steps('{"op":"createdomain","domain":"g","flags":["hvm","hvm"]}'),
        '2:43+13 bad-value: steps[0].flags: a flag is given twice',
      ],
      [
        steps('{"op":"createdomain","domain":"g","flags":["hvmm"]}'),
        '2:44+6 bad-value: steps[0].flags[0]: cannot be `hvmm`; did you mean `hvm`?',
      ],
      [
        steps('{"op":"step","expect":["ok",{"fautl":"x"}]}'),
        '2:29+13 bad-value: steps[0].expect[1]: expected a status such as "ok"',
      ],
      [
        steps('{"repeat":0,"body":[]}'),
        '2:11+1 bad-value: steps[0].repeat: expected a number of times from 1, or "forever"',
      ],
      [
        steps('{"repeat":1,"body":[],"expect":["recurs"]}'),
        '2:33+8 bad-expectation: steps[0].expect[0]: `repeat` a number of times comes to nothing that could be expected',
      ],
      [
        steps('{"repeat":"forever","body":[],"expect":["ok"]}'),
        '2:41+4 bad-expectation: steps[0].expect[0]: `repeat forever` never comes to that',
      ],
      [steps('{"repeat":1}'), '2:1+12 bad-value: steps[0]: `body` is missing; expected a list of steps'],
      [
        steps('{"repeat":1,"body":[{"op":"end"}]}'),
        '2:27+5 unknown-operation: steps[0].body[0].op: unknown operation `end`',
      ],
      // Names and frames
      [steps('{"op":"checks","page":"P"}'), '2:23+3 unknown-page: steps[0].page: unknown page `P`'],
      [
        steps('{"op":"checks","page":"0x999"}'),
        '2:23+7 frame-beyond-machine: steps[0].page: frame 0x999 is beyond',
      ],
      [
        steps('{"op":"mmu_update","domain":"dom0","entry":"0x100[5]","rights":"rw"}'),
        '2:64+4 missing-argument: steps[0].rights: `rights` is given without `page` (usage: mmu_update',
      ],
      [
        steps('{"op":"step","expect":[{"violation":"I99"}]}'),
        '2:24+19 unknown-invariant: steps[0].expect[0]: unknown invariant `I99`',
      ],
      ['{"edition":"4.99","steps":[]}', '1:12+6 unknown-release: edition: unknown '],
      [
        '{"configs":[{"name":"dom0","file":"a"}],"steps":[]}',
        '1:21+6 duplicate-domain: configs[0].name: there is a domain `dom0` already, from the start',
      ],
      [
        '{"machine":{"limits":{"iotlb":3}},"steps":[]}',
        '1:31+1 bad-limit: machine.limits.iotlb: limit `iotlb` is a power of two',
      ],
      [
        '{"machine":{"xenHeap":{"first":256,"last":257}},"steps":[]}',
        '1:23+24 overlapping-ram: machine.xenHeap: xen-heap 0x100..0x101 overlaps ram',
      ],
      [
        '{"machine":{"ram":[{"first":1,"last":2},{"first":2,"last":3}]},"steps":[]}',
        '1:41+20 overlapping-ram: machine.ram[1]',
      ],
      [
        '{"machine":{"reserved":[{"first":1,"last":2,"device":"d"}]},"steps":[]}',
        '1:54+3 unknown-device: machine.reserved[0].device: unknown device `d`',
      ],
      [
        `{"steps":[${'{"repeat":1,"body":['.repeat(33)}${']}'.repeat(33)}]}`,
        '1:651+22 nested-too-deeply: steps[0].body[0]',
      ],
    ]),
  )('$shown is refused with its path, its place and what would be right', ({ text, start }) => {
    expect(refusal(text).slice(0, start.length)).toBe(start);
  });

  it('refuses what its published schema refuses', () => {
    const reads = (step: unknown): boolean => {
      const found = refusal(JSON.stringify({ steps: [step] }));
      return !/bad-value|bad-step|unknown-operation/.test(found);
    };
    const value = fc.oneof(
      fc.constantFrom(
        'dom0',
        'P',
        'P[3]',
        'P+0x10',
        '0x100',
        'rw',
        'read',
        'forever',
        'x y',
        ['host'],
        [],
        -1,
        0.5,
        null,
      ),
      fc.nat(),
      fc.string(),
    );
    const keys = [...new Set([...OPERATION_SCHEMAS.values()].flatMap(({ shape }) => Object.keys(shape)))];
    const field = fc.tuple(fc.constantFrom(...keys), value);
    const step = fc
      .tuple(fc.constantFrom(...OPERATION_SCHEMAS.keys()), fc.array(field, { maxLength: 5 }))
      .map(([op, fields]) => ({ ...Object.fromEntries(fields), op }));
    fc.assert(
      fc.property(step, (step) => {
        expect(reads(step)).toBe(WHOLE_SCHEMA.safeParse({ steps: [step] }).success);
      }),
      { numRuns: 1000 },
    );
  });

  it('of any value or any text reads as a program or is refused in words', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (text) => void refusal(text)),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => void refusal(text)),
      { numRuns: 1000 },
    );
    const edit = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(3), fc.string({ maxLength: 3 }));
    fc.assert(
      fc.property(arbitraryProgram, fc.array(edit, { maxLength: 3 }), (program, edits) => {
        let text = JSON.stringify(programToJson(program));
        for (const [where, cut, insert] of edits) {
          const at = Math.floor(where * text.length);
          text = text.slice(0, at) + insert + text.slice(at + cut);
        }
        refusal(text);
      }),
      { numRuns: 1000 },
    );
  });
});
