import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describe as inWords } from './layout.js';
import { commandLayout, SMMUV3_COMMAND_NAMES, SmmuV3Command } from './smmuv3-commands.js';
import { eventKind, eventKindNamed, SMMUV3_EVENT_KINDS } from './smmuv3-event-kinds.js';
import { eventName, SmmuV3Event } from './smmuv3-events.js';

describe('the kinds of events', () => {
  test('are those of the manual, one section each, from §7.3.2 to §7.3.20', () => {
    expect(SMMUV3_EVENT_KINDS.map(({ name }) => name)).toEqual(Object.keys(SmmuV3Event));
    expect(SMMUV3_EVENT_KINDS.map(({ manual }) => manual.replace(/.*§7\.3\./, ''))).toEqual(
      Array.from({ length: 19 }, (_, i) => String(i + 2)),
    );
  });

  test('are found by number and by name', () => {
    for (const kind of SMMUV3_EVENT_KINDS) {
      expect(eventKind(kind.code)).toBe(kind);
      expect(eventKindNamed(kind.name)).toBe(kind);
      expect(eventName(kind.code)).toBe(kind.name);
    }
    expect(eventKind(0x10)?.name).toBe('F_TRANSLATION');
    expect(eventKind(0xe3)).toMatchObject({ name: 'IMPDEF_EVENT3', code: 0xe3 });
    expect(eventKind(0x1f)).toBeUndefined();
    expect(eventKindNamed('F_INVENTED')).toBeUndefined();
  });

  test('put any record into words', () => {
    const words = fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(words, fc.nat(255), (record, type) => {
        const kind = eventKind(type);
        if (kind !== undefined) expect(inWords(kind.layout, record)).not.toBe('');
      }),
    );
  });
});

describe('the commands', () => {
  test('that Xen issues are among those of the manual, with a layout each', () => {
    for (const [name, opcode] of Object.entries(SmmuV3Command)) {
      expect(SMMUV3_COMMAND_NAMES[opcode]).toBe(name);
      expect(commandLayout(opcode).words).toBe(4);
    }
    expect(commandLayout(0x40).name).toBe('SMMUv3 ATC invalidation');
    expect(commandLayout(0x41).name).toBe('SMMUv3 command');
  });
});
