import type { Consequences } from './finding.js';

const OFF = '“AMD-Vi: Error initialization” and “I/O virtualisation disabled”: Xen runs without an IOMMU';

/** What follows from mistakes in an IVRS table; xen/drivers/passthrough/amd/iommu_acpi.c, linux/drivers/iommu/amd/init.c. */
export const IVRS_CONSEQUENCES: Consequences = {
  'checksum-wrong': {
    about: 'the bytes of the table do not sum to 0',
    fix: 'compute the checksum after the last change to the table',
    xen: `all releases refuse the table (“invalid checksum”): ${OFF}`,
    linux: '“IVRS invalid checksum”: no AMD-Vi',
  },
  'length-too-small': {
    about: 'a block’s or device entry’s length is too small to find the next one',
    fix: 'set the block’s Length to its bytes, its device entries included',
    xen: 'a block of length 0 is never got past (get_supported_ivhd_type): Xen hangs at boot',
    linux:
      'a block of length 0, or a device entry of a type from 80h on other than F0h, is never got past (find_last_devid_acpi, ivhd_entry_length): the kernel hangs at boot',
  },
  'structure-overruns': {
    about: 'a block or entry reaches beyond what contains it',
    fix: 'make the block’s Length and the table’s agree',
    xen: `“table length exceeded” or “invalid Device_Entry length”: ${OFF}`,
  },
  'structure-too-short': {
    about: 'a block is shorter than the manual’s',
    fix: 'give the block all its fields',
    xen: `“invalid block length”: ${OFF}`,
  },
  'block-too-short-for-xen': {
    about: 'an IVHD block of type 10h that Xen takes for too short',
    fix: 'with four device entries or more (padding counts) the block has the 40 bytes that Xen asks for',
    xen: `all releases from 4.11 on ask 40 bytes of every IVHD block (amd_iommu_detect_one_acpi), also of type 10h, whose header has 24: “invalid IVHD block length”, ${OFF}`,
  },
  'unknown-type': {
    about: 'a block or device entry of a type that the manual does not have',
    fix: 'leave it out unless a later revision of the specification defines it',
    xen: `steps over unknown blocks; an unknown device entry in an IVHD that it uses: “unknown device type”, ${OFF}`,
    linux:
      'steps over it; a device entry of a type from 80h on is never got past (ivhd_entry_length gives 0)',
  },
  'no-unit': {
    about: 'the table has no IOMMU',
    fix: 'an IVHD block for each IOMMU; a platform without one has no IVRS table',
    xen: `“Cannot find supported IVHD type.”: ${OFF}`,
  },
  'no-unit-for-xen': {
    about: 'the table has IVHD blocks of type 40h only, or 11h without EFRSup',
    fix: 'describe each IOMMU by a block of type 10h as well, and of type 11h with EFRSup set in IVinfo',
    xen: `no release up to 4.22 knows type 40h, and type 11h counts only with EFRSup: “Cannot find supported IVHD type.”, ${OFF}`,
  },
  'ivhd-types': {
    about: 'which of several IVHD types is used',
    xen: 'the highest of 10h and, with EFRSup in IVinfo, 11h; type 40h is not known',
    linux: 'the highest of 10h, 11h and 40h',
  },
  'ivhd-lost': {
    about: 'an IOMMU is described by fewer types of block than another',
    fix: 'describe every IOMMU by a block of each type that the table uses',
    xen: 'uses blocks of one type: IOMMUs that have none of it are left out, with their devices',
    linux: 'uses for each IOMMU blocks of the one type that it chose at first',
  },
  'ivhd-disagree': {
    about: 'blocks for one IOMMU contradict each other',
    fix: 'registers, segment, capability offset and devices must be the same in all blocks for one IOMMU',
  },
  'efr-missing': {
    about: 'an IVHD block of type 11h or 40h without a feature register image',
    fix: 'copy the extended feature register (MMIO offset 30h) to EFR Register Image',
    xen: 'takes the features of the IOMMU from there: with 0 it has none, such as interrupt table formats for x2APIC',
  },
  'unit-address': {
    about: 'an IOMMU’s registers or device id cannot be',
    fix: 'IOMMU Base Address is what the capability block’s BAR was set to, 16 KiB aligned; DeviceID and Capability Offset are not 0',
    xen: `with an address, DeviceID or Capability Offset of 0 “invalid IVHD block”: ${OFF}`,
  },
  'unit-duplicate': {
    about: 'two IOMMUs share registers or a device id',
    fix: 'one IVHD block of each type for each IOMMU',
  },
  'unit-in-ram': {
    about: 'an IOMMU’s registers lie in RAM',
    fix: 'reserve the register range in the memory map, or correct the address',
  },
  'entry-all': {
    about: 'a device entry for all devices, which Xen does not know',
    fix: 'use a range from 00:00.0 on, or select entries',
    xen: `no release up to 4.22 knows device entry type 1: “unknown device type 0x1”, ${OFF}`,
    linux: 'gives all devices of the segment to the IOMMU',
  },
  'range-broken': {
    about: 'a range of devices has no start, no end, or ends before it begins',
    fix: 'a start entry is followed at once by an end entry with a higher DeviceID; a range of one device is a select entry',
    xen: `“invalid range”: ${OFF}`,
  },
  'device-twice': {
    about: 'a device belongs to two IOMMUs',
    fix: 'each device has one IOMMU: the one its requests really pass',
    xen: 'the last block that names the device has it',
    linux: 'the last block that names the device has it',
  },
  'special-variety': {
    about: 'a special device that is neither I/O APIC nor HPET',
    fix: 'Variety is 1 for an I/O APIC, 2 for an HPET',
    xen: `“Unrecognized IVHD special variety”: ${OFF}`,
    linux: 'refuses the table (add_special_device, -EINVAL): no AMD-Vi',
  },
  'ioapic-missing': {
    about: 'an I/O APIC has no special device entry',
    fix: 'add a special device entry of variety 1 for each I/O APIC, its Handle the APIC id as in the MADT',
    xen: `“IVHD Error: no information for IO-APIC …” and, with interrupt tables per device (the default), ${OFF}. On the command line: ivrs_ioapic[ID]=ssss:bb:dd.f for each such I/O APIC, or iommu=no-intremap`,
    linux:
      '“[Firmware Bug]: AMD-Vi: IOAPIC[…] not in IVRS table”: interrupt remapping is off; ivrs_ioapic[ID]=bb:dd.f helps',
  },
  'ioapic-unknown': {
    about: 'a special device entry names an I/O APIC that the MADT does not have',
    fix: 'Handle must be the APIC id as in the MADT, also when firmware renumbers I/O APICs',
    xen: `“IVHD Error: Invalid IO-APIC …”: ${OFF}`,
  },
  'ioapic-conflict': {
    about: 'two special device entries give one I/O APIC different devices',
    fix: 'one special device entry for each I/O APIC',
    xen: `“conflicting IO-APIC … entries” and, with interrupt tables per device (the default), ${OFF}`,
  },
  'ioapic-south-bridge': {
    about: 'no I/O APIC is at 00:14.0, where the south bridge’s is',
    fix: 'the special device entry of the first I/O APIC has Source DeviceID 00A0h (00:14.0)',
    xen: `“No southbridge IO-APIC found in IVRS table” and, with interrupt tables per device (the default), ${OFF}`,
    linux: '“[Firmware Bug]: AMD-Vi: No southbridge IOAPIC found”: interrupt remapping is off',
  },
  'hpet-missing': {
    about: 'no special device entry is for an HPET',
    fix: 'if the platform has an HPET that sends messages, add a special device entry of variety 2',
    xen: 'HPET broadcast interrupts are not remapped, and so not used',
  },
  'memory-flags': {
    about: 'an IVMD that is neither to be mapped nor to be excluded, or both',
    fix: 'set either Unity (bit 0) with IR and IW, or ExclusionRange (bit 3)',
    xen: `neither: “invalid flag field”, ${OFF}. Both: exclusion wins`,
  },
  'memory-one-way': {
    about: 'an IVMD that is to be mapped for one direction only',
    xen: 'all releases from 4.11 to 4.22 read IR as the right to write and IW as the right to read: the device gets the other one and faults',
  },
  'memory-empty': {
    about: 'an IVMD that has no memory, or reaches beyond 64 bits',
    fix: 'the length is in bytes, and a whole number of pages; an IVMD that is not needed is left out',
    xen: 'takes the pages from the start to the byte before the end, modulo 2^64: any range may come out',
  },
  'memory-placeholder': {
    about: 'an IVMD with start 0 and length 1: a template that firmware did not fill in',
    fix: 'fill in the range, or leave the IVMD out (QubesOS/qubes-issues#10931, Strix Halo)',
    xen: `4.19 and later, and 4.17.4 and 4.18.1 on, refuse page 0, which is RAM: “IVMD: [0, 0] is not (entirely) in reserved memory”, “IVMD: page at 00000 can’t be converted”, ${OFF}. 4.16, 4.17.0-3 and 4.18.0 have that test the wrong way round and map page 0 (83afa31358); up to 4.15 it is mapped untested`,
    linux: 'maps page 0 for the device',
  },
  'memory-unaligned': {
    about: 'an IVMD that does not consist of whole pages',
    fix: 'start and length are multiples of 4 KiB',
    xen: 'takes the pages that it touches',
    linux: 'rounds both up to whole pages',
  },
  'memory-beyond-width': {
    about: 'an IVMD beyond the address sizes of IVinfo',
    fix: 'correct the range, or PASize and VASize',
    xen: 'from 4.16 on “is not IOMMU addressable”: ignores it; before, it was mapped',
  },
  'memory-in-ram': {
    about: 'an IVMD in RAM that the system uses',
    fix: 'report the range as reserved in the memory map (E820, UEFI: EfiReservedMemoryType)',
    xen: `4.19 and later, and 4.17.4 and 4.18.1 on: “IVMD: page at … can’t be converted”, ${OFF}. 4.16, 4.17.0-3 and 4.18.0 have that test the wrong way round and map the range (83afa31358); up to 4.15 it is not tested`,
  },
  'memory-overlap': {
    about: 'two IVMDs of one device overlap',
    fix: 'join them in one',
    xen: `unless they are equal, “IVMD: overlap” (4.13.4, 4.14.3, 4.15.1, 4.16 and later): ${OFF}`,
  },
  'memory-device': {
    about: 'an IVMD for a device that no IOMMU has',
    fix: 'name the device in an IVHD as well, or leave the IVMD out',
    xen: `4.20 and later, and 4.18.4 and 4.19.1 on, ignore it (“IVMD: no IOMMU for device”, 2defb54490); others refuse the table: ${OFF}`,
  },
  'memory-range': {
    about: 'an IVMD for a range of devices that ends before it begins',
    fix: 'the last DeviceID (auxiliary data) is higher than the first',
    xen: `“invalid Range_Last Dev_Id”: ${OFF}`,
  },
  'memory-order': {
    about: 'an IVMD stands before the IVHD that has its device',
    fix: 'all IVHD blocks first, then the IVMDs',
    xen: 'reads blocks in order: a device that no IVHD has named so far has no IOMMU. 4.20 and later, 4.18.4 and 4.19.1 on ignore the IVMD, others refuse the table',
  },
  'revision-type': {
    about: 'block types and the table’s revision do not agree',
    fix: 'a table with blocks of type 40h has revision 2',
  },
};
