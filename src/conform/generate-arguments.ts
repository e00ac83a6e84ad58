import type { Args, Stock } from './generate-stock.js';

const REFS = 3;
const VA_SLOTS = 4;
const ENTRIES = 3;

/** How often each operation comes up. DMA by QEMU's edu device takes a tenth of a second. */
export const WEIGHTS: Readonly<Record<string, number>> = {
  createdomain: 4,
  destroydomain: 1.5,
  populate_physmap: 14,
  decrease_reservation: 6,
  memory_exchange: 2,
  max_mem: 1,
  pin_l1_table: 6,
  pin_l2_table: 2,
  pin_l3_table: 1,
  pin_l4_table: 3,
  unpin_table: 7,
  mmu_update: 10,
  update_va_mapping: 14,
  store: 4,
  grant: 8,
  end_grant: 3,
  map_grant_ref: 9,
  unmap_grant_ref: 7,
  grant_copy: 4,
  grant_transfer: 2,
  accept_transfer: 2,
  grant_transitive: 1,
  swap_grant_ref: 1.5,
  grant_set_version: 2,
  grant_get_version: 0.7,
  grant_setup_table: 0.7,
  grant_query_size: 0.7,
  grant_get_status_frames: 0.7,
  assign_device: 7,
  test_assign_device: 2,
  deassign_device: 4,
  dma: 0.5,
};

/** An optional argument, said now and then. */
const sometimes = (g: Stock, probability: number, args: Args): Args => (g.chance(probability) ? args : {});

function withPage(g: Stock, domain: string, make: (page: string) => Args | undefined): Args | undefined {
  const page = g.page(domain);
  return page === undefined ? undefined : make(page);
}

const pin = (g: Stock): Args | undefined => {
  const domain = g.guestOrDom0();
  return withPage(g, domain, (page) => ({ domain, page }));
};

/** The entry of a page, and what it is to point to. */
function entryWrite(g: Stock): Args | undefined {
  const domain = g.guest();
  return withPage(g, domain, (table) => {
    const entry = `${table}[${g.below(ENTRIES)}]`;
    const page = g.chance(0.8) ? g.page(domain) : undefined;
    return { domain, entry, ...(page === undefined ? {} : { page, rights: g.rights() }) };
  });
}

function assignment(g: Stock): Args {
  const domain = g.chance(0.12) ? 'dom_io' : g.chance(0.05) ? 'dom0' : g.guest();
  const device = g.chance(0.05) ? 'absent' : g.device();
  return { domain, device };
}

/** One end of a copy: a page of the caller's, or a grant, mostly somebody else's. */
function copyEnd(g: Stock, domain: string, end: 'from' | 'to'): Args | undefined {
  const offset = sometimes(g, 0.3, { [`${end}_offset`]: 8 * g.below(ENTRIES) });
  if (g.chance(0.4)) return withPage(g, domain, (page) => ({ [end]: page, ...offset }));
  return { [`${end}_ref`]: g.below(REFS), [`${end}_domain`]: g.guest(), ...offset };
}

/** Arguments for each operation, or undefined when there is nothing yet that it could be about. */
export const ARGUMENTS: Readonly<Record<string, (g: Stock) => Args | undefined>> = {
  createdomain: (g) => {
    if (!g.canCreate) return undefined;
    const flags = [
      ...(g.chance(g.declaresIommu ? 0.8 : 0.03) ? ['iommu'] : []),
      ...(g.chance(0.03) ? ['hap'] : []),
    ];
    return {
      domain: g.freshName('g'),
      ...(flags.length > 0 ? { flags } : {}),
      ...sometimes(g, g.declaresIommu ? 0.1 : 0, { iommu_opts: g.chance(0.7) ? 1 : 2 }),
      ...sometimes(g, 0.02, { max_vcpus: 0 }),
      ...sometimes(g, 0.05, { domid: 1 + g.below(2) }),
      ...sometimes(g, 0.02, { raw_flags: 0x4000_0000 }),
      max_pages: g.chance(0.2) ? 3 : 12,
    };
  },
  destroydomain: (g) => ({ domain: g.chance(0.05) ? 'dom0' : g.guest() }),
  populate_physmap: (g) => ({ domain: g.guest(), page: g.freshName('P') }),
  decrease_reservation: (g) => {
    const domain = g.guestOrDom0();
    return withPage(g, domain, (page) => ({ domain, page }));
  },
  memory_exchange: (g) => {
    const domain = g.guest();
    return withPage(g, domain, (page) => ({ domain, page, newpage: g.freshName('P') }));
  },
  max_mem: (g) => ({ domain: g.guest(), pages: 2 + g.below(12) }),
  pin_l1_table: pin,
  pin_l2_table: pin,
  pin_l3_table: pin,
  pin_l4_table: pin,
  unpin_table: pin,
  mmu_update: entryWrite,
  store: entryWrite,
  update_va_mapping: (g) => {
    const domain = g.guestOrDom0();
    const va = g.below(VA_SLOTS);
    if (g.chance(0.3)) return { domain, va };
    const foreign = domain === 'dom0' && g.chance(0.7) ? g.guest() : undefined;
    return withPage(g, foreign ?? domain, (page) => ({
      domain,
      va,
      page,
      rights: g.rights(),
      ...(foreign === undefined ? {} : { of: foreign }),
    }));
  },
  grant: (g) => {
    const domain = g.guest();
    return withPage(g, domain, (page) => ({
      domain,
      ref: g.below(REFS),
      to: g.mapper(),
      page,
      ...(g.chance(0.3) ? { flags: ['readonly'] } : {}),
    }));
  },
  end_grant: (g) => ({ domain: g.guest(), ref: g.below(REFS) }),
  map_grant_ref: (g) => {
    const where = g.chance(0.7) ? ['host'] : g.chance(0.5) ? ['device'] : ['host', 'device'];
    return {
      domain: g.mapper(),
      handle: g.freshName('h'),
      granter: g.guest(),
      ref: g.chance(0.03) ? 5000 : g.below(REFS),
      flags: [...where, ...(g.chance(0.35) ? ['readonly'] : [])],
    };
  },
  unmap_grant_ref: (g) => {
    const handle = g.handle();
    if (handle === undefined) return undefined;
    const { domain, name } = handle;
    if (g.chance(0.15)) return { domain, handle: name, flags: [g.chance(0.5) ? 'host' : 'device'] };
    // The bus address may be any page's: Xen looks whether it is the mapping's.
    const address = g.chance(0.15) ? g.page(g.guest()) : undefined;
    return { domain, handle: name, ...(address === undefined ? {} : { dev_bus_addr: address }) };
  },
  grant_copy: (g) => {
    const domain = g.mapper();
    const [from, to] = [copyEnd(g, domain, 'from'), copyEnd(g, domain, 'to')];
    // Whole entries: half of one would name another frame on each side.
    return from === undefined || to === undefined ? undefined : { domain, ...from, ...to, length: 8 };
  },
  grant_transfer: (g) => {
    const domain = g.mapper();
    return withPage(g, domain, (page) => ({ domain, page, to: g.guest(), ref: g.below(REFS) }));
  },
  accept_transfer: (g) => ({ domain: g.guest(), ref: g.below(REFS), from: g.mapper() }),
  grant_transitive: (g) => ({
    domain: g.guest(),
    ref: g.below(REFS),
    to: g.mapper(),
    via: g.guest(),
    viaref: g.below(REFS),
    ...sometimes(g, 0.3, { flags: ['readonly'] }),
  }),
  swap_grant_ref: (g) => g.byVcpu((domain) => ({ domain, a: g.below(REFS), b: g.below(REFS) })),
  // Nothing that makes Xen take memory: it may take a page that the program has given back and still names.
  grant_set_version: (g) => g.byVcpu((domain) => ({ domain, version: g.chance(0.3) ? 3 : 1 })),
  grant_get_version: (g) => g.byVcpu((domain) => ({ domain, ...sometimes(g, 0.3, { of: g.guest() }) })),
  grant_setup_table: (g) =>
    g.byVcpu((domain) => ({ domain, frames: g.below(2), ...sometimes(g, 0.2, { of: g.guest() }) })),
  grant_query_size: (g) => g.byVcpu((domain) => ({ domain, ...sometimes(g, 0.3, { of: g.guest() }) })),
  grant_get_status_frames: (g) =>
    g.byVcpu((domain) => ({ domain, frames: g.below(3), ...sometimes(g, 0.2, { of: g.guest() }) })),
  assign_device: (g) => ({ ...assignment(g), ...sometimes(g, 0.08, { flags: g.chance(0.5) ? 1 : 0xff }) }),
  test_assign_device: assignment,
  deassign_device: assignment,
  dma: (g) => {
    const device = g.edu();
    return withPage(g, g.guest(), (page) => ({
      device,
      access: g.chance(0.5) ? 'read' : 'write',
      address: `${page}+0x${(8 * g.below(512)).toString(16)}`,
    }));
  },
};
