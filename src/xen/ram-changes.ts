import { describe } from '../formats/layout.js';
import type { Change } from '../store/changes.js';
import { type FrameRole, ramRoles } from './ram-roles.js';
import type { Xen } from './state.js';

/** A change of something in a machine. */
export interface XenChange extends Change {
  /**
   * Of an entry in RAM, the frame (mfn) to which it leads, or led before it was emptied; of plain memory, the frame that it
   * is in. Unset where there is none, and of what tables of the store hold: these say it themselves.
   */
  readonly frame?: number;
}

/** Reads changed words of RAM as changes of the entries they belong to (page tables, contexts, grants, plain memory). */
export function ramChanges(xen: Xen, before: ReadonlyMap<number, number>): XenChange[] {
  if (before.size === 0) return [];
  const roleOf = ramRoles(xen);
  const entries = new Map<number, { frame: number; role: FrameRole | undefined; first: number }>();
  for (const word of before.keys()) {
    const pa = xen.ram.addressOf(word);
    const frame = Math.floor(pa / 4096);
    const role = roleOf(frame);
    const bytes = role?.entryBytes ?? 4;
    entries.set(pa - (pa % bytes), { frame, role, first: word - (pa % bytes) / 4 });
  }
  return [...entries]
    .sort(([a], [b]) => a - b)
    .map(([pa, { frame, role, first }]): XenChange => {
      const bytes = role?.entryBytes ?? 4;
      const words = Array.from({ length: bytes / 4 }, (_, i) => first + i);
      const now = Int32Array.from(words, (word) => xen.store.read(word));
      const was = now.map((value, i) => before.get(first + i) ?? value);
      const index = (pa % 4096) / bytes;
      if (role === undefined) {
        const hex = (word: number) => `0x${(word >>> 0).toString(16)}`;
        const what = `memory 0x${frame.toString(16)}+0x${(pa % 4096).toString(16)}`;
        return { what, field: 'word', before: hex(was[0]!), after: hex(now[0]!), words, frame };
      }
      const leadsTo = role.frame?.(now) ?? role.frame?.(was);
      return {
        what: role.name(index),
        field: 'entry',
        before: describe(role.layout(was), was),
        after: describe(role.layout(now), now),
        words,
        ...(leadsTo !== undefined && { frame: leadsTo }),
      };
    })
    .filter(({ what }) => what !== '');
}
