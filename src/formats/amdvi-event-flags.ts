import type { AmdviEventKind } from './amdvi-event-kinds.js';
import { hardwareError, invalidRequest } from './amdvi-event-kinds.js';
import { AMDVI_EVENT_FLAGS_SHIFT } from './amdvi-events.js';
import { type BitField, readField } from './layout.js';

/** What a flag of an event says, clear and set. */
interface FlagMeaning {
  /** The manual's abbreviation. */
  readonly name: string;
  readonly clear: string;
  readonly set: string;
}

/**
 * The flags of events by the names that the layouts give them. (§2.5) The manual vouches for RW only where PR is set and TR and
 * I are clear; hardware was seen to tell reads from writes for absent pages, too (Linux 9f78e446bde8).
 */
const MEANINGS: Readonly<Record<string, FlagMeaning>> = {
  guest: { name: 'GN', clear: 'no guest address', set: 'a guest address with a PASID' },
  execute: { name: 'NX', clear: 'no instruction fetch', set: 'an instruction fetch' },
  user: { name: 'US', clear: 'supervisor privilege', set: 'user privilege' },
  interrupt: { name: 'I', clear: 'a request for memory', set: 'an interrupt' },
  present: {
    name: 'PR',
    clear: 'an entry on the way is not present',
    set: 'all entries up to the one that refuses are present',
  },
  write: { name: 'RW', clear: 'a read', set: 'a write' },
  permission: {
    name: 'PE',
    clear: 'permission was not lacking',
    set: 'the entries do not give the permission that the access needs',
  },
  reservedBits: {
    name: 'RZ',
    clear: 'no reserved bit is set; where an entry is illegal, its level is',
    set: 'a reserved bit of an entry is set',
  },
  translation: { name: 'TR', clear: 'an ordinary request', set: 'a translation request (ATS)' },
  answered: {
    name: 'RX',
    clear: 'the device waits for an answer',
    set: 'the unit answered the device itself',
  },
};

/** What PR says of an interrupt: there are no pages then. */
const INTERRUPT_PRESENT: FlagMeaning = {
  name: 'PR',
  clear: 'the interrupt is blocked: the interrupt table has no entry for it that is switched on',
  set: 'the interrupt table has an entry for it',
};

/** A field of an event's flags with its value. */
export interface AmdviFlag {
  /** The manual's abbreviation. */
  readonly name: string;
  readonly value: number;
  readonly meaning: string;
}

/** The first and last bit of an entry that a driver prints as its flags. */
const FIRST = 32 + AMDVI_EVENT_FLAGS_SHIFT;
const LAST = FIRST + 11;

/** The value of a field of the flags, `flags` being bits 48 to 59 of the entry. */
function flagValue(field: BitField, flags: number): number {
  return readField({ ...field, lo: field.lo - FIRST, hi: field.hi - FIRST }, [flags]);
}

/** The fields of an event's flags by the layout's names, `flags` being bits 48 to 59 of the entry. */
export function amdviFlagFields(kind: AmdviEventKind, flags: number): Readonly<Record<string, number>> {
  const values: Record<string, number> = {};
  for (const field of kind.layout?.fields ?? []) {
    if (field.lo >= FIRST && field.hi <= LAST) values[field.name] = flagValue(field, flags);
  }
  return values;
}

/**
 * What an event's flags say: every flag that is set, every reserved bit that is, the types of errors and requests, and of
 * page faults PR in any case, as it says most when it is clear. In the order of the bits.
 */
export function amdviFlags(kind: AmdviEventKind, flags: number): AmdviFlag[] {
  const values = amdviFlagFields(kind, flags);
  const told: AmdviFlag[] = [];
  for (const [field, value] of Object.entries(values)) {
    const meaning = field === 'present' && values.interrupt === 1 ? INTERRUPT_PRESENT : MEANINGS[field];
    if (field === 'error') told.push({ name: 'Type', value, meaning: hardwareError(value) });
    else if (field === 'type') {
      const said = invalidRequest(value, values.translation === 1) ?? 'reserved';
      told.push({ name: 'Type', value, meaning: said });
    } else if (meaning !== undefined && (value !== 0 || field === 'present')) {
      told.push({ name: meaning.name, value, meaning: value === 0 ? meaning.clear : meaning.set });
    } else if (value !== 0 && field.startsWith('reserved')) {
      told.push({ name: '??', value, meaning: 'a reserved bit of the event is set' });
    }
  }
  return told;
}
