import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventsOf } from '../events.fixture.js';
import type { LogFacts } from '../facts.js';
import type { FormLine, LineForm } from '../form.js';
import { ARM_INIT_FORMS } from './arm-init.js';
import {
  DEVICE_TREE_LINES,
  LINUX_IPMMU_LINES,
  LINUX_SMMUV2_LINES,
  LINUX_SMMUV3_LINES,
} from './arm-linux-lines.fixture.js';
import {
  XEN_ARM_LINES,
  XEN_IPMMU_LINES,
  XEN_SMMUV2_LINES,
  XEN_SMMUV3_LINES,
} from './arm-xen-lines.fixture.js';
import { IPMMU_FORMS } from './ipmmu.js';
import { SMMUV2_FORMS } from './smmuv2.js';
import { SMMUV2_INIT_FORMS } from './smmuv2-init.js';
import { SMMUV3_FORMS } from './smmuv3.js';
import { SMMUV3_INIT_FORMS } from './smmuv3-init.js';

const ARM_FORMS: readonly LineForm[] = [
  ...SMMUV2_FORMS,
  ...SMMUV2_INIT_FORMS,
  ...SMMUV3_FORMS,
  ...SMMUV3_INIT_FORMS,
  ...IPMMU_FORMS,
  ...ARM_INIT_FORMS,
];

/** Forms that remember which lines they took. */
function watched(): { forms: LineForm[]; taken: Map<LineForm, Set<number>> } {
  const taken = new Map<LineForm, Set<number>>();
  const forms = ARM_FORMS.map((form): LineForm => {
    const lines = new Set<number>();
    taken.set(form, lines);
    if (form.role === 'fact') {
      return {
        ...form,
        read(line: FormLine, facts: LogFacts) {
          lines.add(line.line);
          form.read(line, facts);
        },
      };
    }
    return {
      ...form,
      read(line, event, facts) {
        const read = form.read(line, event, facts);
        if (read !== false) lines.add(line.line);
        return read;
      },
    };
  });
  return { forms, taken };
}

const XEN = [...XEN_SMMUV2_LINES, ...XEN_SMMUV3_LINES, ...XEN_IPMMU_LINES, ...XEN_ARM_LINES].map(
  (line) => `(XEN) ${line}`,
);
const LINUX = [...LINUX_SMMUV2_LINES, ...LINUX_SMMUV3_LINES, ...LINUX_IPMMU_LINES, ...DEVICE_TREE_LINES].map(
  (line, i) => `[   68.29${String(i).padStart(4, '0')}] ${line}`,
);
const ALL = [...XEN, ...LINUX];

describe('the lines of IOMMUs on Arm', () => {
  it('are each understood, and no form is without one', () => {
    const { forms, taken } = watched();
    eventsOf(ALL.join('\n'), forms);
    const understood = new Set([...taken.values()].flatMap((lines) => [...lines]));
    expect(ALL.filter((_, i) => !understood.has(i + 1))).toEqual([]);
    const unreachable = [...taken].filter(([, lines]) => lines.size === 0).map(([form]) => form.texts[0]);
    expect(unreachable).toEqual([]);
  });

  it('are each taken by one form', () => {
    const { forms, taken } = watched();
    eventsOf(ALL.join('\n'), forms);
    const times = new Map<number, number>();
    for (const lines of taken.values()) for (const line of lines) times.set(line, (times.get(line) ?? 0) + 1);
    expect(ALL.filter((_, i) => times.get(i + 1) !== 1)).toEqual([]);
  });

  it('are read without complaint however damaged', () => {
    const damaged = fc.tuple(fc.constantFrom(...ALL), fc.nat(200), fc.nat(12), fc.string({ maxLength: 6 }));
    fc.assert(
      fc.property(fc.array(damaged, { minLength: 20, maxLength: 60 }), (lines) => {
        const text = lines.map(([line, at, cut, put]) => line.slice(0, at) + put + line.slice(at + cut));
        for (const event of eventsOf(text.join('\n'), ARM_FORMS).events) {
          expect(event.reason).not.toBeNull();
          expect(event.more.length).toBeLessThan(100);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('that repeat without end do not pile up in an event', () => {
    const text = ALL.map((line) => `${line}\n`.repeat(100)).join('');
    for (const event of eventsOf(text, ARM_FORMS).events) expect(event.more.length).toBeLessThan(40);
  });

  it('are of the system that printed them', () => {
    const sources = (lines: readonly string[]) => {
      return new Set(eventsOf(lines.join('\n'), ARM_FORMS).events.map((event) => event.source));
    };
    expect([...sources(XEN)]).toEqual(['xen']);
    expect([...sources(LINUX)]).toEqual(['linux']);
  });

  it('name a reason, and who it is about where the line does', () => {
    for (const { reason, device, details, kind } of eventsOf(ALL.join('\n'), ARM_FORMS).events) {
      expect(reason?.meaning).toMatch(/^\S.*[^.]$/);
      if (kind === 'dma-fault' && reason?.name !== 'context-fault') expect(device ?? details).not.toBeNull();
    }
  });
});
