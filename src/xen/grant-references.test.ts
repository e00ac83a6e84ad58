import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GNTMAP, GTF_SUB_PAGE } from '../formats/grant-v1.js';
import { PGT } from '../formats/x86-page-info.js';
import { CDF, createDomain } from './domain.js';
import { destroyDomain } from './domain-death.js';
import { ownerOf } from './frames.js';
import { type CopyEnd, grantCopy, SELF } from './grant-copy.js';
import {
  clearGrantEntry,
  writeAcceptTransfer,
  writeGrantEntry,
  writeTransitiveGrant,
} from './grant-entry.js';
import { setupTable } from './grant-frames.js';
import { mapGrantRef } from './grant-map.js';
import { NEVER_ENDS } from './grant-status.js';
import { grantTransfer } from './grant-transfer.js';
import { unmapAndReplace, unmapGrantRef, WHERE_MAPPED } from './grant-unmap.js';
import { setGrantVersion, swapGrantRefs } from './grant-version.js';
import { SOMEWHERE, tableEntry, vaEntry } from './host-entry.js';
import { Notes } from './invariants/notes.js';
import { INVARIANTS } from './invariants.js';
import { populate, x86 } from './machine.fixture.js';
import { grantRefOf } from './maptrack.js';
import { decreaseReservation, populatePhysmap } from './memory.js';
import { mmuUpdate, pinTable, unpinTable, updateVaMapping } from './page-table.js';
import { inputFrames } from './rule.js';
import type { Xen } from './state.js';

const FRAMES = 9;
const PV = [1, 2];
const HVM = 3;
const REFS = 3;

function create(xen: Xen, slot: number): void {
  const flags =
    (xen.profile.iommuContext === 'at-creation' ? CDF.iommu : 0) | (slot === HVM ? CDF.hvm | CDF.hap : 0);
  createDomain(xen, slot, {
    flags,
    iommuOpts: slot === HVM && xen.profile.iommuContext === 'at-creation' ? 1 : 0,
    maxVcpus: 1,
    maxPages: 5,
    directMapped: false,
  });
}

function machine(edition: string): Xen {
  const limits = { domains: 4, grants: 12, grantFrames: 2, handles: 4, vaSlots: 3, gfns: 4 };
  const xen = x86(edition, { frames: FRAMES, mode: 'strict', dom0Pages: 1, limits });
  for (const slot of [...PV, HVM]) create(xen, slot);
  populate(xen, 1, 3);
  populate(xen, 2, 2);
  populate(xen, HVM, 1);
  setGrantVersion(xen, 2, 2);
  xen.store.forget();
  return xen;
}

type Step = readonly [op: number, a: number, b: number, c: number, d: number];

const frameAt = (xen: Xen, n: number) => xen.ram.indexOf(0x100 + (n % FRAMES));
const alive = (xen: Xen, slot: number) => xen.exists(slot) && !xen.isDying(slot);
/** Any reference that a step may name: the first few, and a reserved one less. */
const refOf = (n: number) => 7 + (n % REFS);
const entryOf = (xen: Xen, n: number) =>
  [SOMEWHERE, vaEntry(n % 3), vaEntry((n + 1) % 3), tableEntry(frameAt(xen, n), n % 2)][n % 4]!;

function end(xen: Xen, n: number): CopyEnd {
  const granted = n % 3 !== 0;
  return {
    domain: granted ? n % 4 : SELF,
    ref: granted ? refOf(n) : -1,
    frame: n % 5 === 0 ? n % 4 : xen.ram.frameAt(frameAt(xen, n)),
    offset: (n % 4) * 8,
  };
}

/** The frame number of one of a domain's pages; chance alone hardly ever names one. */
function ownFrame(xen: Xen, slot: number, n: number): number {
  const own = Array.from({ length: FRAMES }, (_, i) => frameAt(xen, i)).filter(
    (pdx) => ownerOf(xen, pdx) === slot,
  );
  return own.length === 0 ? 0 : xen.ram.frameAt(own[n % own.length]!);
}

const OPERATIONS: readonly ((xen: Xen, a: number, b: number, c: number, d: number) => unknown)[] = [
  ...[0, 1, 2].map(() => (xen: Xen, a: number, b: number, c: number, d: number) => {
    const slot = 1 + (a % 3);
    const frame = slot === HVM ? d % 4 : xen.ram.frameAt(frameAt(xen, d));
    const part = c % 5 === 0 ? GTF_SUB_PAGE : 0;
    return alive(xen, slot) && writeGrantEntry(xen, slot, refOf(b), c % 4, frame, c % 2 === 0, part, 8, 24);
  }),
  (xen, a, b, c, d) =>
    alive(xen, 1 + (a % 3)) &&
    writeTransitiveGrant(xen, 1 + (a % 3), refOf(b), c % 4, d % 4, refOf(a + d), c % 2 === 0),
  (xen, a, b, c, d) =>
    alive(xen, 1 + (a % 3)) && writeAcceptTransfer(xen, 1 + (a % 3), refOf(b), c % 4, d % 4),
  (xen, a, b) => alive(xen, 1 + (a % 3)) && clearGrantEntry(xen, 1 + (a % 3), refOf(b)),
  ...[0, 1, 2, 3].map(() => (xen: Xen, a: number, b: number, c: number, d: number) => {
    const entry = entryOf(xen, d);
    const flags = (c % 8) | (entry < 0 ? GNTMAP.containsPte : 0);
    return alive(xen, a % 4) && mapGrantRef(xen, a % 4, b % 4, refOf(b + c), flags, d % 4, entry);
  }),
  // What is offered to a mapper is mapped, and copied to and from.
  ...[0, 1, 2, 3, 4].map(() => (xen: Xen, a: number, b: number, c: number, d: number) => {
    const [granter, mapper] = [1 + (a % 2), b % 3];
    if (!alive(xen, granter) || !alive(xen, mapper)) return;
    const readonly = d % 3 === 0;
    writeGrantEntry(xen, granter, refOf(c), mapper, ownFrame(xen, granter, d), readonly);
    const entry = entryOf(xen, a + d);
    const flags = (1 + (c % 3)) | (readonly || c % 4 === 0 ? 4 : 0) | (entry < 0 ? GNTMAP.containsPte : 0);
    return mapGrantRef(xen, mapper, granter, refOf(c), flags, 0, entry);
  }),
  (xen, a, b, c, d) => {
    const [granter, mapper] = [1 + (a % 2), b % 3];
    if (!alive(xen, granter) || !alive(xen, mapper)) return;
    writeGrantEntry(xen, granter, refOf(c), mapper, ownFrame(xen, granter, d), c % 2 === 0);
    const grant: CopyEnd = { domain: granter, ref: refOf(c), frame: -1, offset: 0 };
    const page: CopyEnd = { domain: SELF, ref: -1, frame: ownFrame(xen, mapper, c), offset: 0 };
    return d % 2 === 0 ? grantCopy(xen, mapper, grant, page, 8) : grantCopy(xen, mapper, page, grant, 8);
  },
  (xen, a, b, c, d) => {
    const [giver, taker] = [1 + (a % 2), 1 + (b % 3)];
    if (!alive(xen, giver) || !alive(xen, taker)) return;
    writeAcceptTransfer(xen, taker, refOf(c), giver, 2);
    return grantTransfer(xen, giver, ownFrame(xen, giver, d), taker, refOf(c));
  },
  ...[0, 1].map(
    () => (xen: Xen, a: number, b: number, c: number) =>
      alive(xen, a % 4) && unmapGrantRef(xen, a % 4, b % 4, c % 4, -1),
  ),
  (xen, a, b, c, d) =>
    alive(xen, a % 4) &&
    unmapGrantRef(xen, a % 4, b % 4, 3, -1, c % 2 ? WHERE_MAPPED : d % 4, entryOf(xen, d)),
  (xen, a, b, c, d) =>
    alive(xen, a % 4) && unmapAndReplace(xen, a % 4, b % 4, entryOf(xen, c), vaEntry(d % 3)),
  (xen, a, b, c, d) =>
    alive(xen, a % 4) && grantCopy(xen, a % 4, end(xen, b), end(xen, c), d % 5 === 0 ? 0 : 8),
  (xen, a, b, c, d) =>
    alive(xen, a % 4) &&
    grantTransfer(xen, a % 4, a % 4 === HVM ? b % 4 : xen.ram.frameAt(frameAt(xen, b)), c % 4, refOf(d)),
  (xen, a, b) => alive(xen, 1 + (a % 3)) && setGrantVersion(xen, 1 + (a % 3), 1 + (b % 2)),
  (xen, a, b, c) => alive(xen, a % 4) && swapGrantRefs(xen, a % 4, refOf(b), refOf(c)),
  (xen, a, b) => xen.exists(1 + (a % 3)) && setupTable(xen, 0, 1 + (a % 3), b % 4),
  (xen, a, b, c, d) => {
    const slot = a % 3;
    const of = slot === 0 ? d % 4 : slot;
    return (
      alive(xen, slot) &&
      xen.exists(of) &&
      updateVaMapping(xen, slot, b % 3, frameAt(xen, c), d % 2 === 0, of)
    );
  },
  (xen, a, b) => alive(xen, a % 3) && updateVaMapping(xen, a % 3, b % 3, -1, false, a % 3),
  (xen, a, b, c) =>
    xen.exists(1 + (a % 2)) && pinTable(xen, 1 + (a % 2), frameAt(xen, b), c % 4 ? PGT.l1 : PGT.l2),
  (xen, a, b) => xen.exists(1 + (a % 2)) && unpinTable(xen, 1 + (a % 2), frameAt(xen, b)),
  (xen, a, b, c) => xen.exists(1 + (a % 2)) && mmuUpdate(xen, 1 + (a % 2), frameAt(xen, b), c % 2, 0, 0),
  (xen, a, b) => xen.exists(1 + (a % 2)) && decreaseReservation(xen, 1 + (a % 2), frameAt(xen, b), -1),
  (xen, a, b) => xen.exists(1 + (a % 3)) && populatePhysmap(xen, 1 + (a % 3), b % 4),
  (xen, a) => destroyDomain(xen, 0, 1 + (a % 3)),
  (xen, a) => !xen.exists(1 + (a % 3)) && create(xen, 1 + (a % 3)),
];

const history = fc.array(
  fc.tuple(
    fc.nat(OPERATIONS.length - 1),
    fc.nat(59),
    fc.nat(59),
    fc.nat(59),
    fc.nat(59),
  ) as fc.Arbitrary<Step>,
  { minLength: 30, maxLength: 120 },
);

const COUNTED = INVARIANTS.filter(({ id }) => id === 'INV-REF' || id === 'INV-PIN');

/** A handle whose granter is gone: its mapper overwrote the L1 entry, so that nothing kept the page (docs/disagreements.md). */
function isOrphaned(xen: Xen): boolean {
  const { handles, grants } = xen.spec.limits;
  for (let row = 0; row < xen.domIo * handles; row++) {
    if (xen.maptrack.flags.get(row) === 0) continue;
    const active = (xen.maptrack.granter.get(row) - 1) * grants + grantRefOf(xen, row);
    if (xen.grant.frame.get(active) === 0) return true;
  }
  return false;
}

/** What a mapper that overwrote its entry, and then died after its granter’s domid had a successor, does to the host. */
const KNOWN_BUGS = ['grant pin underflow', 'grant counter underflow'];

describe('after any history of grants', () => {
  it('there is something to hold it against', () => {
    expect(COUNTED.length).toBe(2);
  });

  it.each(['4.11.0', '4.12', '4.13', '4.14', '4.15', '4.16', '4.17', '4.22'])(
    'in %s references and pins are those that somebody holds, and rolling back undoes all',
    (edition) => {
      const xen = machine(edition);
      const inputs = inputFrames(xen, xen.spec.limits.gfns);
      const notes = new Notes(xen, inputs.length);
      const [start, hash] = [xen.store.mark(), xen.store.hashText()];
      fc.assert(
        fc.property(history, (steps) => {
          try {
            for (const [op, a, b, c, d] of steps) {
              if (OPERATIONS[op]!(xen, a, b, c, d) === NEVER_ENDS) continue;
              if (isOrphaned(xen)) break;
              if (xen.hostBug !== undefined) {
                expect(KNOWN_BUGS).toContain(xen.hostBug);
                break;
              }
              for (const { id, violation } of COUNTED)
                expect([id, violation(xen, inputs, notes)]).toEqual([id, undefined]);
            }
          } finally {
            xen.store.rollback(start);
          }
          expect(xen.store.hashText()).toBe(hash);
        }),
        { numRuns: 60 },
      );
    },
  );
});
