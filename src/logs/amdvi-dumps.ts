import { AMDVI_DEVICE_ENTRY } from '../formats/amdvi.js';
import { amdviCommand } from '../formats/amdvi-event-kinds.js';
import { getField } from '../formats/layout.js';
import type { EventDraft } from './event.js';
import { ALLOWS } from './vtd-walk.js';

/**
 * Takes one line of a walk through the page tables that Xen prints behind a fault (`amd_iommu_print_entries`, 4.17 and
 * later with `iommu=verbose`): the walk ended at this entry when it refuses the access.
 * @param rights `np` for an entry that is not present, else `r` or `-` and `w` or `-`.
 */
export function tellWalkedEntry(
  event: EventDraft,
  level: string,
  entry: bigint | null,
  rights: string,
): void {
  // Xen prints the walk of an interrupt's address, too, though no page table has a part in it.
  if (event.kind === 'interrupt-fault') return;
  const name = `L${level}`;
  const lacks = event.access === 'write' ? rights[1] !== 'w' : event.access === 'read' && rights[0] !== 'r';
  // The first entry that refuses is where the access failed.
  if (event.level !== null && /^L\d$/.test(event.level.name)) return;
  if (rights === 'np') event.level = { name, entry, problem: 'not present' };
  else if (lacks) event.level = { name, entry, problem: `gives no ${event.access} permission` };
  // What lets the access through now was written after the fault.
  else if (isLeaf(entry)) event.level = { name, entry, problem: ALLOWS };
}

/** Whether an entry maps memory: its Next Level is 0, or 7 for a page of a size of its own. (§2.2.3) */
const isLeaf = (entry: bigint | null): boolean => entry !== null && ((entry >> 9n) & 7n) % 7n === 0n;

/** Words of a device table entry as far as they were printed, kept with the event that they belong to. */
const entries = new WeakMap<EventDraft, bigint[]>();

/** Takes one of the four words of 64 bits of a device table entry (Linux's `DTE[0]: …`). */
export function tellDeviceEntryWord(event: EventDraft, index: number, word: bigint): void {
  const words = entries.get(event) ?? [];
  words[index] = word;
  entries.set(event, words);
  if (index !== 3 || [0, 1, 2].some((i) => words[i] === undefined)) return;
  const halves = words.flatMap((one) => [Number(one & 0xffff_ffffn), Number(one >> 32n)]);
  const field = (name: string) => getField(AMDVI_DEVICE_ENTRY, name, halves);
  const flags = [
    field('valid') ? 'V' : '',
    field('translationValid') ? 'TV' : '',
    field('guestTranslation') ? 'GV' : '',
    field('deviceTlb') ? 'I' : '',
    field('read') ? 'IR' : '',
    field('write') ? 'IW' : '',
    field('interruptsValid') ? 'IV' : '',
  ].filter((one) => one !== '');
  const root = (BigInt(field('root')) << 12n).toString(16);
  event.details['device table entry'] =
    `${flags.join(' ') || 'empty'}, mode ${field('mode')}, root 0x${root}, domain ${field('did')}`;
  event.domain ??= field('did');
  if (event.level !== null) event.level = { ...event.level, entry: words[0]! };
}

/** Takes one of the four words of 32 bits of a command (Linux's `CMD[1]: …`): the second has the opcode. */
export function tellCommandWord(event: EventDraft, index: number, word: number): void {
  if (index === 1)
    event.details.command = amdviCommand(word) ?? `reserved opcode 0x${(word >>> 28).toString(16)}`;
}
