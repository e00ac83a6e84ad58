import { describe, expect, it } from 'vitest';
import type { EventDraft } from '../event.js';
import { eventsOf } from '../events.fixture.js';
import type { LineForm } from '../form.js';
import { Template } from '../template.js';

/** What a log of one or several lines must give: some fields of each of its events. */
export interface Sample {
  readonly log: string;
  readonly events: readonly (Partial<Omit<EventDraft, 'reason'>> & { readonly reason?: unknown })[];
}

/** Says each sample's events, and that no template of the forms is without a line in the samples that it takes. */
export function describeSamples(
  title: string,
  forms: readonly LineForm[],
  samples: readonly Sample[],
  all: readonly LineForm[] = forms,
): void {
  describe(title, () => {
    it.each(samples.map(({ log, events }) => [log, events] as const))('read %j', (log, events) => {
      const found = eventsOf(log, all).events;
      expect(found).toMatchObject(events);
      expect(found).toHaveLength(events.length);
    });

    it('has a line for each wording', () => {
      const logs = samples.map(({ log }) => log);
      expect(wordingsWithoutLine(forms, logs)).toEqual([]);
    });
  });
}

/** The wordings of forms that no line of the logs has. */
export function wordingsWithoutLine(forms: readonly LineForm[], logs: readonly string[]): string[] {
  // A blank of a key is any run of blanks.
  const lines = logs.flatMap((log) => log.split('\n')).map((line) => line.replace(/[ \t]+/g, ' '));
  const takes = (text: string) => {
    const template = new Template(text);
    return lines.some((line) => {
      for (let at = line.indexOf(template.key); at >= 0; at = line.indexOf(template.key, at + 1)) {
        if (typeof template.match(line, at) === 'object') return true;
      }
      return false;
    });
  };
  return forms.flatMap(({ texts }) => texts).filter((text) => !takes(text));
}
