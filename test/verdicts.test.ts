import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { DEFAULT_ALPHABET } from '../src/program/alphabet-bounds.js';
import { type ConfigMachine, programOfConfigs } from '../src/program/configs-program.js';
import { loadProgram } from '../src/program/load.js';
import { verifyProgram } from '../src/program/verify.js';
import { resolveEdition } from '../src/xen/editions/edition.js';

/** What the search says of example configs, release by release: invariants that do not hold. */
const BOUNDS = { ...DEFAULT_ALPHABET, pages: 2, search: { maxStates: 2e5, deeper: 1 } };

async function broken(
  config: string,
  release: string,
  host: Partial<ConfigMachine> = {},
  bounds = BOUNDS,
): Promise<string> {
  const edition = resolveEdition(release);
  const file = fileURLToPath(new URL(`../examples/${config}`, import.meta.url));
  const machine: ConfigMachine = {
    arch: 'x86',
    iommu: 'vtd',
    dom0Mode: 'relaxed',
    sharept: true,
    quarantine: true,
    ...host,
  };
  const { program } = programOfConfigs([file], machine, bounds, edition);
  const { verdict, counterexamples } = await verifyProgram(program, edition, bounds);
  return counterexamples.length > 0
    ? [...new Set(counterexamples.map(({ invariant }) => invariant.id))].join(' ')
    : verdict;
}

describe('an Arm guest with a device', () => {
  const arm = { arch: 'arm', iommu: 'smmu' } as const;
  it.each([
    ['4.11.0', 'safe'],
    ['4.12', 'I19'],
    ['4.13.2', 'I19'],
    ['4.13.3', 'safe'],
    ['4.14.1', 'I19'],
    ['4.14.2', 'safe'],
    ['4.15', 'safe'],
    ['4.22', 'safe'],
  ])('on %s: %s', async (release, expected) => {
    expect(await broken('arm-guest.cfg', release, arm)).toBe(expected);
  });
});

describe('an HVM guest with a device', () => {
  it.each(['4.11.0', '4.12', '4.13', '4.17', '4.22'])(
    'is safe on %s, its tables shared with the p2m',
    async (release) => {
      expect(await broken('guest-hvm-share.cfg', release)).toBe('safe');
    },
  );
});

describe('a PV guest with a network card', () => {
  it.each([
    ['4.11.0', 'I2 REACH I13 I1'],
    ['4.12', 'I13 I1'],
    ['4.13.2', 'I13 I1'],
    ['4.14.1', 'I13 I1'],
  ])('on %s: %s', async (release, expected) => {
    expect(await broken('guest-pv-nic.cfg', release)).toBe(expected);
  });

  it.each([
    ['4.13.3', 'safe'],
    ['4.14.2', 'safe'],
    ['4.17', 'safe'],
    ['4.22', 'safe'],
    ['late-enable', 'livelock'],
    ['up-front', 'safe'],
  ])('with one page: %s is %s', async (release, expected) => {
    expect(await broken('guest-pv-nic.cfg', release, {}, { ...BOUNDS, pages: 1 })).toBe(expected);
  });
});

describe('the same behind AMD-Vi', () => {
  const amd = { iommu: 'amdvi' } as const;
  it.each([
    ['4.11.0', 'I2 REACH I13 I1'],
    ['4.13.2', 'I13 I1'],
  ])('on %s: %s', async (release, expected) => {
    expect(await broken('guest-pv-nic.cfg', release, amd)).toBe(expected);
  });

  it.each(['4.13.3', '4.15', '4.17', '4.22', 'up-front'])('with one page is safe on %s', async (release) => {
    expect(await broken('guest-pv-nic.cfg', release, amd, { ...BOUNDS, pages: 1 })).toBe('safe');
  });
});

describe('two CPUs and a page that changes its type (XSA-401)', () => {
  const verdictOf = async (release: string): Promise<string> => {
    const edition = resolveEdition(release);
    const scene = loadProgram(fileURLToPath(new URL('../examples/type-race-scene.dommu', import.meta.url)));
    const bounds = {
      ...BOUNDS,
      refs: 0,
      levels: [1],
      hotplug: false,
      steps: true,
      search: { ...BOUNDS.search, deeper: 3 },
    };
    const { verdict, counterexamples } = await verifyProgram(scene, edition, bounds);
    return [verdict, ...new Set(counterexamples.map(({ invariant }) => invariant.id))].join(' ');
  };
  it.each([
    ['4.13', 'unsafe INV-CPU-WRITE I1'],
    ['4.13.5', 'safe'],
    ['4.16.1', 'unsafe INV-CPU-WRITE I1'],
    ['4.16.2', 'safe'],
    ['4.17', 'safe'],
    ['4.22', 'safe'],
  ])('on %s: %s', async (release, expected) => {
    expect(await verdictOf(release)).toBe(expected);
  });
});
