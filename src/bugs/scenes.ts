/** Machines on which several bugs show: a guest, its device, as few pages as will do. */

/** A PV guest with two pages of three and a network card. */
export const PV_GUEST = `
machine x86
ram 0x100..0x103
iommu vtd
dom0 pages=1
device nic 0000:03:00.0
limits domains=2 grants=1 handles=1 va_slots=1
createdomain guest iommu max_pages=3
populate_physmap guest 0x101
populate_physmap guest 0x102
assign_device guest nic
`;

/** A PV guest without devices, with one page, whose CPUs have TLBs and can be in the middle of a hypercall. */
export const PV_GUEST_RACING = `
machine x86
ram 0x100..0x101
dom0 pages=1
limits domains=2 grants=1 handles=1 va_slots=1 cpu_tlb=4
createdomain guest max_pages=1
populate_physmap guest 0x101
`;

/** A PV dom0 whose devices reach its own pages only. */
export const STRICT_DOM0 = `
machine x86
ram 0x100..0x101
iommu vtd
dom0 strict pages=2
device nic 0000:03:00.0
limits domains=1 grants=1 handles=1 va_slots=1
`;
