import { describe, expect, it } from 'vitest';
import { GNTMAP } from '../formats/grant-v1.js';
import { type BootDomain, IGNORED, makeBootDomain, PANIC } from './boot-domain.js';
import { deviceOwner } from './devices.js';
import { writeGrantEntry } from './grant-entry.js';
import { gnttabNeedsIommu } from './grant-iommu.js';
import { mapGrantRef } from './grant-map.js';
import {
  arm,
  assign,
  broken,
  dma,
  domain,
  ETH,
  type MachineOptions,
  populate,
  RAM,
  reach,
} from './machine.fixture.js';
import { p2mLookup } from './p2m.js';

const GUEST_RAM = 0x40000;
const NODE: BootDomain = {
  passthrough: undefined,
  module: false,
  staticMemory: -1,
  directMap: false,
  hardware: false,
  pages: 2,
  device: -1,
  force: false,
};

function made(release: string, node: Partial<BootDomain>, options: MachineOptions = {}) {
  const xen = arm(release, { withheld: [0], ...options });
  const slot = makeBootDomain(xen, { ...NODE, ...node });
  const context = slot >= 0 && xen.domain.cdfIommu.get(slot) !== 0;
  return {
    xen,
    slot,
    context,
    answer: slot === PANIC ? xen.hostBug : slot === IGNORED ? 'ignored' : context,
  };
}

describe('a domain of the device tree', () => {
  it('is not looked at up to 4.11, and has its memory from guest frame 0x40000 since', () => {
    expect(made('4.11.0', {}).slot).toBe(IGNORED);
    for (const release of ['4.12', '4.13', '4.17', '4.22']) {
      const { xen, slot } = made(release, {});
      expect([slot, p2mLookup(xen, slot, GUEST_RAM + 1)], release).toEqual([1, RAM + 2]);
    }
  });

  const CONTEXTS: readonly (readonly [release: string, Partial<BootDomain>, 'on' | 'off', unknown])[] = [
    ['4.12', { module: true, passthrough: 'enabled' }, 'on', false],
    ['4.13', { module: true }, 'on', true],
    ['4.13', { passthrough: 'enabled' }, 'on', false],
    ['4.16', { module: true }, 'off', 'panic: a domain of the device tree could not be made'],
    ['4.17', { module: true }, 'off', false],
    ['4.18', { passthrough: 'enabled' }, 'on', false],
    ['4.19', { passthrough: 'enabled' }, 'on', true],
    ['4.19', { passthrough: 'enabled' }, 'off', false],
    ['4.19', { passthrough: 'disabled' }, 'on', false],
    ['4.19', { passthrough: 'disabled', module: true }, 'on', true],
    ['4.22', {}, 'on', false],
  ];
  it.each(CONTEXTS)('in %s with %o, IOMMU %s: context %s', (release, node, iommu, answer) => {
    expect(made(release, node, { iommu }).answer).toBe(answer);
  });

  it('gets the device of its partial device tree, or Xen does not boot', () => {
    const { xen, slot } = made('4.22', { module: true, device: 0 });
    expect([deviceOwner(xen, 0), dma(xen, 0, 'write', GUEST_RAM * 4096)]).toEqual([slot, 'ok']);
    expect(made('4.22', { module: true, device: 0 }, { withheld: [] }).answer).toBe(
      'panic: a domain of the device tree could not be made',
    );
    const unprotected = { devices: [{ ...ETH, requester: -1 }] };
    expect(made('4.22', { module: true, device: 0 }, unprotected).slot).toBe(PANIC);
    expect(made('4.22', { module: true, device: 0, force: true }, unprotected).answer).toBe(true);
    // The device stands in the partial device tree: without one, it is not looked at.
    expect(deviceOwner(made('4.22', { device: 0 }).xen, 0)).toBe(-1);
  });
});

describe('a direct-mapped domain of the device tree (§9 items 1, 8)', () => {
  const STATIC = { staticMemory: RAM + 8, directMap: true } as const;

  it('has static memory at its own frames since 4.17; before, direct-map is not known', () => {
    const { xen, slot } = made('4.17', STATIC);
    expect([xen.domain.directMapped.get(slot), p2mLookup(xen, slot, RAM + 9)]).toEqual([1, RAM + 9]);
    const before = made('4.16', STATIC);
    expect([before.xen.domain.directMapped.get(1), p2mLookup(before.xen, 1, GUEST_RAM)]).toEqual([
      0,
      RAM + 8,
    ]);
    const earlier = made('4.15', STATIC);
    expect(p2mLookup(earlier.xen, 1, GUEST_RAM)).toBe(RAM + 1);
  });

  it('without static memory is a panic, as is static memory that is no free RAM', () => {
    expect(made('4.17', { directMap: true }).answer).toBe('panic: direct-map without static memory');
    expect(made('4.17', { staticMemory: RAM }).answer).toBe(
      'panic: a domain of the device tree could not be made',
    );
  });

  it('with a context is given granted pages at DFN = MFN, like dom0', () => {
    const { xen, slot } = made('4.19', { ...STATIC, passthrough: 'enabled' });
    expect([gnttabNeedsIommu(xen, slot), gnttabNeedsIommu(xen, 0)]).toEqual([true, true]);
    expect(assign(xen, slot)).toBe('ok');
    const guest = domain(xen);
    const page = xen.ram.frameAt(populate(xen, guest, 1, 5));
    writeGrantEntry(xen, guest, 8, slot, 5, true);
    expect(mapGrantRef(xen, slot, guest, 8, GNTMAP.host | GNTMAP.readonly, 0x2000)).toBe(0);
    expect([reach(xen, 0, page), broken(xen)]).toEqual(['r-', []]);
  });

  it('without a context is not', () => {
    const { xen, slot } = made('4.22', STATIC);
    expect(gnttabNeedsIommu(xen, slot)).toBe(false);
  });
});

describe('the hardware domain of the device tree', () => {
  const alone: MachineOptions = { noDom0: true, dom0Pages: 0, withheld: [] };
  const HARDWARE = { hardware: true } as const;

  it('is one since 4.21, gets dom0’s devices and needs no direct map', () => {
    const { xen, slot, context } = made('4.21', HARDWARE, alone);
    expect([slot, context, deviceOwner(xen, 0), xen.domain.directMapped.get(0)]).toEqual([0, true, 0, 0]);
    expect(gnttabNeedsIommu(xen, 0)).toBe(false);
    expect(made('4.20', HARDWARE, alone).slot).toBe(1);
  });

  it('may be direct-mapped, then also without an IOMMU', () => {
    const node = { ...HARDWARE, staticMemory: RAM, directMap: true };
    const { xen, slot } = made('4.22', node, { ...alone, iommu: 'off' });
    expect([slot, xen.domain.directMapped.get(0), p2mLookup(xen, 0, RAM)]).toEqual([0, 1, RAM]);
  });

  it.each([
    [{}, { withheld: [] }, 'panic: a second hardware domain'],
    [{ passthrough: 'enabled' }, alone, 'panic: passthrough said of the hardware domain'],
    [{ passthrough: 'disabled' }, alone, 'panic: passthrough said of the hardware domain'],
    [{}, { ...alone, iommu: 'off' }, 'panic: hardware domain neither direct-mapped nor behind an IOMMU'],
    [{ module: true }, alone, 'panic: a device tree module for the hardware domain'],
    [{ directMap: true }, alone, 'panic: direct-map without static memory'],
  ] as const)('with %o on %o is a panic', (node, options, panic) => {
    expect(made('4.22', { ...HARDWARE, ...node }, options).answer).toBe(panic);
  });
});
