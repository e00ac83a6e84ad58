import type { Examples } from './alphabet-examples.js';
import type { Statement } from './program.js';

/** What the search lets the actors do, beyond what the machine's size bounds. */
export interface AlphabetBounds {
  /** Page-table levels that guests pin. */
  readonly levels: readonly number[];
  /** Grant references that guests use. */
  readonly refs: number;
  /** Handles each mapper uses. */
  readonly handles: number;
  /** Virtual pages guests map. */
  readonly vaSlots: number;
  /** Entries of a page that guests write, from 0. */
  readonly entries: number;
  /** Whether the toolstack takes devices away and gives them again. */
  readonly hotplug: boolean;
  /** Whether guests grant pages to themselves, too. */
  readonly selfGrants: boolean;
  /** Whether guests get pages and give them back; on unless set. */
  readonly memory?: boolean;
  /** Whether the toolstack destroys guests; off unless set. */
  readonly destroy?: boolean;
  /** Whether PV mappers map grants for their devices, too, alone and with the host; off unless set. */
  readonly deviceMappings?: boolean;
  /** Whether mappers also unmap the host's or the device's half of a grant alone; off unless set. */
  readonly partialUnmaps?: boolean;
  /** Whether hypercalls that run in steps are also tried step by step; off unless set. */
  readonly steps?: boolean;
  /** How many allocations, maps, unmaps, flushes and device accesses may fail; none unless set. */
  readonly failures?: number;
  /** Which try of its kind, at the latest, it is that fails; the next one unless set. */
  readonly failuresWithin?: number;
  /** How many of its kind fail in a row, where one does, as of hardware that is broken: also so many; 1 unless set. */
  readonly failuresInARow?: number;
  /**
   * Operations of the language that are tried besides, with all arguments that the machine has. `guest: grant_copy` is
   * tried by that domain alone.
   */
  readonly operations?: readonly string[];
  /** Statements that are tried besides, as they stand: with no names but those that actions use. */
  readonly statements?: readonly Pick<Statement, 'op' | 'args'>[];
  /** Of all that would be tried, only these operations; all unless set. */
  readonly kinds?: readonly string[];
  /** Whether nothing but `operations` and failures is tried; off unless set. */
  readonly onlyOperations?: boolean;
  /** Whether those operations also name frames of Xen's and one that does not exist; off unless set. */
  readonly anyFrame?: boolean;
  /** Orders of extents that are tried, where an operation takes any; none unless set. */
  readonly orders?: readonly number[];
  /** Whether steps that nobody else can see are taken with what follows; they are unless this is false. */
  readonly merge?: boolean;
  /** What actions are about, where that is not all that the machine has. */
  readonly only?: Examples;
  /** Pages a guest may have, where that is a bound. */
  readonly pages?: number;
}

export const DEFAULT_ALPHABET: AlphabetBounds = {
  levels: [1, 4],
  refs: 1,
  handles: 1,
  vaSlots: 1,
  entries: 1,
  hotplug: true,
  selfGrants: true,
};
