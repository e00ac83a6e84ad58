import { describe, expect, test } from 'vitest';
import { INIT_REASONS, type InitReasonName, initReason, isComplaint } from './init-reasons.js';

describe('the reasons of init events', () => {
  test('have stable names in kebab case and meanings without a full stop', () => {
    for (const [name, { meaning }] of Object.entries(INIT_REASONS)) {
      expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect(meaning, name).toMatch(/^\S.*[^.\s]$/);
    }
  });

  test('tell complaints from good news, and know no other names', () => {
    expect(isComplaint('iommu-off')).toBe(true);
    expect(isComplaint('iommu-on')).toBe(false);
    expect(isComplaint('LGN.2')).toBe(false);
    expect(isComplaint('toString')).toBe(false);
  });

  test('become the reason of an event, with a meaning of their own where a line says more', () => {
    const name: InitReasonName = 'feature-on';
    expect(initReason(name)).toEqual({
      code: null,
      name: 'feature-on',
      meaning: INIT_REASONS['feature-on'].meaning,
      manual: null,
    });
    expect(initReason(name, 'snoop control is used').meaning).toBe('snoop control is used');
  });
});
