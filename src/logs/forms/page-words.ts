import { type EntryLayout, kindOf, readField } from '../../formats/layout.js';
import {
  PAGE_INFO_BEFORE_4_10,
  PAGE_INFO_LAYOUTS,
  type PageInfoLayouts,
  pageInfoLayouts,
} from '../../formats/x86-page-info.js';
import type { EventDraft } from '../event.js';
import type { LogFacts } from '../facts.js';

/** What a page of a type is for, in our words (dossier §3.1). */
const TYPE_MEANINGS: Readonly<Record<string, string>> = {
  none: 'no use that Xen keeps track of',
  l1: 'a level-1 page table of a PV guest: never writable for it or its devices',
  l2: 'a level-2 page table of a PV guest: never writable for it or its devices',
  l3: 'a level-3 page table of a PV guest: never writable for it or its devices',
  l4: 'a level-4 page table of a PV guest: never writable for it or its devices',
  seg_desc: 'a page of a GDT or LDT: never writable for the guest or its devices',
  shared: 'shared between domains, copied when one writes',
  writable:
    'ordinary memory: writable for the guest, and mapped for its devices where it has an IOMMU context',
};

const OLD_LAYOUT = 'page-words-before-4.10';

/**
 * Notes what a type that was asked for tells of the layout, where the log names no release: types are asked for without flags,
 * and bit 60 is a type's only before 4.10 (PGT_locked since).
 */
export function noteLayout(wanted: string | undefined, line: number, facts: LogFacts): void {
  const high = wordsOf(wanted)?.[1] ?? 0;
  if (facts.xen === null && (high & (1 << 28)) !== 0) facts.other.set(OLD_LAYOUT, { value: 'yes', line });
}

/** The layouts of the release that the log names; where it names none, those of 4.17, or what its lines show. */
export function layoutsOfLog(facts: LogFacts): PageInfoLayouts {
  const release = /^(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?/.exec(facts.xen?.value ?? '');
  if (release === null) return facts.other.has(OLD_LAYOUT) ? PAGE_INFO_BEFORE_4_10 : pageInfoLayouts('4.17');
  const [text, major, minor] = release;
  if (major !== '4') return pageInfoLayouts('4.17');
  if (Number(minor) < 10) return PAGE_INFO_BEFORE_4_10;
  return Number(minor) === 10 ? PAGE_INFO_LAYOUTS[0]! : pageInfoLayouts(text);
}

/** The name of the page type in a type_info as printed; null where the text is no number. */
export function typeOf(printed: string | undefined, facts: LogFacts): string | null {
  const words = wordsOf(printed);
  if (words === null) return null;
  const { typeInfo } = layoutsOfLog(facts);
  const field = typeInfo.fields.find(({ name }) => name === 'type')!;
  return field.values?.[readField(field, words)] ?? null;
}

/** Adds the fields of a type_info (`taf`) or count_info (`caf`) that are not 0 to the event's bits. */
export function addWord(
  which: 'typeInfo' | 'countInfo',
  printed: string | undefined,
  event: EventDraft,
  facts: LogFacts,
): void {
  const words = wordsOf(printed);
  if (words === null) return;
  const layout: EntryLayout = layoutsOfLog(facts)[which];
  for (const field of layout.fields) {
    const value = readField(field, words);
    if (value === 0 && field.name !== 'type') continue;
    const named = kindOf(field) === 'enum' ? field.values?.[value] : undefined;
    const meaning = named === undefined ? (field.doc ?? field.name) : (TYPE_MEANINGS[named] ?? named);
    event.bits.push({ name: named === undefined ? field.name : `${field.name} ${named}`, value, meaning });
  }
}

function wordsOf(printed: string | undefined): number[] | null {
  if (printed === undefined || !/^(?:0x)?[0-9a-f]{1,16}$/i.test(printed)) return null;
  const value = BigInt(`0x${printed.replace(/^0x/i, '')}`);
  return [Number(value & 0xffff_ffffn) | 0, Number(value >> 32n) | 0];
}
