import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArrayImage } from '../src/audit/image.fixture.js';
import { Inputs } from '../src/audit/inputs.js';
import { givenRoot } from '../src/audit/root-address.js';
import type { FoundRoot } from '../src/audit/roots.js';
import type { AuditedDevice, Survey } from '../src/audit/survey.js';
import { surveyMachine } from '../src/audit/survey-machine.js';
import { R, type Rights, W } from '../src/formats/address.js';
import { AmdviUnit } from '../src/hardware/amdvi-unit.js';
import type { IommuUnit } from '../src/hardware/iommu.js';
import { Ram } from '../src/hardware/ram.js';
import { SmmuV3Unit } from '../src/hardware/smmuv3-unit.js';
import { FULL_VTD } from '../src/hardware/vtd-capabilities.js';
import { VtdUnit } from '../src/hardware/vtd-unit.js';
import { Store } from '../src/store/store.js';
import { Layout } from '../src/store/table.js';

/** Frames of memory: the device tables lie from frame 1 on, page tables from TABLES on. */
const FRAMES = 24;
const TABLES = 6;
/** Where tables have entries; everything else is zero. */
const INDEXES = [0, 1, 2, 3, 255, 511] as const;

/** One bit in `chance`. */
type Draw = (chance: number) => boolean;
interface Source {
  readonly below: (limit: number) => number;
  readonly one: Draw;
}

/** Draws from a seed, the same for the same seed. */
function source(seed: number): Source {
  let state = (seed ^ 0x9e37_79b9) | 1;
  const below = (limit: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 4) % limit;
  };
  return { below, one: (chance) => below(chance) === 0 };
}

/** A frame that an entry names: mostly a table, now and then one at the edge of memory, or aligned as large pages are. */
function someFrame({ below, one }: Source): bigint {
  if (one(6)) return BigInt([0, 512, 1024, 512 * 512, 0x10_0000, 255, 511, 7][below(8)]!);
  return BigInt(TABLES + below(FRAMES - TABLES + (one(8) ? 3 : 0)));
}

interface Hardware {
  readonly root: FoundRoot;
  readonly requesters: readonly number[];
  readonly levels: number;
  unit(layout: Layout, ram: Ram): IommuUnit;
  /** Entries of devices. */
  devices(image: ArrayImage, source: Source): void;
  /** One entry of a page table. */
  entry(source: Source): bigint;
}

const bits = (low: number, value: number | bigint): bigint => BigInt(value) << BigInt(low);

/** VT-d 5.10: §9.1 root entry, §9.3 context entry, §9.8 second-level entries, spelled out bit by bit. */
const VTD: Hardware = {
  root: {
    ...givenRoot('0x1000'),
    capabilities: {
      levels: [3, 4],
      passThrough: true,
      deviceTlbs: false,
      superpageLevel: 3,
      snoopControl: true,
    },
  },
  requesters: [0, 1, 2, 3, 0x300, 0x301],
  levels: 4,
  unit(layout, ram) {
    const unit = new VtdUnit(layout, ram, 4, { capabilities: FULL_VTD });
    unit.enable(1);
    return unit;
  },
  devices(image, source) {
    const { below, one } = source;
    image.write64(0x1000, bits(12, 2) | bits(0, one(8) ? 0 : 1));
    image.write64(0x1000 + 3 * 16, bits(12, 3) | 1n | bits(1, one(12) ? 1 : 0));
    for (const table of [2, 3]) {
      for (let function_ = 0; function_ < 4; function_++) {
        const at = table * 4096 + function_ * 16;
        const type = one(3) ? below(4) : 0;
        image.write64(
          at,
          (someFrame(source) * 4096n) | bits(2, type) | bits(0, one(8) ? 0 : 1) | bits(4, one(20) ? 1 : 0),
        );
        image.write64(
          at + 8,
          bits(0, one(4) ? below(8) : 1 + below(2)) | bits(8, 1 + below(3)) | bits(7, one(20) ? 1 : 0),
        );
      }
    }
  },
  entry(source) {
    const { below, one } = source;
    const large = one(5) ? 1 : 0;
    return (
      bits(12, someFrame(source)) |
      bits(0, one(4) ? below(4) : 3) |
      bits(7, large) |
      bits(11, one(16) ? 1 : 0) |
      bits(3, one(8) ? below(16) : 0) |
      bits(52, one(8) ? below(4096) : 0)
    );
  },
};

/** AMD IOMMU 3.08: §2.2.2.1 device table entry, §2.2.3 I/O page tables. */
const AMDVI: Hardware = {
  root: givenRoot('amdvi:0x1000'),
  requesters: [0, 1, 2, 3, 64, 127],
  levels: 6,
  unit(layout, ram) {
    const unit = new AmdviUnit(layout, ram, 4, 128);
    unit.enable(1);
    return unit;
  },
  devices(image, source) {
    const { below, one } = source;
    for (const requester of AMDVI.requesters) {
      const at = 0x1000 + requester * 32;
      const valid = one(8) ? below(4) : 3;
      const rights = one(4) ? below(4) : 3;
      const low = bits(0, valid) | bits(9, below(8)) | bits(2, one(20) ? 1 : 0) | bits(63, one(20) ? 1 : 0);
      image.write64(at, low | (someFrame(source) << 12n) | bits(61, rights));
      image.write64(at + 8, bits(0, 1 + below(3)) | bits(42, one(20) ? 1 : 0));
    }
  },
  entry(source) {
    const { below, one } = source;
    const next = one(3) ? below(8) : one(4) ? 0 : 1 + below(5);
    return (
      bits(12, one(6) ? bits(0, below(0x10_0000)) : someFrame(source)) |
      bits(0, one(8) ? 0 : 1) |
      bits(9, next) |
      bits(61, one(4) ? below(4) : 3) |
      bits(52, one(24) ? below(512) : 0)
    );
  },
};

/** S2T0SZ and S2SL0 that both the architecture and the model's unit have: 32, 36, 40, 42, 44 and 48 bits. */
const WIDTHS = [
  [32, 1],
  [28, 1],
  [24, 1],
  [22, 1],
  [20, 2],
  [16, 2],
] as const;

/** IHI 0070F §5.2 stream table entry; Arm ARM DDI 0487 §D8.3 stage-2 descriptors. */
const SMMUV3: Hardware = {
  root: givenRoot('smmuv3:0x1000/0x6'),
  requesters: [0, 1, 2, 3, 62, 63],
  levels: 4,
  unit(layout, ram) {
    const unit = new SmmuV3Unit(layout, ram, 4, 6);
    // The table is the test's; the unit would fill it with entries that abort.
    const before = Array.from({ length: 1024 }, (_, i) => ram.read32(0x1000 + i * 4));
    unit.setStreamTable(1);
    before.forEach((word, i) => {
      ram.write32(0x1000 + i * 4, word);
    });
    return unit;
  },
  devices(image, source) {
    const { below, one } = source;
    for (const stream of SMMUV3.requesters) {
      const at = 0x1000 + stream * 64;
      const config = one(5) ? [0, 4][below(2)]! : 6;
      const [t0sz, sl0] = WIDTHS[below(WIDTHS.length)]!;
      image.write64(at, bits(0, one(10) ? 0 : 1) | bits(1, config));
      image.write64(
        at + 16,
        bits(0, 1 + below(3)) |
          bits(32, t0sz) |
          bits(38, sl0) |
          bits(48, one(3) ? 0 : 5) |
          bits(51, 1) |
          bits(58, 1),
      );
      image.write64(at + 24, someFrame(source) << 12n);
    }
  },
  entry(source) {
    const { below, one } = source;
    return (
      bits(12, someFrame(source)) |
      bits(0, one(5) ? below(4) : 3) |
      bits(6, one(3) ? below(4) : 3) |
      bits(10, one(4) ? 0 : 1) |
      bits(53, one(8) ? below(4) : 0)
    );
  },
};

/** Memory with random tables: device tables by the hardware, then page tables with entries at {@link INDEXES}. */
function randomMachine(hardware: Hardware, seed: number): ArrayImage {
  const image = new ArrayImage(FRAMES);
  const draw = source(seed);
  hardware.devices(image, draw);
  for (let frame = TABLES; frame < FRAMES; frame++) {
    for (const index of INDEXES) {
      if (!draw.one(4)) image.write64(frame * 4096 + index * 8, hardware.entry(draw));
    }
  }
  return image;
}

/** Device frames worth trying: paths through the indexes that have entries, and places beside them. */
function inputs({ levels }: Hardware, draw: Source, count: number): number[] {
  return Array.from({ length: count }, () => {
    let input = 0;
    const depth = draw.one(2) ? levels : 1 + draw.below(levels);
    for (let level = 0; level < depth; level++) {
      const index = draw.one(6) ? draw.below(512) : INDEXES[draw.below(INDEXES.length)]!;
      input = input * 512 + index;
    }
    return input;
  });
}

/** What the audit says of one frame of a device's addresses. */
function audited(survey: Survey, device: AuditedDevice | undefined, input: number) {
  const nothing: { frame: number; rights: Rights } = { frame: -1, rights: 0 };
  if (device === undefined || device.translation === 'blocked') return nothing;
  // Of what passes, a VT-d unit refuses addresses beyond the widest tables, where no memory is.
  if (device.translation === 'passthrough' && device.domainId !== null && input >= 2 ** 27) return undefined;
  if (device.translation === 'passthrough') return { frame: input, rights: device.rights & (R | W) };
  const found = new Inputs(survey.spaces[device.space!]!.ranges);
  found.find(input);
  const rights = found.rights & device.rights & (R | W);
  return rights === 0 ? nothing : { frame: found.frame, rights };
}

describe.each([
  ['VT-d', VTD],
  ['AMD-Vi', AMDVI],
  ['SMMUv3', SMMUV3],
])('random tables of %s', (_, hardware) => {
  it('are audited as the hardware goes through them, access by access', () => {
    let reached = 0;
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const image = randomMachine(hardware, seed);
        const survey = surveyMachine(image, [hardware.root]);
        const store = new Store();
        const ram = new Ram(store, [{ base: 0, count: FRAMES }]);
        for (let pa = 0; pa < FRAMES * 4096; pa += 4) {
          const word = image.read32(pa);
          if (word !== 0) ram.write32(pa, word);
        }
        const unit = hardware.unit(new Layout(store), ram);
        const draw = source(seed ^ 0x5555);
        for (const requester of hardware.requesters) {
          const device = survey.devices.find((each) => each.requester === requester);
          for (const input of inputs(hardware, draw, 60)) {
            const rights = [R, W].reduce((sum, right) => {
              unit.iotlb.invalidateAll();
              return unit.translate(requester, input * 4096, right === W) ? sum | right : sum;
            }, 0);
            const frame = rights === 0 ? -1 : unit.frame;
            if (frame >= 0 && device?.translation === 'translated') reached++;
            const said = audited(survey, device, input);
            if (said === undefined) continue;
            expect({ requester, input, ...said }).toEqual({ requester, input, frame, rights });
          }
        }
      }),
      { numRuns: 120 },
    );
    expect(reached).toBeGreaterThan(500);
  });
});
