import type { DomainConfig } from '../../toolstack/domain-config.js';
import type { Edition } from '../../xen/editions/edition.js';
import type { EventDraft } from '../event.js';
import type { LogFacts } from '../facts.js';

/** An event as causes see it: what the log said, how often. */
export interface JudgedEvent extends Readonly<Omit<EventDraft, 'bits' | 'more'>> {
  readonly bits: EventDraft['bits'];
  readonly more: readonly string[];
  /** How often it was said, what rate limits suppressed included. */
  readonly count: number;
  readonly firstLine: number;
  /** When it was first said, as the log writes it: seconds since the start, or a date. */
  readonly first?: { readonly time: string | null };
}

/** What speaks for or against a cause; the heavier, the more it says. */
export interface Evidence {
  readonly text: string;
  /** 1 a hint, 3 strong, 9 settles it. Negative: speaks against. */
  readonly weight: number;
}

/** Everything else that is known while an event's causes are weighed. */
export interface World {
  readonly facts: LogFacts;
  /** All events of the log, grouped, in the order of their first lines. */
  readonly events: readonly JudgedEvent[];
  /** The release, given (`--xen`) or read in the log. */
  readonly edition: Edition | undefined;
  /** The guest's config (`--config`). */
  readonly config: DomainConfig | undefined;
}

/** Something that can be behind an event. */
export interface CauseRule {
  /** Kebab case, stable. */
  readonly id: string;
  /** What is wrong, one sentence without a full stop, as one would tell an operator. */
  readonly title: string;
  /** How likely it is before anything else is known, in the unit of evidence: 0 rare to 5 usual. */
  readonly prior: number;
  /** Whether it can be behind the event at all. */
  applies(event: JudgedEvent, world: World): boolean;
  /** What speaks for and against it in this log. Texts name lines and values of this log. */
  evidence(event: JudgedEvent, world: World): readonly Evidence[];
  /** What to look at or to do next, with the command to type. */
  check(event: JudgedEvent, world: World): string;
}
