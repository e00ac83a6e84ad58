/** Machines on which bugs of grants show: a granter, somebody who maps, a device of the latter. */

/** What the scenes with a PV guest and a backend in dom0 begin with; dom0 has the network card, behind its own tables. */
const BACKEND = `
machine x86
ram 0x100..0x102
iommu vtd
dom0 strict pages=1
device nic 0000:03:00.0
`;

/** A PV guest with one page, and a backend in a strict dom0; a second page is free. */
export const BACKEND_AND_GUEST = `${BACKEND}
limits domains=2 grants=1 handles=1 va_slots=1
createdomain guest max_pages=2
populate_physmap guest 0x101
`;

/** The same with two grants and two handles each. */
export const BACKEND_WITH_TWO_HANDLES = `${BACKEND}
limits domains=2 grants=2 handles=2 va_slots=1
createdomain guest max_pages=2
populate_physmap guest 0x101
`;

/** The same guest with EPT, whose pages are known by guest frame numbers. */
export const BACKEND_AND_HVM_GUEST = `${BACKEND}
limits domains=2 grants=1 handles=1 va_slots=1 gfns=2
createdomain guest hvm hap max_pages=2
populate_physmap guest 0x101 gfn=0
`;

/** Only grants: no page tables, no devices that come and go. */
export const ONLY_GRANTS = { levels: [], entries: 0, hotplug: false, selfGrants: false } as const;

/** An Arm guest, and a direct-mapped dom0 with a device. */
export const ARM_BACKEND = `
machine arm
ram 0x100..0x102
iommu smmu
dom0 pages=1
device eth /ethernet@ff0e0000 stream=0x877
limits domains=2 grants=1 handles=1 gfns=3
createdomain guest max_pages=2
populate_physmap guest 0x101 gfn=0
`;

/** A translated guest with its page at guest frame 0, where the number of a grant could be taken for a frame’s. */
export const HVM_MIDDLEMAN = BACKEND_AND_HVM_GUEST;

/** A translated guest with a device; status frames stand in Xen's heap. */
export const HVM_WITH_DEVICE = `
machine x86
ram 0x100..0x101
iommu vtd
dom0 pages=1
device nic 0000:03:00.0
limits domains=2 grants=1 handles=1 va_slots=1 gfns=2
createdomain guest hvm hap iommu max_pages=1
populate_physmap guest 0x101 gfn=0
assign_device guest nic
`;

/** A guest with a page beyond 32 bits of frame number, and one with a device that could get it. */
export const HIGH_PAGE = `
machine x86
ram 0x100..0x101
ram 0x100000000..0x100000000
iommu vtd
dom0 pages=1
device nic 0000:03:00.0
limits domains=3 grants=1 handles=1 va_slots=1
createdomain giver max_pages=2
populate_physmap giver 0x100000000
createdomain taker iommu max_pages=2
assign_device taker nic
`;

/** A guest with two pages, of which one can become a page table, and a backend that has a page to copy from. */
export const BACKEND_WITH_PAGES = `
machine x86
ram 0x100..0x102
iommu vtd
dom0 pages=1
limits domains=2 grants=1 handles=1 va_slots=1
createdomain guest max_pages=2
populate_physmap guest 0x101
populate_physmap guest 0x102
`;

/** A guest, and a backend whose CPUs make two hypercalls at a time. */
export const RACING_BACKEND = `
machine x86
ram 0x100..0x101
iommu vtd
dom0 pages=1
limits domains=2 grants=1 handles=2 va_slots=1 calls=2
createdomain guest max_pages=1
populate_physmap guest 0x101
`;

/** A guest, and a backend whose CPU remembers what it can write. */
export const REMEMBERING_BACKEND = `
machine x86
ram 0x100..0x101
iommu vtd
dom0 pages=1
limits domains=2 grants=1 handles=1 va_slots=1 calls=1 cpu_tlb=2
createdomain guest max_pages=1
populate_physmap guest 0x101
`;

/** A guest whose page another one, with a table of version 2, can pass on to a backend. */
export const MIDDLEMAN = `
machine x86
ram 0x100..0x102
iommu vtd
dom0 pages=1
limits domains=3 grants=1 handles=1 va_slots=1 calls=2
createdomain owner max_pages=1
populate_physmap owner 0x101
createdomain middle max_pages=1
populate_physmap middle 0x102
grant_set_version middle 2
`;

/** A translated guest with a device, a table of version 2, and no memory yet; two requests can be under way. */
export const HVM_WITH_STATUS_FRAMES = `
machine x86
ram 0x100..0x101
iommu vtd
dom0 pages=1
device nic 0000:03:00.0
limits domains=2 grants=1 handles=1 va_slots=1 gfns=2 calls=2
createdomain guest hvm hap iommu max_pages=1
assign_device guest nic
grant_set_version guest 2
`;

/** Two PV guests with a page each, and CPUs that remember what they can write. */
export const TWO_PV_GUESTS = `
machine x86
ram 0x100..0x101
iommu vtd
dom0 pages=0
limits domains=3 grants=1 handles=1 va_slots=1 cpu_tlb=2
createdomain giver max_pages=1
populate_physmap giver 0x100
createdomain taker max_pages=2
populate_physmap taker 0x101
`;
