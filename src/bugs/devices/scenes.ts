/** Machines on which bugs of devices show: a guest, a device or two, and regions that their firmware needs. */

/** A PV guest with a page and a device of dom0's that could be its, which needs a page of its own. */
export const RESERVED_REGION = `
machine x86
ram 0x100..0x102
iommu vtd
dom0 pages=1
device nic 0000:03:00.0
reserved 0x80..0x80 nic
limits domains=2 grants=1 handles=1 va_slots=1 iotlb=4 gfns=2
createdomain guest iommu max_pages=2
populate_physmap guest 0x101
`;

/** The same behind AMD-Vi. */
export const UNITY_MAP = `
machine x86
ram 0x100..0x102
iommu amdvi
dom0 pages=1
device nic 0000:03:00.0
reserved 0x80..0x80 nic
limits domains=2 grants=1 handles=1 va_slots=1 iotlb=4 gfns=2
createdomain guest iommu max_pages=2
populate_physmap guest 0x101
`;

/** A guest without memory: nothing of its can fail but what is done with the device. */
export const BARE_GUEST = `
machine x86
ram 0x100..0x101
iommu vtd
dom0 pages=1
device nic 0000:03:00.0
limits domains=2 grants=1 handles=1 va_slots=1
createdomain guest iommu max_pages=0
`;

/** A guest without memory, and a device that sends under two requester ids; dom0 is held to its own memory. */
export const PHANTOM_FUNCTION = `
machine x86
ram 0x100..0x102
iommu vtd
dom0 strict pages=1
device nic 0000:03:00.0 phantom=4
limits domains=2 grants=1 handles=1 va_slots=1
createdomain guest iommu max_pages=0
`;

/** A guest, and a device whose firmware reads so much memory, aligned, that AMD-Vi maps it as one page. */
export const LARGE_PAGE = `
machine x86
ram 0x100..0x100
iommu amdvi
dom0 passthrough pages=0
device nic 0000:03:00.0
reserved 0x200..0x3ff nic access=ro
limits domains=2 grants=1 handles=1 va_slots=1 iotlb=1
createdomain guest iommu max_pages=0
`;
