import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { behavioursOfEdition } from '../src/toolstack/edition-record.js';
import { requireEdition } from '../src/xen/editions/edition.js';

/** A behaviour that states a row: releases without it and their value, releases with it and theirs. */
interface Modelled {
  readonly behaviour: string;
  readonly before: readonly [releases: string, value: string];
  readonly after: readonly [releases: string, value: string];
}

/**
 * Dossier §0, the version profile matrix, row by row in its order and words, written by hand. A row that no behaviour
 * states is in docs/editions.md, with a reason.
 */
const MATRIX: readonly (readonly [row: string, commit: string, ...states: Modelled[]])[] = [
  [
    'PV canonical rule, no PV "physmap" in IOMMU (XSA-288)',
    'fe21b78ef9',
    {
      behaviour: 'pvPageAdded',
      before: ['4.11.0 4.11.1', 'mapped-untyped'],
      after: ['4.11.2 4.12', 'typed-writable'],
    },
  ],
  [
    'type re-check after late map (XSA-285)',
    '1f0b0bb777',
    { behaviour: 'lateMapRecheck', before: ['4.11.0 4.11.1', 'no'], after: ['4.11.2 4.12', 'yes'] },
  ],
  [
    'type ref dropped when IOMMU op fails (XSA-291)',
    'fad0de9862',
    {
      behaviour: 'typeRefOnIommuFailure',
      before: ['4.11.0 4.11.1', 'kept'],
      after: ['4.11.2 4.12', 'dropped'],
    },
  ],
  [
    'need_iommu split; `status` + `need_sync`',
    '91d4eca7ad',
    { behaviour: 'hasMappings', before: ['4.11.0 4.11.4', 'need_iommu'], after: ['4.12', 'need_sync'] },
  ],
  [
    'per-domain CDF_iommu',
    'c45f592923',
    { behaviour: 'noContextErrno', before: ['4.11.4 4.12.4', 'ENOSYS'], after: ['4.13', 'EOPNOTSUPP'] },
  ],
  [
    'late construction removed',
    'f89f555827',
    {
      behaviour: 'iommuContext',
      before: ['4.11.4 4.12.4', 'at-first-assignment'],
      after: ['4.13', 'at-creation'],
    },
  ],
  [
    'iommu_opts / `passthrough=`',
    'ad011ad088',
    {
      behaviour: 'contextDecided',
      before: ['4.11.4 4.12.4', 'at-first-assignment'],
      after: ['4.13', 'at-creation'],
    },
  ],
  [
    'quarantine via dom_io (XSA-302/306)',
    'ba2ab00bbb',
    {
      behaviour: 'quarantine',
      before: ['4.11.2 4.12.1', 'none'],
      after: ['4.13 4.12.2 4.11.3', 'scratch-read-only'],
    },
  ],
  [
    'map/unmap only when writability changes',
    'c497bfa633',
    { behaviour: 'typeChangeTest', before: ['4.13.5', 'new-type'], after: ['4.14', 'writability'] },
  ],
  [
    'grant map IOMMU decision ignores pin counts',
    '921f1f4226',
    {
      behaviour: 'grantIommuDecision',
      before: ['4.11.3 4.12.1 4.13', 'granter-pins'],
      after: ['4.14 4.13.1', 'handles'],
    },
  ],
  [
    'self-grant bypasses IOMMU',
    'e8185c5f01',
    {
      behaviour: 'selfGrant',
      before: ['4.12.4 4.13.2 4.14.1', 'reaches-iommu'],
      after: ['4.15 4.14.2 4.13.3', 'bypasses'],
    },
  ],
  [
    'ARM grant predicate repaired',
    '04085ec1ac',
    {
      behaviour: 'armGrantNeedsIommu',
      before: ['4.12 4.12.4 4.13.2 4.14.1', 'need_sync'],
      after: ['4.15 4.14.2 4.13.3', 'CDF_iommu'],
    },
  ],
  [
    'map ignored while dying; tables freed at relinquish',
    '1ef48c82e7',
    { behaviour: 'dyingMap', before: ['4.14.6', 'performed'], after: ['4.15', 'ignored'] },
    { behaviour: 'iommuTablesFreed', before: ['4.14.6', 'domain-gone'], after: ['4.15', 'at-relinquish'] },
  ],
  [
    'unknown iommu_opts bits rejected',
    '59b27f360e',
    { behaviour: 'unknownIommuOpts', before: ['4.13.1 4.14', 'ignored'], after: ['4.15', 'EINVAL'] },
  ],
  [
    'per-MFN grant counters replace scan',
    '9781b51efd',
    { behaviour: 'grantIommuDecision', before: ['4.14 4.15', 'handles'], after: ['4.16', 'counters'] },
  ],
  [
    'access type feeds MMIO IOMMU flags',
    'd1bb6c97c3',
    { behaviour: 'mmioIommuRights', before: ['4.13.3 4.15', 'always'], after: ['4.16 4.15.1', 'access'] },
  ],
  [
    'quarantine = none/basic/scratch-page',
    '980d6acf15',
    {
      behaviour: 'quarantine',
      before: ['4.15.7', 'scratch-read-only'],
      after: ['4.16', 'no-translation'],
    },
    { behaviour: 'quarantineModes', before: ['4.15.7', 'boolean'], after: ['4.16', 'basic-or-scratch'] },
    { behaviour: 'scratchPage', before: ['4.15.7', 'unknown'], after: ['4.16', 'known'] },
  ],
  [
    'failed deassign stops domain cleanup',
    'f591755823',
    {
      behaviour: 'deviceRelease',
      before: ['4.13.3 4.15', 'until-gone'],
      after: ['4.16 4.15.1', 'once-last-errno'],
    },
  ],
  [
    'counter dropped only on full unmap (XSA-394)',
    '975a8fb45c',
    {
      behaviour: 'grantCounterDrop',
      before: ['4.16', 'every-unmap'],
      after: ['4.17 4.16.1', 'handle-released'],
    },
  ],
  [
    'PoD blocks assignment (-EXDEV)',
    'ad4312d764',
    { behaviour: 'podExclusion', before: ['4.15.2 4.16.1', 'no'], after: ['4.17 4.16.2', 'yes'] },
  ],
  [
    'broken device → -EBADF',
    '7b4b36fcba',
    { behaviour: 'brokenDevice', before: ['4.16.7', 'hidden'], after: ['4.17', 'broken'] },
  ],
  [
    'per-device quarantine tables (XSA-400)',
    '14dd241aad',
    { behaviour: 'quarantineTable', before: ['4.15.2 4.16', 'shared'], after: ['4.17 4.16.1', 'per-device'] },
  ],
  [
    'superpages in unshared IOMMU tables',
    'ba3fcb5f52',
    { behaviour: 'iommuSuperpages', before: ['4.16.7', '4k-only'], after: ['4.17', 'superpages'] },
  ],
  [
    'PV dom0 strict pre-mapping in batches',
    'c1e1564c89',
    {
      behaviour: 'strictHwdomPages',
      before: ['4.16.7', 'typed-by-boot'],
      after: ['4.17', 'all-typed-writable'],
    },
  ],
  [
    'validated bit set after IOMMU op (XSA-401)',
    '8cc5036bc3',
    {
      behaviour: 'typeFlush',
      before: ['4.16 4.16.1', 'before-commit'],
      after: ['4.17 4.16.2', 'after-commit'],
    },
  ],
  [
    'phantom-function failure fails the assign',
    'cb4ecb3cc1',
    {
      behaviour: 'phantomFailure',
      before: ['4.17.3 4.18', 'ignored'],
      after: ['4.19 4.18.1', 'fails-assign'],
    },
  ],
  [
    'hwdom mappings via rangeset / iomem caps',
    '62f3fc5296',
    { behaviour: 'hwdomMap', before: ['4.18', 'read-only-mmio'], after: ['4.19', 'rangeset'] },
    {
      behaviour: 'hwdomMap',
      before: ['4.19 4.20', 'rangeset'],
      after: ['4.21 4.20.1', 'rangeset-as-permitted'],
    },
  ],
  ['device XSM hooks folded into xsm_domctl', 'eab54f074f'],
  [
    'VT-d fault names the unit',
    '7a091bd8b0',
    { behaviour: 'vtdFaultLine', before: ['4.22', 'plain'], after: ['staging', 'with-unit'] },
  ],
];

const documentation = readFileSync(fileURLToPath(new URL('../docs/editions.md', import.meta.url)), 'utf8');

/** The rows of docs/editions.md that say why the model does not state a row of the matrix. */
const unstated = documentation
  .slice(documentation.indexOf('## Rows of the matrix that the model does not state'))
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| row'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

function valueIn(edition: string, behaviour: string): string | undefined {
  const found = behavioursOfEdition(requireEdition(edition, edition));
  return found.find((one) => one.behaviour === behaviour)?.value;
}

describe('the version profile matrix of the dossier', () => {
  it('has 29 rows', () => {
    expect(MATRIX).toHaveLength(29);
  });

  const rows = MATRIX.map(([row, commit, ...states]) => ({ row, commit, states }));
  it.each(rows.filter(({ states }) => states.length > 0))('$row ($commit)', ({ commit, states }) => {
    const commits = states.flatMap(({ behaviour, before, after }) => {
      for (const release of before[0].split(' '))
        expect(valueIn(release, behaviour), release).toBe(before[1]);
      for (const release of after[0].split(' ')) expect(valueIn(release, behaviour), release).toBe(after[1]);
      const first = after[0].split(' ')[0]!;
      const all = behavioursOfEdition(requireEdition(first, first));
      return all.filter((one) => one.behaviour === behaviour).map(({ since }) => since?.commit.slice(0, 10));
    });
    expect(commits).toContain(commit);
  });

  it('is stated by behaviours, or docs/editions.md has the row and why not', () => {
    const missing = rows.filter(({ states }) => states.length === 0).map(({ row, commit }) => [row, commit]);
    expect(unstated.map(([, row, commit]) => [row, commit])).toEqual(missing);
    for (const [, row, , reason] of unstated) expect(reason, row).toMatch(/\w{4,}/);
  });
});
