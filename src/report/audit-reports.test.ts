import { describe, expect, it } from 'vitest';
import { NOTHING_EXPECTED } from '../audit/findings/finding.js';
import { judge } from '../audit/findings/judge.js';
import { deviceOf, spaceOf, surveyOf } from '../audit/survey.fixture.js';
import { PLAIN } from '../text/diagnostic.js';
import { auditCsv, auditJson } from './audit-json.js';
import { auditPage } from './audit-page.js';
import { auditText } from './audit-text.js';

const survey = surveyOf(
  [
    deviceOf('0000:00:04.0', { rights: 1 }),
    deviceOf('0000:00:05.0', {
      translation: 'passthrough',
      space: null,
      domainId: 2,
      type: 'pass-through (TT = 10b)',
    }),
    deviceOf('0000:00:06.0', {
      translation: 'blocked',
      space: null,
      domainId: null,
      rights: 0,
      note: 'not </script> present',
    }),
  ],
  [
    spaceOf([
      [0x10, 2, 0x200, 3],
      [0x40, 1, 0x300, 2],
      [0x200, 0x200, -1, 3, 0],
    ]),
  ],
);
const findings = judge(survey, NOTHING_EXPECTED);
const whole = (pieces: Iterable<string>) => [...pieces].join('');

describe('an audit as JSON', () => {
  it('has the contract’s fields: hexadecimal addresses, exclusive ends, the device’s own rights', () => {
    const { devices, findings: found } = JSON.parse(whole(auditJson(survey, findings)));
    expect(devices[0]).toMatchObject({ sbdf: '0000:00:04.0', domainId: 1, translation: 'translated' });
    expect(devices[0].ranges).toEqual([
      { start: '0x10000', end: '0x12000', mfn: '0x200', read: true, write: false },
      { start: '0x200000', end: '0x400000', mfn: null, read: true, write: false, sameAs: '0x0' },
    ]);
    expect(devices[1].ranges).toEqual([
      { start: '0x0', end: '0x10000000000000', mfn: '0x0', read: true, write: true },
    ]);
    expect(devices[2]).toMatchObject({ domainId: null, translation: 'blocked', ranges: [] });
    expect(found).toContainEqual(
      expect.objectContaining({ severity: 'warning', code: 'pass-through', sbdf: '0000:00:05.0' }),
    );
  });
});

describe('an audit as CSV', () => {
  it('has a row a range and one for a device that reaches nothing', () => {
    const rows = whole(auditCsv(survey)).trimEnd().split('\r\n');
    expect(rows).toEqual([
      'sbdf,domain_id,translation,start,end,mfn,read,write,same_as,pasid,ranges_as',
      '0000:00:04.0,1,translated,0x10000,0x12000,0x200,1,0,,,',
      '0000:00:04.0,1,translated,0x200000,0x400000,,1,0,0x0,,',
      '0000:00:05.0,2,passthrough,0x0,0x10000000000000,0x0,1,1,,,',
      '0000:00:06.0,,blocked,,,,0,0,,,',
    ]);
  });
});

describe('an audit for people', () => {
  it('says what each device reaches and how many ranges it left out', () => {
    const text = [...auditText(survey, findings, 1, PLAIN)].join('\n');
    expect(text).toContain('r- 000000010000-000000011fff  to 000000200000  8 KiB');
    expect(text).toContain('… 1 more');
    expect(text).toContain('warning pass-through: 0000:00:05.0 reaches all memory');
  });
});

describe('an audit as a page', () => {
  it('cannot be broken out of by what the machine says', () => {
    const page = whole(auditPage(survey, findings));
    expect(page.match(/<\/script>/g)).toHaveLength(2);
    expect(page).not.toMatch(/[A-Z]+-HASH|STYLE\b|\bDATA\b/);
    const data = JSON.parse(/id="data">(.*?)<\/script>/s.exec(page)![1]!);
    expect(data.devices[2].note).toBe('not </script> present');
    expect(data.spaces).toEqual([[0x10, 0x12, 0x200, 3, 0x40, 0x41, 0x300, 2, 0x200, 0x400, -1, 3]]);
  });
});
