import { rightsText } from '../../formats/address.js';
import { hex } from '../../text/hex.js';
import { deviceCount } from '../../xen/devices.js';
import { GROUNDS } from '../../xen/ruling.js';
import type { Here } from '../here.js';
import { type DomainRows, disagrees } from './domain-rows.js';
import { machineRows, standingOf } from './machine-index.js';
import { type Owing, Sign, type SignName, type Standing } from './standing.js';

/** A sign beside what disagrees: its name, a few words, and the facts. */
export interface Mark {
  readonly sign: SignName;
  readonly word: string;
  readonly text: string;
}

const WORDS: Readonly<Record<SignName, string>> = {
  missing: 'missing: devices fault',
  excess: 'excess: unsafe',
  differs: 'differs',
  stale: 'stale in an IOTLB',
  pending: 'not yet: being built',
};

const OWED_BY: Readonly<Record<Owing, string>> = {
  type: 'the page’s type, writable, is to give',
  p2m: 'the p2m gives',
  grant: 'a live grant handle is to give: the domain was told this machine address (dev_bus_addr)',
  reserved: 'firmware needs there',
};

/** What is wrong at a row of a domain, sign by sign; empty where nothing is. */
export function marksOf(here: Here, rows: DomainRows, row: number): readonly Mark[] {
  const signs = rows.signs[row]!;
  if (signs === 0) return [];
  const { slot } = rows;
  const input = firstMarked(here, rows, row, signs & ~Sign.stale);
  const standing = standingOf(here, slot, input);
  const marks: Mark[] = [];
  for (const sign of Object.keys(Sign) as SignName[]) {
    if ((signs & Sign[sign]) === 0) continue;
    const text = sign === 'stale' ? staleText(here, rows, row) : markText(here, slot, input, standing, sign);
    marks.push({ sign, word: wordOf(here, slot, sign), text });
  }
  return marks;
}

/** Of a large page, the first frame that has something wrong with it. */
function firstMarked(here: Here, { slot, inputs, spans }: DomainRows, row: number, signs: number): number {
  const first = inputs[row]!;
  for (let offset = 0; signs !== 0 && offset < spans[row]!; offset++) {
    if (standingOf(here, slot, first + offset).signs !== 0) return first + offset;
  }
  return first;
}

function wordOf({ xen }: Here, slot: number, sign: SignName): string {
  if (sign !== 'differs') return WORDS[sign];
  return xen.isTranslated(slot) ? 'differs from the p2m' : 'differs from the type';
}

function markText({ xen }: Here, slot: number, input: number, standing: Standing, sign: SignName): string {
  const { iommuRights, iommuFrame, cpuFrame, permitted, ground, lacking, owing } = standing;
  const name = xen.domainName(slot);
  const at = `dfn ${hex(input)}`;
  const reach = iommuRights === 0 ? 'nothing' : `${rightsText(iommuRights)} to frame ${hex(iommuFrame)}`;
  const some = deviceCount(xen, slot) !== 0;
  const devices = some ? `${name}’s devices` : `a device of ${name}`;
  const [have, lack] = some ? ['have', 'lack'] : ['would have', 'would lack'];
  switch (sign) {
    case 'missing':
      return `at ${at} the tables give ${reach}; ${devices} ${lack} ${rightsText(lacking)}, which ${OWED_BY[owing]}`;
    case 'excess': {
      const reason = ground === undefined ? 'there is nothing' : GROUNDS[ground];
      return `${devices} ${have} ${reach} at ${at}; the rule permits ${permitted === 0 ? 'nothing' : rightsText(permitted)} (${reason})`;
    }
    case 'differs':
      return xen.isTranslated(slot)
        ? `at ${at} the tables give ${reach}, and the p2m leads to ${cpuFrame < 0 ? 'nothing' : `frame ${hex(cpuFrame)}`}`
        : `at ${at} the tables give ${reach}, which the page’s type does not ask for`;
    case 'pending':
      return `at ${at} the tables give ${reach} so far: the context is being built`;
    case 'stale':
      return '';
  }
}

function staleText(here: Here, { slot, inputs, spans }: DomainRows, row: number): string {
  const notes = machineRows(here).stale.filter(
    (note) => note.slot === slot && note.input >= inputs[row]! && note.input < inputs[row]! + spans[row]!,
  );
  return notes.map(({ text }) => text).join('; ');
}

/** How many rows have each sign. */
export type SignCounts = Readonly<Record<SignName, number>>;

const COUNTS = new WeakMap<DomainRows, { readonly total: number; readonly counts: SignCounts }>();

/** How many rows of a domain disagree, and how; counted once for the same rows. */
export function countsOf(rows: DomainRows): { readonly total: number; readonly counts: SignCounts } {
  const known = COUNTS.get(rows);
  if (known !== undefined) return known;
  const counts = { missing: 0, excess: 0, differs: 0, stale: 0, pending: 0 };
  let total = 0;
  for (let row = 0; row < rows.length; row++) {
    const signs = rows.signs[row]!;
    if (signs === 0) continue;
    if (disagrees(rows, row)) total++;
    for (const sign of Object.keys(Sign) as SignName[]) if ((signs & Sign[sign]) !== 0) counts[sign]++;
  }
  const result = { total, counts };
  COUNTS.set(rows, result);
  return result;
}
