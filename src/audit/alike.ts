import type { AlikeRequesters, AuditedDevice } from './survey.js';

/** So many requesters with the same entry are no devices, but what software filled a table with. */
const ALIKE = 1024;

/** Counts entries by what stands in them, so that the one that fills a table is told once instead of listed. */
export class AlikeEntries {
  private readonly counts = new Map<string, number>();

  add(entry: string): void {
    this.counts.set(entry, (this.counts.get(entry) ?? 0) + 1);
  }

  /** The entry that most have, when they are many; and how many. */
  most(): { readonly entry: string; readonly count: number } | undefined {
    let best: { entry: string; count: number } | undefined;
    for (const [entry, count] of this.counts) {
      if (count > (best?.count ?? ALIKE - 1)) best = { entry, count };
    }
    return best;
  }
}

/** What is said of many requesters, from one of them. */
export function alikeOf(device: AuditedDevice, count: number): AlikeRequesters {
  const { translation, type, note } = device;
  return { count, translation, type, note };
}
