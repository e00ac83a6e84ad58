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

/** An HVM guest with two pages of three and a network card, on a machine with `iommu`. */
const hvmGuest = (iommu: string): string => `
machine x86
ram 0x100..0x103
iommu ${iommu}
dom0 pages=1
device nic 0000:03:00.0
limits domains=2 grants=1 handles=1 gfns=3
createdomain guest hvm hap iommu max_pages=3
populate_physmap guest 0x101 gfn=0
populate_physmap guest 0x102 gfn=1
assign_device guest nic
`;

/** Its IOMMU tables are its p2m. */
export const HVM_SHARED = hvmGuest('vtd');
/** They mirror its p2m. */
export const HVM_MIRRORED = hvmGuest('vtd no-sharept');
/** The same with AMD's p2m, which the IOMMU never shares. */
export const HVM_AMD = hvmGuest('amdvi');

/** An Arm guest with two pages of three and a network card. */
export const ARM_GUEST = `
machine arm
ram 0x100..0x103
dom0 pages=1
device nic /ethernet@ff0e0000 stream=0x877 withheld
limits domains=2 grants=1 handles=1 gfns=3
createdomain guest iommu max_pages=3
populate_physmap guest 0x101 gfn=0
populate_physmap guest 0x102 gfn=1
assign_device guest nic
`;

/** A PV guest without devices whose three pages can be page tables. */
export const PV_GUEST_OF_TABLES = `
machine x86
ram 0x101..0x103
limits domains=2 grants=1 handles=1 va_slots=1
createdomain guest max_pages=3
populate_physmap guest 0x101
populate_physmap guest 0x102
populate_physmap guest 0x103
`;

/** A PV guest without devices; in its memory stands an L3 that leads to an L2 with two entries for one L1. */
export const PV_GUEST_WITH_TREE = `
machine x86
ram 0x101..0x103
limits domains=2 grants=1 handles=1 va_slots=1
createdomain guest max_pages=3
populate_physmap guest 0x101
populate_physmap guest 0x102
populate_physmap guest 0x103
mmu_update guest 0x101[0] 0x102 rw
mmu_update guest 0x102[0] 0x103 rw
mmu_update guest 0x102[1] 0x103 rw
`;
