/**
 * A machine to measure with: 4,096 frames that three guests and dom0 share, one of each kind of IOMMU context. `pv` has
 * tables of its own that follow the types of its pages, `shared` lets the IOMMU walk its p2m, `split` has tables that
 * mirror it. Each has 1,024 pages and a device.
 */
const SCENE = `ram 0x1000..0x1fff
xen-heap 0x10..0x10f
dom0 pages=64
device nic 0000:03:00.0
device disk 0000:04:00.0
device gpu 0000:05:00.0
limits gfns=1100 va_slots=64

createdomain pv iommu max_pages=1024
populate_physmap pv 0x1100 count=1024
createdomain shared hvm hap iommu max_pages=1024
populate_physmap shared 0x1600 gfn=0 count=1024
createdomain split hvm hap iommu iommu_opts=1 max_pages=1024
populate_physmap split 0x1a00 gfn=0 count=1024
assign_device pv nic
assign_device shared disk
assign_device split gpu
`;

/** Each page of `pv` in turn is mapped writable once, so that its device reaches it. */
const WRITABLE = Array.from({ length: 1024 }, (_, i) => {
  const page = `0x${(0x1100 + i).toString(16)}`;
  return `update_va_mapping pv va=${i % 64} ${page} rw\n`;
}).join('');

/** One round of what goes on in each guest: six steps. */
const ROUND = `update_va_mapping pv va=0 0x1100 rw
dma nic write 0x1100000
update_va_mapping pv va=0
pin_l1_table pv 0x1101
unpin_table pv 0x1101
dma gpu write 0x8000
`;

/** A program of about 1,050 steps, at the end of which every guest has all its memory in use. */
export const BIG_MACHINE = `${SCENE}${WRITABLE}`;

/** The same, and then as many steps as a program may have: about 100,000. */
export const LONG_RUN = `${BIG_MACHINE}
repeat 164
${ROUND.repeat(100)}
end
`;
