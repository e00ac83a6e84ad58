import type { Consequences } from './finding.js';

const OFF = 'all releases from 4.11 on log “Failed to parse ACPI DMAR. Disabling VT-d.”: the IOMMU stays off';

/** What follows from mistakes in a DMAR table; xen/drivers/passthrough/vtd/dmar.c, linux/drivers/iommu/intel/dmar.c. */
export const DMAR_CONSEQUENCES: Consequences = {
  'address-width': {
    about: 'the host address width cannot be',
    fix: 'Host Address Width is the number of physical address bits, less 1 (38 for 39 bits)',
    xen: 'with 0 all releases log “Zero: Invalid DMAR width” and VT-d stays off; any other value is only printed',
    linux: 'below 11: “Invalid DMAR haw”, no VT-d',
  },
  'length-too-small': {
    about: 'a structure’s length is too small to find the next one',
    fix: 'set the structure’s Length to its bytes, its device scopes included',
    xen: `${OFF} (a structure below its own header: “Invalid ACPI DMAR entry length”; a device scope below 8 bytes: “Invalid device scope”)`,
    linux:
      'stops reading the table at a structure of length 0; a device scope of length 0 is never got past (dmar_alloc_dev_scope), so the kernel hangs at boot',
  },
  'structure-overruns': {
    about: 'a structure reaches beyond the table',
    fix: 'make the structure’s Length and the table’s agree',
    xen: 'reads on behind the table: what happens depends on the bytes there',
    linux: '“Record passes table end”: no VT-d',
  },
  'structure-too-short': {
    about: 'a structure is shorter than the manual’s',
    fix: 'give the structure all its fields',
    xen: OFF,
  },
  'unknown-type': {
    about: 'a structure or scope of a type that the manual does not have',
    fix: 'leave it out unless a later revision of the specification defines it',
    xen: 'steps over it (“Ignore unknown DMAR structure type”, “Unknown scope type”)',
    linux: 'steps over it',
  },
  'structure-order': {
    about: 'structures are not in the order of their types',
    fix: '§8.2: all DRHDs first, then RMRRs, ATSRs, RHSAs, ANDDs, SATCs, SIDPs',
    xen: 'takes them in any order',
    linux: 'takes them in any order',
  },
  'no-unit': {
    about: 'the table has no remapping unit',
    fix: 'a platform with VT-d has a DRHD for each unit; one without it has no DMAR table',
    xen: 'has no IOMMU; I/O virtualisation stays off',
    linux: '“No DMAR devices found”',
  },
  'unit-address': {
    about: 'a unit’s registers cannot be where the table says',
    fix: 'Register Base Address is what the unit’s BAR in the host bridge (VTDPVC0BAR, GFXVTBAR, …) was set to, 4 KiB aligned',
    xen: `with 0 or all ones ${OFF}; elsewhere it reads capability registers of all ones there and does the same`,
    linux: '“Your BIOS is broken; DMAR reported at address …!”: no VT-d',
  },
  'unit-duplicate': {
    about: 'two units share their registers',
    fix: 'one DRHD for each unit, with all device scopes of the unit',
    xen: 'sets the same unit up twice; the second root table replaces the first',
    linux: 'takes the second as the first (dmar_find_dmaru) and loses its device scopes',
  },
  'unit-in-ram': {
    about: 'a unit’s registers lie in RAM',
    fix: 'reserve the register range in the memory map, or correct the address',
  },
  'include-all-twice': {
    about: 'two units have INCLUDE_PCI_ALL for one segment',
    fix: 'the unit that has the devices that no other names is the last of its segment, and the only one with the flag',
    xen: `for segment 0 “Only one INCLUDE_ALL device scope is allowed”; ${OFF}. For other segments the last of the table wins`,
    linux: 'takes both; the first that matches has the device',
  },
  'include-all-not-last': {
    about: 'a unit with INCLUDE_PCI_ALL is not the last of its segment',
    fix: '§8.3: the DRHD with INCLUDE_PCI_ALL comes after all others of its segment',
    xen: 'puts it last itself',
    linux: 'puts it last itself',
  },
  'include-all-missing': {
    about: 'no unit has the devices that no unit names',
    fix: 'unless every device is named, set INCLUDE_PCI_ALL in the last DRHD of the segment',
    xen: 'devices that no unit names have no IOMMU and cannot be assigned',
  },
  'include-all-scope': {
    about: 'a unit with INCLUDE_PCI_ALL names PCI devices as well',
    fix: '§8.3: such a unit names I/O APICs, HPETs and name-space devices only',
  },
  'unit-without-devices': {
    about: 'a unit has no device',
    fix: 'name its devices, or set INCLUDE_PCI_ALL, or leave the unit out',
  },
  'scope-path': {
    about: 'a device scope’s path leads to no device',
    fix: 'a path is at least one pair of device (0 to 31) and function (0 to 7); Length is 6 and 2 for each pair',
    xen: 'follows the path through configuration space whatever it is; the scope then names another device, or none',
  },
  'scope-duplicate': {
    about: 'a device is in the scopes of two units',
    fix: 'each device has one unit: the one its requests really pass',
    xen: 'takes the unit that comes first in its list, which is the last of the table without INCLUDE_PCI_ALL',
    linux: 'takes the unit that comes first in its list; units are put at its head',
  },
  'scope-within': {
    about: 'a device of one unit is behind a bridge that another unit has with all behind it',
    fix: 'name the bridge as an endpoint if only the bridge is meant, or move the device to the same unit',
    xen: 'the unit that comes first in its list has the device: it matches devices and buses unit by unit',
  },
  'scope-repeated': {
    about: 'a device scope stands twice in one structure',
    fix: 'name each device once',
  },
  'scope-type': {
    about: 'a device scope of a type that does not belong in its structure',
    fix: 'RMRRs and SATCs name endpoints and bridges, ATSRs root ports as bridges; I/O APICs and HPETs belong to a DRHD',
  },
  'ioapic-missing': {
    about: 'an I/O APIC is in no unit’s scopes',
    fix: 'name each I/O APIC of the MADT in the DRHD that its interrupts pass, with its APIC id as Enumeration ID',
    xen: '“ioapic_to_iommu: ioapic … is NULL! Will not try to enable Interrupt Remapping.” (vtd/iommu.c): without interrupt remapping devices are not assigned safely, and x2APIC is off',
    linux: '“ioapic … has no mapping iommu, interrupt remapping will be disabled”',
  },
  'name-space-device': {
    about: 'a name-space device scope and its declaration do not agree',
    fix: 'each name-space scope has an ANDD whose ACPI Device Number is its Enumeration ID, with a name that ends in a NUL',
    linux: 'a name without its NUL: “ANDD object name is not NUL-terminated”, no VT-d',
  },
  'region-reversed': {
    about: 'a reserved memory region ends before it begins',
    fix: 'Limit Address is the region’s last byte',
    xen: `“RMRR […] is incorrect!” when a device of its scopes is there; ${OFF}`,
    linux: '“Your BIOS is broken; bad RMRR”: taints the kernel and goes on',
  },
  'region-one-byte': {
    about: 'a reserved memory region of one byte: a template that firmware did not fill in',
    fix: 'fill in the region, or leave the RMRR out',
    xen: 'from 4.19 on VT-d stays off when the page is RAM (“RMRR: page at … can’t be converted”); otherwise, and before, it maps the page',
    linux: '“Your BIOS is broken; bad RMRR”: taints the kernel and goes on',
  },
  'region-unaligned': {
    about: 'a reserved memory region does not consist of whole pages',
    fix: 'Base Address is 4 KiB aligned, Limit Address one less than a multiple of 4 KiB',
    xen: 'maps the pages that it touches',
    linux: '“Your BIOS is broken; bad RMRR”: taints the kernel and goes on',
  },
  'region-beyond-width': {
    about: 'a reserved memory region lies beyond the host address width',
    fix: 'correct the region, or Host Address Width',
  },
  'region-overlap': {
    about: 'two reserved memory regions overlap',
    fix: 'join them in one RMRR with the scopes of both',
    xen: `“Overlapping RMRRs”, whatever their devices and segments; ${OFF}`,
  },
  'region-in-ram': {
    about: 'a reserved memory region lies in RAM that the system uses',
    fix: 'report the region as reserved in the memory map (E820, UEFI: EfiReservedMemoryType)',
    xen: 'from 4.19 on “RMRR: page at … can’t be converted” and VT-d stays off (a185f88e98); up to 4.18 a warning “not in reserved memory; need "iommu_inclusive_mapping=1"?”, and devices share pages with other owners',
    linux: '“No firmware reserved region can cover this RMRR”: taints the kernel and goes on',
  },
  'region-shared': {
    about: 'several devices use one reserved memory region',
    xen: 'each of them can be assigned only with rdm_policy=relaxed: otherwise “It’s disallowed to assign … with shared RMRR”, EPERM',
    linux: 'devices with an RMRR (USB and graphics excepted) cannot be given to guests',
  },
  'region-without-devices': {
    about: 'a reserved memory region is for no device',
    fix: 'name the devices that use it, or leave the RMRR out',
    xen: 'ignores the region, after checking that it does not overlap another',
  },
  'segment-without-unit': {
    about: 'a structure is for a segment that no unit has',
    fix: 'the Segment Number must be that of a DRHD',
  },
  'affinity-without-unit': {
    about: 'an RHSA is for a unit that the table does not have',
    fix: 'its Register Base Address must be that of a DRHD',
    xen: 'ignores it',
    linux: '“RHSA refers to non-existent DMAR unit”: taints the kernel and goes on',
  },
  'all-ports': {
    about: 'ALL_PORTS is set twice, or with root ports named as well',
    fix: 'one ATSR a segment either has ALL_PORTS or names its root ports',
    xen: `twice for segment 0: “Only one ALL_PORTS device scope is allowed”; ${OFF}`,
  },
  'x2apic-flag': {
    about: 'X2APIC_OPT_OUT without INTR_REMAP',
    fix: '§8.1: X2APIC_OPT_OUT means something only together with INTR_REMAP',
  },
};
