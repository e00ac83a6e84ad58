/** Machines on which several bugs of memory operations show. */

/** A guest with a device and no page yet. */
export const GUEST_WITHOUT_PAGES = `
machine x86
ram 0x100..0x102
iommu vtd no-sharept
dom0 pages=1
device nic 0000:03:00.0
limits domains=2 grants=1 handles=1 gfns=2
createdomain guest hvm hap iommu max_pages=2
assign_device guest nic
`;

/** Two Arm guests: the toolstack can show one a page of the other. */
export const ARM_NEIGHBOUR = `
machine arm
ram 0x100..0x103
dom0 pages=1
device nic /ethernet@ff0e0000 stream=0x877 withheld
limits domains=3 grants=0 gfns=2
createdomain guest iommu max_pages=1
createdomain other max_pages=1
populate_physmap guest 0x101 gfn=0
populate_physmap other 0x102 gfn=0
assign_device guest nic
`;

/** A guest with a page, one that can be populated on demand. */
export const ON_DEMAND = `
machine x86
ram 0x100..0x103
dom0 pages=1
limits domains=2 grants=0 gfns=2
createdomain guest hvm hap max_pages=3
populate_physmap guest 0x101 gfn=0
`;
