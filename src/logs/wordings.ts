import type { LineForm } from './form.js';
import { SUPPRESSED_FORMS, type SuppressedForm } from './rate-limits.js';
import { Template } from './template.js';
import { Triggers } from './triggers.js';

type AnyForm = LineForm | SuppressedForm;

/** One of the texts of a form. */
export interface Wording {
  readonly form: AnyForm;
  readonly template: Template;
  /** Its place among all. */
  readonly index: number;
}

/** A wording that may stand in a text, and where. */
export interface Candidate {
  readonly wording: Wording;
  readonly start: number;
}

/** Keys that are looked at in one line. A log whose line breaks were lost has many events in a line; hostile ones more. */
const HITS_AT_MOST = 4096;
const CANDIDATES_AT_MOST = 16_384;

/** How far before its anchor a wording with a short first literal is looked for, and at how many places. */
const BEFORE_ANCHOR = 256;
const STARTS_AT_MOST = 4;

/** The wordings of forms, by what lines are searched for. */
export class Wordings {
  /** Finds the lines that say something by themselves. Lines that only add to an event are looked for behind one. */
  readonly triggers: Triggers;
  private readonly byAnchor: readonly (readonly Wording[])[];

  constructor(forms: readonly LineForm[]) {
    const byAnchor = new Map<string, Wording[]>();
    const telling = new Set<string>();
    // A line that is an event is one, even where a fact is told by the same words.
    const rank = ({ role }: AnyForm) => (role === 'fact' ? 1 : 0);
    let index = 0;
    for (const form of [...SUPPRESSED_FORMS, ...forms].sort((a, b) => rank(a) - rank(b))) {
      for (const text of form.texts) {
        const template = new Template(text);
        const wording = { form, template, index: index++ };
        const alike = byAnchor.get(template.anchor);
        if (alike === undefined) byAnchor.set(template.anchor, [wording]);
        else alike.push(wording);
        if (form.role !== 'more' || form.alone !== undefined) telling.add(template.anchor);
      }
    }
    const anchors = [...byAnchor.keys()];
    this.triggers = new Triggers(anchors, (key) => telling.has(anchors[key]!));
    this.byAnchor = [...byAnchor.values()];
  }

  /** What a text may say from `from` on, in the order in which it is to be tried: at each place the longest key first. */
  candidates(text: string, from: number): Candidate[] {
    const found: Candidate[] = [];
    for (const { key, start, broken } of this.triggers.hits(text, from, HITS_AT_MOST)) {
      for (const wording of this.byAnchor[key]!) {
        if (found.length >= CANDIDATES_AT_MOST) break;
        const { template } = wording;
        if (template.anchor === template.key) found.push({ wording, start });
        else if (!broken) {
          for (const begin of beginnings(template.key, text, start, from))
            found.push({ wording, start: begin });
        }
      }
    }
    return found.sort(
      (a, b) =>
        a.start - b.start ||
        b.wording.template.key.length - a.wording.template.key.length ||
        a.wording.index - b.wording.index,
    );
  }
}

/** Where a first literal may stand whose anchor is at `anchor`, the nearest ones. */
function beginnings(key: string, text: string, anchor: number, from: number): number[] {
  const found: number[] = [];
  const [word] = key.trimStart().split(' ', 1) as [string];
  const blank = key.startsWith(' ') ? 1 : 0;
  const least = Math.max(from, anchor - BEFORE_ANCHOR);
  for (let at = anchor - word.length; at >= least + blank && found.length < STARTS_AT_MOST; at--) {
    if (text.startsWith(word, at)) found.push(at - blank);
  }
  return found;
}
