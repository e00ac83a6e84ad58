import type { AlikeRequesters, AuditedDevice } from './survey.js';

/** So many requesters with the same entry are no devices, but what software filled a table with. */
const ALIKE = 1024;
/** So many are enough where the entry lets nothing pass. */
const ALIKE_BLOCKED = 16;

/**
 * Tells entries of devices from those that software filled a table with: these are told once instead of listed. First all
 * entries are added, then each is asked for.
 */
export class AlikeEntries {
  private readonly counts = new Map<string, number>();
  private readonly decided = new Map<string, AlikeRequesters | null>();

  add(entry: string): void {
    this.counts.set(entry, (this.counts.get(entry) ?? 0) + 1);
  }

  /**
   * Whether an entry is told once, with all that are like it.
   * @param device what it would be listed as. @param unwritten whether nobody ever wrote it.
   */
  tells(entry: string, device: () => AuditedDevice, unwritten = false): boolean {
    let told = this.decided.get(entry);
    if (told === undefined) {
      told = this.decide(this.counts.get(entry) ?? 0, device, unwritten);
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
    if (count < ALIKE_BLOCKED && !unwritten) return null;
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
