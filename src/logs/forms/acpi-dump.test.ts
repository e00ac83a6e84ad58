import { describe, expect, it } from 'vitest';
import { explainText } from '../explain.js';

const found = (text: string) =>
  explainText(text, 'mail.txt').events.map(({ unit, reason, details }) => [
    unit,
    reason?.name,
    details['ACPI table'],
  ]);

describe('an ACPI table in a log', () => {
  it('is noticed in each form that people paste, and where to take it is said', () => {
    expect(found('[000h 0000 004h]   Signature : "DMAR"    [DMA Remapping Table]')).toEqual([
      ['vtd', 'firmware-table', 'DMAR'],
    ]);
    for (const line of [
      '    0000: 49 56 52 53 F6 01 00 00 02 57 41 4D 44 20 20 00  // IVRS.....WAMD  .',
      '00000000  49 56 52 53 f6 01 00 00  02 57 41 4d 44 20 20 00  |IVRS.....WAMD  .|',
      '00000000: 4956 5253 f601 0000 0257 414d 4420 2000  IVRS.....WAMD  .',
    ]) {
      expect(found(line), line).toEqual([['amdvi', 'firmware-table', 'IVRS']]);
      const { notes } = explainText(line, 'mail.txt');
      expect(notes).toEqual([expect.stringContaining('dommu audit --acpi mail.txt')]);
    }
  });

  it('is none where the bytes stand in the middle of something else', () => {
    expect(found('    01f0: 00 00 00 00 49 56 52 53 F6 01 00 00')).toEqual([]);
    expect(found('    0010: 49 56 52 53 F6 01 00 00')).toEqual([]);
  });
});
