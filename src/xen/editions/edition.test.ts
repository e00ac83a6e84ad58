import { describe, expect, it } from 'vitest';
import { InputError } from '../../text/diagnostic.js';
import { BEHAVIOUR_NAMES, BEHAVIOURS, type BehaviourName, type Profile } from './behaviours.js';
import { CHANGES, OLDEST } from './changes.js';
import { DESIGNS, differences, distinctEditions, resolveEdition } from './edition.js';
import { contains, STAGING } from './history.js';
import { parseRelease, RELEASES, type Release, releaseName } from './release.js';

/**
 * The rows of dossier §0's matrix that the model knows, and those of §2.1, §2.2, §5 and §7: a behaviour, the value it
 * gets, the commit, the first x.y.0, and the first point release of each older branch that has it.
 */
const MATRIX: readonly (readonly [
  name: BehaviourName,
  value: string,
  commit: string,
  first: string,
  backports?: string,
])[] = [
  ['pvPageAdded', 'typed-writable', 'fe21b78ef9', '4.12', '4.11.2'],
  ['lateMapRecheck', 'yes', '1f0b0bb777', '4.12', '4.11.2'],
  ['typeRefOnIommuFailure', 'dropped', 'fad0de9862', '4.12', '4.11.2'],
  ['unvalidatedPut', 'BUG', 'c40b33d726', '4.13', '4.12.2 4.11.3'],
  ['l2EntryErrno', 'as-l1', 'c612481d1c', '4.12', '4.11.1'],
  ['hasMappings', 'need_sync', '91d4eca7ad', '4.12'],
  ['needSyncAfterTeardown', 'kept', '91d4eca7ad', '4.12'],
  ['armGrantNeedsIommu', 'need_sync', '91d4eca7ad', '4.12'],
  ['smmuFaultLine', 'with-fsr', 'ce75973a27', '4.12'],
  ['amdMapFlush', 'every-change', '1a7ffe466c', '4.12', '4.11.1'],
  ['armGrantVersion', 'one', '9a5c16a3e7', '4.12', '4.11.1'],
  ['amdReassign', 'aborted-meanwhile', '1b00c16bdf', '4.13'],
  ['amdLevels', 'by-memory', 'b4f042236a', '4.13', '4.12.2 4.11.4'],
  ['noContextErrno', 'EOPNOTSUPP', 'c45f592923', '4.13'],
  ['testAssignNobody', 'dereferenced', '71e617a6b8', '4.13'],
  ['iommuContext', 'at-creation', 'f89f555827', '4.13'],
  ['strictHwdomPages', 'typed-by-boot', 'f89f555827', '4.13'],
  ['hapWithoutHvm', 'EINVAL', 'd0c0ba7d3d', '4.13'],
  ['vtdFaultLine', 'plain', 'b7fab13d4d', '4.13'],
  ['unknownDeviceErrno', 'ENODEV', '319f9a0ba9', '4.13', '4.12.2 4.11.3'],
  ['quarantine', 'scratch-read-only', 'ba2ab00bbb', '4.13', '4.12.2 4.11.3'],
  ['amdFaultLine', 'sbdf', '680d18763a', '4.14'],
  ['typeChangeTest', 'writability', 'c497bfa633', '4.14'],
  ['grantIommuDecision', 'handles', '921f1f4226', '4.14', '4.13.1 4.12.2 4.11.4'],
  ['pcidevsLock', 'waited-for', 'cd7dedad82', '4.14'],
  ['transferCopy', 'copy', '6d4f36c3fe', '4.12', '4.11.2'],
  ['restartedCopy', 'restarted', 'd6f22d5d9e', '4.14', '4.13.1 4.12.3 4.11.4'],
  ['statusFrameAdded', 'referenced', 'eb6bbf7b30', '4.16', '4.15.1 4.14.3 4.13.4'],
  ['statusFrameAdded', 'locked', '02708d3b51', '4.22', '4.21.2 4.20.4 4.19.6 4.18.6 4.17.7'],
  ['transitiveRetry', 'unlocked', '6e3aab858e', '4.17', '4.16.3 4.15.4 4.14.6 4.13.5'],
  ['grantsReleasedAtDeath', 'preemptibly', 'b1ee10be56', '4.16', '4.15.1 4.14.3 4.13.4'],
  ['takenDomidErrno', 'EEXIST', 'b162e65a7a', '4.14'],
  ['selfGrant', 'bypasses', 'e8185c5f01', '4.15', '4.14.2 4.13.3'],
  ['armGrantNeedsIommu', 'CDF_iommu', '04085ec1ac', '4.15', '4.14.2 4.13.3'],
  ['dyingMap', 'ignored', '1ef48c82e7', '4.15'],
  ['iommuTablesFreed', 'at-relinquish', '15bc9a1ef5', '4.15'],
  ['unknownIommuOpts', 'EINVAL', '59b27f360e', '4.15', '4.14.1 4.13.2'],
  ['fullPinCounter', 'forbids-its-kind', '8cec5d065c', '4.15'],
  ['transitiveMap', 'refused', 'b339e3a976', '4.15', '4.14.2 4.13.3'],
  ['amdFreedTables', 'not-flushed', 'c4bdb646f4', '4.15'],
  ['createFlags', 'nested_virt', 'dbe399b174', '4.15'],
  ['grantIommuDecision', 'counters', '9781b51efd', '4.16', '4.15.1 4.14.3 4.13.4'],
  ['quarantine', 'no-translation', '980d6acf15', '4.16'],
  ['amdReassign', 'quarantined-meanwhile', '899272539c', '4.16', '4.15.1 4.14.3 4.13.4'],
  ['createFlags', 'vpmu', 'dbb948110a', '4.16'],
  ['noHandleStatus', 'no_space', '5c10b96795', '4.16'],
  ['badDevBusAddr', 'bad_dev_addr', 'c5bf1295b0', '4.16'],
  ['transferredPage', 'general_error', 'a16cf950fc', '4.16'],
  ['domainGrantVersion', 'yes', '7379f9e10a', '4.16'],
  ['grantCounterDrop', 'handle-released', '975a8fb45c', '4.17', '4.16.1 4.15.2 4.14.4 4.13.5'],
  ['batchedMoves', 'referenced', 'dea460d869', '4.15', '4.14.1 4.13.2 4.12.4'],
  ['movedPageType', 'read-write', 'c9491ea21a', '4.22', '4.21.1 4.20.3 4.19.5'],
  ['claimOnDying', 'EINVAL', '2379ca04fe', '4.22', '4.21.1 4.20.3 4.19.5'],
  ['overlappingMove', 'from-the-end', '7acc7dd36b', '4.22', '4.21.2 4.20.4'],
  ['sharedFlush', 'in-batch', '83432adeb8', '4.15'],
  ['mmioIommuRights', 'access', 'd1bb6c97c3', '4.16', '4.15.1 4.14.3 4.13.4'],
  ['typedEntryGuard', 'special', '753cb68e65', '4.16', '4.15.1 4.14.3 4.13.4'],
  ['iommuSuperpages', 'superpages', 'ba3fcb5f52', '4.17'],
  ['strictHwdomPages', 'all-typed-writable', 'c1e1564c89', '4.17'],
  ['typeFlush', 'after-commit', '8cc5036bc3', '4.17', '4.16.2 4.15.3 4.14.6 4.13.5'],
  ['shadowTypeFlush', 'to-writable', '8cc5036bc3', '4.17', '4.16.2 4.15.3 4.14.6 4.13.5'],
  ['shadowTypeFlush', 'from-writable-again', 'a9949efb28', '4.17', '4.16.2 4.15.4 4.14.6 4.13.5'],
  ['upperLevelFlush', 'yes', '16a20963b3', '4.15', '4.14.1 4.13.2 4.12.4'],
  ['testAssignNobody', 'tolerated', 'fa4d84e6dd', '4.17', '4.16.2 4.15.3'],
  ['transferOption', 'known', '185250ec78', '4.17'],
  ['armUnmapCheck', 'looks', '5a4a2cef08', '4.17'],
  ['p2mFreed', 'at-relinquish', 'e7aa55c0aa', '4.17', '4.16.3 4.15.4 4.14.6 4.13.5'],
  ['amdReassign', 'directly', '1fa6e9aa36', '4.17', '4.16.1 4.15.3 4.14.5 4.13.5'],
  ['refusedMapStatus', 'one', '863e74eb2c', '4.13', '4.12.1 4.11.2'],
  ['refusedMapStatus', 'negative', 'da0c66c8f4', '4.14', '4.13.1 4.12.3 4.11.4'],
  ['vtdReassign', 'quarantined-meanwhile', '319f9a0ba9', '4.13', '4.12.2 4.11.3'],
  ['vtdFlushRange', 'aligned-power', '5fe515a0fe', '4.14', '4.13.2 4.12.4'],
  ['sharedEptCaches', 'written-back', 'c23274fd04', '4.14', '4.13.2 4.12.4'],
  ['vtdAbsentTag', 'own', 'c5c84e9766', '4.16'],
  ['vtdWalkLine', 'with-rights', '8f009f13e9', '4.16'],
  ['amdFaultWalk', 'printed', '0e461c2d7f', '4.17'],
  ['amdFlushAll', 'if-modified', '79faa321f2', '4.17'],
  ['vtdNoDidErrno', 'EBUSY', 'bbcea43d83', '4.17'],
  ['vtdDomainIds', 'domid-if-it-fits', '0ea20d3647', '4.17'],
  ['vtdReassign', 'directly', '8f41e481b4', '4.17', '4.16.1 4.15.3 4.14.5 4.13.5'],
  ['amdDeviceFlush', 'entry-and-domain', '5fc98b9708', '4.18', '4.17.3 4.16.6 4.15.6'],
  ['amdLevels', 'by-width', '94039d97e2', '4.19'],
  ['emptyCopy', 'ignored', 'a4a790f432', '4.19'],
  ['createFlags', 'trap_unmapped_accesses', '980aff4e8f', '4.21'],
  ['x86CacheFlush', 'ENOSYS', '5642a6055c', '4.21'],
  ['pinnedCopy', 'compared', '52239dd76f', '4.22', '4.21.2 4.20.4 4.19.6 4.18.6 4.17.7'],
  ['smmuV3Driver', 'present', '452ddbe359', '4.15'],
  ['smmuStreamMappings', 'lost-on-detach', '0435784cc7', '4.16'],
  ['smmuStreamMappings', 'kept', 'fc151829ba', '4.17'],
  ['armPageAddedDying', 'ENOMEM', '3ebe773293', '4.17', '4.16.3 4.15.4 4.14.6 4.13.5'],
  ['armSharedFramePlaces', 'one', '71320946d5', '4.17'],
  ['smmuV3NoContext', 'ESRCH', 'a12d2d90d3', '4.21'],
  ['armIommuMap', 'any', '4cde4a552e', '4.21'],
  ['armDirectMap', 'flag', '75591dcfe0', '4.17'],
  ['assignExclusions', 'always', '91d4eca7ad', '4.12'],
  ['logDirtyExcludedBy', 'devices', 'f89f555827', '4.13'],
  ['quarantineModes', 'basic-or-scratch', '980d6acf15', '4.16'],
  ['sharingNeeds', 'vmx', 'b66e28226d', '4.14'],
  ['deviceRelease', 'once-last-errno', 'f591755823', '4.16', '4.15.1 4.14.3 4.13.4'],
  ['reservedRecord', 'after-mapping', 'c0e19d7c6c', '4.16', '4.15.1 4.14.3 4.13.4'],
  ['reservedLeave', 'goes-on', '192aaf7e14', '4.16', '4.15.2 4.14.4 4.13.5'],
  ['podExclusion', 'yes', 'ad4312d764', '4.17', '4.16.2 4.15.3'],
  ['brokenDevice', 'broken', '7b4b36fcba', '4.17'],
  ['deviceGroupErrno', 'as-found', '8518f96f13', '4.17'],
  ['reservedOrder', 'map-first', '78a40f8b5d', '4.17', '4.16.1 4.15.3 4.14.5 4.13.5'],
  ['quarantineTable', 'per-device', '14dd241aad', '4.17', '4.16.1 4.15.3 4.14.5 4.13.5'],
  ['dyingPagingOp', 'EINVAL', '4e0b4ccfc5', '4.18'],
  ['phantomFailure', 'fails-assign', 'cb4ecb3cc1', '4.19', '4.18.1 4.17.4 4.16.6 4.15.6'],
  ['deviceRelease', 'once-first-errno', '8862c7b8b6', '4.19'],
  ['pfRemoval', 'EBUSY', '4e18a39056', '4.20', '4.19.1'],
  ['vfWithoutPf', 'ENODEV', '8fe330a4da', '4.20'],
  ['reservedRecord', 'before-mapping', 'beadd68b54', '4.20', '4.19.1 4.18.3 4.17.5 4.16.7'],
  ['bootDomains', 'without-context', '1774e9b1df', '4.12'],
  ['bootDomains', 'module', '1f08b70159', '4.13'],
  ['bootStaticMemory', 'known', '487975df53', '4.16'],
  ['bootDomains', 'module-with-iommu', '02d552627c', '4.17'],
  ['bootDomains', 'property', '1d2b4f3049', '4.19'],
  ['bootDomains', 'capabilities', 'df68a4cb7e', '4.21'],
  ['armSetWay', 'p2m-invalidated', 'f253e88bec', '4.12'],
  ['armSetWay', 'undefined', '2b45ff6030', '4.16', '4.15.2 4.14.4'],
  ['hwdomMap', 'by-type', '0426787629', '4.12'],
  ['hwdomInclusiveDefault', 'off', 'b7e8dee07c', '4.12'],
  ['hwdomMap', 'without-interrupts', '991b9c6ff7', '4.13'],
  ['hwdomMap', 'read-only-mmio', '7158e80c88', '4.17'],
  ['hwdomMap', 'rangeset', '0e1bd15a1d', '4.19'],
  ['hwdomMap', 'rangeset-as-permitted', '62f3fc5296', '4.21', '4.20.1 4.19.2'],
];

const profileOf = (name: string): Profile => resolveEdition(name).profile;

/** Whether a release comes after the first one with a change, or after the backport to its branch. */
function isSince(release: Release, first: string, backports: string): boolean {
  if (release.minor >= parseRelease(first)!.minor) return true;
  return backports
    .split(' ')
    .flatMap((text) => parseRelease(text) ?? [])
    .some(({ minor, point }) => minor === release.minor && point <= release.point);
}

describe('a release', () => {
  it.each([...new Set(MATRIX.map(([behaviour]) => behaviour))])(
    'has of %s the last value that the matrix gives it',
    (behaviour) => {
      const rows = MATRIX.filter(([name]) => name === behaviour);
      for (const release of RELEASES) {
        const had = rows.filter(([, , , first, backports = '']) => isSince(release, first, backports));
        const wanted = had.at(-1)?.[1] ?? OLDEST[behaviour];
        expect([releaseName(release), profileOf(releaseName(release))[behaviour]]).toEqual([
          releaseName(release),
          wanted,
        ]);
      }
    },
  );

  it('has every change that the table files, and no change but these', () => {
    const filed = CHANGES.filter(({ release }) => release !== STAGING).flatMap(({ behaviours, commit }) =>
      Object.entries(behaviours).map(([name, value]) => `${name}=${value} ${commit.slice(0, 10)}`),
    );
    const known = MATRIX.map(([name, value, commit]) => `${name}=${value} ${commit}`);
    expect(new Set(filed)).toEqual(new Set(known));
  });

  it.each([
    ['4.12.4', 'need_sync'],
    ['4.13.2', 'need_sync'],
    ['4.13.3', 'CDF_iommu'],
    ['4.14.1', 'need_sync'],
    ['4.14.2', 'CDF_iommu'],
    ['4.11.4', 'need_iommu'],
    ['4.15', 'CDF_iommu'],
  ])('%s asks for an Arm grant’s IOMMU mapping by %s (seed 2: 4.12 was never mended)', (name, value) => {
    expect(profileOf(name).armGrantNeedsIommu).toBe(value);
  });

  it('4.11.1 has XSA-284, 285, 288 and 291, and 4.11.2 none of them but XSA-316; XSA-275 ends with 4.11.1', () => {
    const [before, after] = [profileOf('4.11.1'), profileOf('4.11.2')];
    expect(differences(before, after)).toEqual([
      'pvPageAdded',
      'lateMapRecheck',
      'typeRefOnIommuFailure',
      'refusedMapStatus',
      'transferCopy',
    ]);
    expect(differences(profileOf('4.11.0'), before)).toEqual([
      'l2EntryErrno',
      'armGrantVersion',
      'amdMapFlush',
    ]);
  });

  it('has the value of each behaviour that stands in its documentation', () => {
    for (const { name, profile } of [...distinctEditions(), resolveEdition(STAGING)]) {
      for (const behaviour of BEHAVIOUR_NAMES) {
        expect(Object.keys(BEHAVIOURS[behaviour].values), `${name} ${behaviour}`).toContain(
          profile[behaviour],
        );
      }
    }
  });
});

describe('a change', () => {
  it('gives behaviours documented values, by a commit of twelve digits with a title', () => {
    for (const { behaviours, commit, title, release, backports } of CHANGES) {
      expect(commit).toMatch(/^[0-9a-f]{12}$/);
      expect(title).not.toBe('');
      for (const [name, value] of Object.entries(behaviours)) {
        expect(Object.keys(BEHAVIOURS[name as BehaviourName].values)).toContain(value);
      }
      for (const text of backports) expect(parseRelease(text)).toBeDefined();
      expect(release === STAGING || parseRelease(release) !== undefined).toBe(true);
    }
  });

  it('stands after those of earlier releases, and is backported to branches before its own only', () => {
    const minor = (release: string) => (release === STAGING ? 99 : parseRelease(release)!.minor);
    expect(CHANGES.map(({ release }) => minor(release))).toEqual(
      CHANGES.map(({ release }) => minor(release)).sort((a, b) => a - b),
    );
    for (const { release, backports } of CHANGES) {
      for (const text of backports) expect(minor(text)).toBeLessThan(minor(release));
    }
  });

  it('makes every documented value some release’s or design’s', () => {
    const profiles = [
      OLDEST,
      ...distinctEditions().map(({ profile }) => profile),
      ...Object.values(DESIGNS),
      profileOf(STAGING),
    ];
    for (const behaviour of BEHAVIOUR_NAMES) {
      expect(new Set(profiles.map((profile) => profile[behaviour])), behaviour).toEqual(
        new Set(Object.keys(BEHAVIOURS[behaviour].values)),
      );
    }
  });
});

describe('the development tree', () => {
  it('is called staging, is no release, and alone has what no release has', () => {
    const { profile, release } = resolveEdition('staging');
    expect(release).toBeUndefined();
    expect(differences(profileOf('4.22'), profile)).toEqual(['vtdFaultLine']);
    for (const one of RELEASES) expect(contains(one, CHANGES.at(-1)!)).toBe(false);
  });
});

describe('an edition', () => {
  it.each([
    ['4.13', '4.13'],
    ['4.13.0', '4.13'],
    ['RELEASE-4.14.1', '4.14.1'],
    ['4.11', '4.11.0'],
    ['late-enable', 'late-enable'],
    ['staging', 'staging'],
  ])('%s is called %s', (text, name) => {
    expect(resolveEdition(text).name).toBe(name);
  });

  it.each(['4.23', '4.10', '4.22.1', 'nonsense', ''])(
    'that nobody knows, %j, is refused with all that are known',
    (text) => {
      expect(() => resolveEdition(text)).toThrow(InputError);
      try {
        resolveEdition(text);
      } catch (error) {
        const { code, file, hint } = (error as InputError).diagnostic;
        expect({ code, file }).toEqual({ code: 'unknown-release', file: '--xen' });
        expect(hint).toContain('4.22.0, and staging, late-enable, unified-checks, up-front');
      }
    },
  );

  it('that was misspelt is answered with the likely one', () => {
    const hint = (text: string) => {
      try {
        resolveEdition(text);
      } catch (error) {
        return (error as InputError).diagnostic.hint;
      }
      return undefined;
    };
    expect(hint('late-enabel')).toContain('did you mean `late-enable`?');
    expect(hint('upfront')).toContain('did you mean `up-front`?');
    expect(hint('4.23')).not.toContain('did you mean');
  });

  it('is distinct when it differs from the release before it on its branch; every x.y.0 is listed', () => {
    const names = distinctEditions().map(({ name }) => name);
    expect(names).toEqual([
      '4.11.0',
      '4.11.1',
      '4.11.2',
      '4.11.3',
      '4.11.4',
      '4.12',
      '4.12.1',
      '4.12.2',
      '4.12.3',
      '4.12.4',
      '4.13',
      '4.13.1',
      '4.13.2',
      '4.13.3',
      '4.13.4',
      '4.13.5',
      '4.14',
      '4.14.1',
      '4.14.2',
      '4.14.3',
      '4.14.4',
      '4.14.5',
      '4.14.6',
      '4.15',
      '4.15.1',
      '4.15.2',
      '4.15.3',
      '4.15.4',
      '4.15.6',
      '4.16',
      '4.16.1',
      '4.16.2',
      '4.16.3',
      '4.16.6',
      '4.16.7',
      '4.17',
      '4.17.3',
      '4.17.4',
      '4.17.5',
      '4.17.7',
      '4.18',
      '4.18.1',
      '4.18.3',
      '4.18.6',
      '4.19',
      '4.19.1',
      '4.19.2',
      '4.19.5',
      '4.19.6',
      '4.20',
      '4.20.1',
      '4.20.3',
      '4.20.4',
      '4.21',
      '4.21.1',
      '4.21.2',
      '4.22',
    ]);
  });
});

describe('the designs', () => {
  const { 'late-enable': late, 'unified-checks': unified, 'up-front': upFront } = DESIGNS;

  it('differ only in when a context comes to be and which pages it holds', () => {
    expect(differences(late!, unified!)).toEqual(['pvPageAddedTest', 'strictHwdomPages']);
    expect(differences(late!, upFront!)).toEqual(['iommuContext', 'strictHwdomPages']);
  });

  it('differ from the newest release in nothing else, so that no other bug gets into the argument', () => {
    const about = ['iommuContext', 'needSyncAfterTeardown', 'pvPageAddedTest', 'strictHwdomPages'];
    for (const [name, design] of Object.entries(DESIGNS)) {
      expect(
        differences(profileOf('4.22'), design).filter((one) => !about.includes(one)),
        name,
      ).toEqual([]);
    }
  });
});
