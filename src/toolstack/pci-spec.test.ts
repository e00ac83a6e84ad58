import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBdf, renderBdf } from './bdf.js';
import { PCI_DEFAULTS, parsePciSpec } from './pci-spec.js';
import { parseRdm } from './rdm-spec.js';
import { parseVif } from './vif-spec.js';

const KEYWORDS = { pciSpec: 'keywords' } as const;
const POSITIONAL = { pciSpec: 'positional' } as const;

const read = (text: string, behaviours: typeof KEYWORDS | typeof POSITIONAL = KEYWORDS) => {
  const { device, problems } = parsePciSpec(text, PCI_DEFAULTS, behaviours);
  expect(problems).toEqual([]);
  return { ...device, bdf: device.bdf && renderBdf(device.bdf) };
};

const faults = (text: string, behaviours: typeof KEYWORDS | typeof POSITIONAL = KEYWORDS) =>
  parsePciSpec(text, PCI_DEFAULTS, behaviours).problems.map(({ code, index, length }) => [
    code,
    index,
    length,
  ]);

describe('a PCI device in a config', () => {
  it.each([
    ['03:00.0', '0000:03:00.0'],
    ['0b:1f.7', '0000:0b:1f.7'],
    ['AB:0c.3', '0000:ab:0c.3'],
    ['0001:03:00.1', '0001:03:00.1'],
    ['3:0.0', '0000:03:00.0'],
    ['03:00.*', '0000:03:00.*'],
    ['03:00.0,', '0000:03:00.0'],
  ])('%s is %s', (text, bdf) => {
    expect(read(text)).toMatchObject({ bdf });
  });

  it('takes a guest slot and every option', () => {
    const text = '03:00.0@1c,permissive=1,msitranslate=1,power_mgmt=1,seize=1,rdm_policy=relaxed';
    const all = { permissive: true, msitranslate: true, powerMgmt: true, seize: true, rdmPolicy: 'relaxed' };
    expect(read(text)).toMatchObject({ vslot: 0x1c, ...all });
    expect(read(text, POSITIONAL)).toMatchObject({ vslot: 0x1c, ...all });
  });

  it('can be given by keywords from 4.15 on', () => {
    expect(read('bdf=36:00.0,vslot=5,seize=1')).toMatchObject({ bdf: '0000:36:00.0', vslot: 5, seize: true });
    expect(read('name=nic0,permissive=1')).toMatchObject({ name: 'nic0', bdf: undefined, permissive: true });
    expect(faults('bdf=36:00.0', POSITIONAL)).toEqual([['malformed-bdf', 0, 3]]);
    expect(faults('36:00.0,name=x', POSITIONAL)).toEqual([['pci-option', 8, 4]]);
  });

  it.each([
    ['0b::00.1', 3, 1],
    ['0b:00', 5, 1],
    ['0b:00.', 6, 1],
    ['0b:00.8', 6, 1],
    ['0b:20.0', 3, 2],
    ['100:00.0', 0, 3],
    ['10000:0b:00.0', 0, 5],
    ['00:00:0b:00.0', 8, 1],
    ['0b.00.0', 2, 1],
    ['xy:00.0', 0, 1],
    ['0x0b:00.0', 1, 1],
    ['0b:00.1x', 7, 1],
    [' 0b:00.1', 0, 1],
    ['0b:00.1 ', 7, 1],
    ['', 0, 1],
    ['-1:00.0', 0, 1],
  ])('%j is malformed at character %i', (text, index, length) => {
    expect(faults(text)).toEqual([['malformed-bdf', index, length]]);
  });

  it('that is malformed is told what a PCI address looks like', () => {
    const [problem] = parsePciSpec('0b::00.1', PCI_DEFAULTS, KEYWORDS).problems;
    expect(problem?.message).toContain('expected the bus number, found `:`');
    expect(problem?.hint).toContain('[DDDD:]BB:DD.F');
  });

  it.each([
    ['0b:00.1@20', 'pci-vslot', 8, 2],
    ['0b:00.1@', 'pci-vslot', 8, 0],
    ['0b:00.1,permisive=1', 'pci-option', 8, 9],
    ['0b:00.1,permissive', 'pci-option', 8, 10],
    ['0b:00.1,,seize=1', 'pci-option', 8, 0],
    ['0b:00.1,seize=yes', 'pci-option-value', 14, 3],
    ['0b:00.1,rdm_policy=lax', 'pci-rdm-policy', 19, 3],
    ['0b:00.1,name=x', 'pci-device', 0, 14],
    ['permissive=1', 'pci-device', 0, 12],
    ['bdf=0b::00.1', 'malformed-bdf', 7, 1],
  ])('%j has a fault (%s) at character %i', (text, code, index, length) => {
    expect(faults(text)).toEqual([[code, index, length]]);
  });

  it('reads back every address that it prints', () => {
    const bdf = fc.record({
      segment: fc.nat(0xffff),
      bus: fc.nat(0xff),
      device: fc.nat(0x1f),
      fn: fc.oneof(fc.nat(7), fc.constant('*' as const)),
    });
    fc.assert(
      fc.property(bdf, (original) => {
        const text = renderBdf(original);
        expect(parseBdf(text)).toEqual({ ok: true, bdf: original, end: text.length });
      }),
    );
  });

  it('never throws, and places every fault inside the text', () => {
    const soup = fc
      .array(fc.constantFrom(...'0b:.@,=*xf ', 'name', 'seize=1'))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(soup, (text) => {
        for (const { index, length } of parsePciSpec(text, PCI_DEFAULTS, KEYWORDS).problems) {
          expect(index).toBeGreaterThanOrEqual(0);
          expect(index + Math.max(0, length - 1)).toBeLessThanOrEqual(text.length);
        }
      }),
    );
  });
});

describe('a network interface in a config', () => {
  it('keeps its options and its back end', () => {
    const { vif, problems } = parseVif(
      'mac=00:16:3e:5a:10:01, bridge=xenbr1,backend=netdriver,rate=10Mb/s@20ms',
    );
    expect(problems).toEqual([]);
    expect(vif).toMatchObject({ backend: 'netdriver', bridge: 'xenbr1', mac: '00:16:3e:5a:10:01' });
    expect(vif.options).toHaveProperty('rate', '10Mb/s@20ms');
  });

  it('has its back end in dom0 when nothing is said, and may be empty', () => {
    expect(parseVif('').vif.backend).toBe('0');
    expect(parseVif('bridge=b').vif.backend).toBe('0');
  });

  it.each([
    ['brige=x', 'vif-option', 0],
    ['bridge=x, macc=1', 'vif-option', 10],
    ['mac=00:16', 'vif-option-value', 4],
    ['type=foo', 'vif-option-value', 5],
    ['rate=fast', 'vif-option-value', 5],
    ['bridge', 'vif-option', 0],
  ])('%j has a fault (%s) at character %i', (text, code, index) => {
    expect(parseVif(text).problems).toMatchObject([{ code, index }]);
  });
});

describe('rdm=', () => {
  it('is read up to 4.14, and dropped by later releases when it has a policy', () => {
    const text = 'strategy=host,policy=relaxed';
    expect(parseRdm(text, { rdmPolicy: 'read' })).toEqual({
      rdm: { strategy: 'host', policy: 'relaxed' },
      problems: [],
    });
    const { rdm, problems } = parseRdm(text, { rdmPolicy: 'drops-rdm' });
    expect(rdm).toEqual({ strategy: 'ignore', policy: 'strict' });
    expect(problems).toMatchObject([{ severity: 'warning', code: 'rdm-dropped', index: 14 }]);
  });

  it('with an unknown option or value is an error', () => {
    expect(parseRdm('strat=host', { rdmPolicy: 'read' }).problems).toMatchObject([{ code: 'rdm-option' }]);
    expect(parseRdm('policy=lax', { rdmPolicy: 'read' }).problems).toMatchObject([{ index: 0, length: 10 }]);
  });
});
