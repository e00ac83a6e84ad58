import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode, describe as describeEntry, encode } from './layout.js';
import * as faults from './vtd-faults.js';

const frame40 = fc.maxSafeInteger().map((n) => Math.abs(n) % 2 ** 40);
describe('VT-d fault records', () => {
  test('made from parts read back through the layout and the word functions', () => {
    fc.assert(
      fc.property(frame40, fc.nat(0xffff), fc.nat(0x26), fc.boolean(), (page, source, reason, read) => {
        const w = [
          faults.faultWord0(page),
          faults.faultWord1(page),
          faults.faultWord2(source),
          faults.faultWord3(reason, read),
        ];
        expect(decode(faults.VTD_FAULT_RECORD, w)).toMatchObject({
          page,
          source,
          reason,
          type: Number(read),
          fault: 1,
        });
        expect([
          faults.faultPage(w[0]!, w[1]!),
          faults.faultSource(w[2]!),
          faults.faultReasonCode(w[3]!),
          faults.faultIsRead(w[3]!),
          faults.faultPending(w[3]!),
        ]).toEqual([page, source, reason, read, true]);
      }),
    );
  });

  test('read in words', () => {
    const w = encode(faults.VTD_FAULT_RECORD, { page: 0x8424cb, source: 0x300, reason: 5, fault: 1 });
    expect(describeEntry(faults.VTD_FAULT_RECORD, w)).toBe(
      'page 0x8424cb, source 0x300, reason 0x5, address type untranslated, type write, fault',
    );
  });

  test('reasons are those of the manual, in order, each once', () => {
    const codes = faults.VTD_FAULT_REASONS.map((reason) => reason.code);
    expect(codes.slice(0, 22)).toEqual([...Array(15).keys(), 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26]);
    expect(codes).toEqual([...new Set(codes)].sort((a, b) => a - b));
    expect(faults.vtdFaultReason(faults.VtdReason.CONTEXT_NOT_PRESENT)).toMatchObject({ condition: 'LCT.2' });
    expect(faults.vtdFaultReason(0x22)?.unit).toBe('interrupt');
    expect(faults.vtdFaultReason(0x1f)).toBeUndefined();
    const unqualified = faults.VTD_FAULT_REASONS.filter((reason) => !reason.qualified).map(
      (reason) => reason.code,
    );
    expect(unqualified.filter((code) => code < 0x30)).toEqual([0, 1, 8, 9, 0xa, 0x20, 0x21, 0x23, 0x25]);
  });

  test('reasons of scalable mode carry the condition codes that QEMU cites beside its numbers', () => {
    const conditions = { 71: 'SCT.8', 81: 'SPD.2', 89: 'SPT.2', 128: 'SGN.1', 145: 'SFS.10' };
    for (const [code, condition] of Object.entries(conditions)) {
      expect(faults.vtdFaultReason(Number(code))).toMatchObject({ condition, unit: 'dma' });
    }
  });

  test('status bits read as the manual names them', () => {
    expect(describeEntry(faults.VTD_FAULT_STATUS, [0x13])).toBe('PFO, PPF, IQE');
  });
});
