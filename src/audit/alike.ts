import type { AlikeRequesters, AuditedDevice } from './survey.js';

/** So many requesters with the same entry are no devices, but what software filled a table with. */
const ALIKE = 1024;
/** So many are enough where the entry lets nothing pass. */
const ALIKE_BLOCKED = 16;
/** Different entries that are counted: more than are listed as devices. Hostile tables have as many as they have entries. */
const COUNTED = 1 << 18;

/**
 * Tells entries of devices from those that software filled a table with: these are told once instead of listed. First all
 * entries are added, then each is asked for.
 */
export class AlikeEntries {
  private readonly counts = new Map<string, number>();
  private readonly decided = new Map<string, AlikeRequesters | null>();

  add(entry: string): void {
    const count = this.counts.get(entry);
    if (count !== undefined || this.counts.size < COUNTED) this.counts.set(entry, (count ?? 0) + 1);
  }

  /**
   * Whether an entry is told once, with all that are like it.
   * @param device what it would be listed as. @param unwritten whether nobody ever wrote it.
   */
  tells(entry: string, device: () => AuditedDevice, unwritten = false): boolean {
    const count = this.counts.get(entry) ?? 1;
    if (count < ALIKE_BLOCKED && !unwritten) return false;
    let told = this.decided.get(entry);
    if (told === undefined) {
      told = this.decide(count, device, unwritten);
      this.decided.set(entry, told);
    }
    return told !== null;
  }

  /** What was told once, those that most have first. */
  told(): AlikeRequesters[] {
    const told = [...this.decided.values()].filter((each) => each !== null);
    return told.sort((a, b) => b.count - a.count);
  }

  private decide(count: number, device: () => AuditedDevice, unwritten: boolean): AlikeRequesters | null {
    const { translation, type, note } = device();
    if (count < ALIKE && translation !== 'blocked' && !unwritten) return null;
    return { count, translation, type, note };
  }
}

/** The same as a sentence. */
export function alikeNote({ count, translation, type, note }: AlikeRequesters): string {
  const who = count === 1 ? '1 more requester has an entry' : `${count} more requesters have the same entry`;
  return `${who}, ${translation}: ${type}${note === '' ? '' : `; ${note}`}`;
}
