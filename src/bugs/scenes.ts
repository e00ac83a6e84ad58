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
