import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Template } from './template.js';

const fieldsOf = (template: string, line: string, start = 0) => {
  const matched = new Template(template).match(line, start);
  return typeof matched === 'object' ? { ...matched.fields } : matched;
};

const VTD =
  '[VT-D]DMAR:[DMA {access:word}] Request device [{device:bdf}] fault addr {address:hex}<, iommu reg = {base:hex}>';

describe('a template', () => {
  it('takes the fields out of a line, with and without the part that may be missing', () => {
    const line = '[VT-D]DMAR:[DMA Write] Request device [0000:01:00.0] fault addr 8c000';
    const fields = { access: 'Write', device: '0000:01:00.0', address: '8c000' };
    expect(fieldsOf(VTD, line)).toEqual(fields);
    expect(fieldsOf(VTD, `${line}, iommu reg = ffff82c000203000`)).toEqual({
      ...fields,
      base: 'ffff82c000203000',
    });
    expect(fieldsOf(VTD, `${line}, something else`)).toEqual(fields);
  });

  it('says that a line was cut off where its rest may stand on the next', () => {
    expect(fieldsOf(VTD, '[VT-D]DMAR:[DMA Write] Request device')).toBe('cut-off');
    expect(fieldsOf(VTD, '[VT-D]DMAR:[DMA Write] Request dev ')).toBeUndefined();
    expect(fieldsOf('a {rest:text} b', 'a one two')).toBe('cut-off');
  });

  it('takes any run of blanks for a blank', () => {
    expect(fieldsOf('a {n:dec} b', 'a \t 12   b')).toEqual({ n: '12' });
  });

  it('reads a text up to the next literal, or to the end where that may be missing', () => {
    expect(
      fieldsOf('reason {n:hex} - {why:text}< on iommu:{unit:dec}>', 'reason 05 - not set on iommu:1'),
    ).toEqual({
      n: '05',
      why: 'not set',
      unit: '1',
    });
    expect(fieldsOf('reason {n:hex} - {why:text}< on iommu:{unit:dec}>', 'reason 05 - not set')).toEqual({
      n: '05',
      why: 'not set',
    });
  });

  it('keeps a field of any name away from the prototype', () => {
    const matched = new Template('a {__proto__:word}').match('a x', 0);
    expect(typeof matched === 'object' && Object.keys(matched.fields)).toEqual(['__proto__']);
  });

  it('has its own characters escaped', () => {
    expect(fieldsOf('\\<{n:dec}\\> \\{', '<1> {')).toEqual({ n: '1' });
  });

  it('is refused where it is none', () => {
    for (const text of ['{a:hex}', 'a {b}', 'a {b:nothing}', 'a <b', 'a > b', 'a \\', '']) {
      expect(() => new Template(text), text).toThrow(SyntaxError);
    }
  });

  it('never throws and never looks behind the line, whatever the line is', () => {
    const template = new Template(VTD);
    const pieces = fc.array(
      fc.constantFrom(
        '[VT-D]DMAR:[DMA ',
        'Read',
        '] Request device [',
        '0:',
        ']',
        ' fault addr ',
        '1f',
        ' ',
        'é',
        '\u{1f600}',
      ),
    );
    fc.assert(
      fc.property(pieces, (texts) => {
        const line = texts.join('');
        const matched = template.match(line, 0);
        if (typeof matched === 'object') expect(matched.end).toBeLessThanOrEqual(line.length);
      }),
    );
  });
});
