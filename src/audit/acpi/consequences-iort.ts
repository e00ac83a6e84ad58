import type { Consequences } from './finding.js';

/**
 * What follows from mistakes in an IORT table; linux/drivers/acpi/arm64/iort.c. Xen up to 4.22 has no reader of the table:
 * SMMUs are taken from the device tree, and with ACPI there is no IOMMU on Arm.
 */
export const IORT_CONSEQUENCES: Consequences = {
  'xen-ignores-iort': {
    about: 'Xen does not read this table',
    xen: 'no release up to 4.22 finds SMMUs by ACPI: a host that boots with ACPI has no IOMMU; boot it with a device tree to assign devices',
  },
  'length-too-small': {
    about: 'a node’s length is too small to find the next one',
    fix: 'set the node’s Length to its bytes, its mappings included',
    linux: '“IORT node pointer overflows, bad table!” at the next access',
  },
  'node-count': {
    about: 'the number of nodes is not what the header says',
    fix: 'Number of IORT nodes counts all nodes of the table',
    linux: 'reads as many as the header says, up to the table’s end',
  },
  'unit-address': {
    about: 'an SMMU’s registers cannot be where the table says',
    fix: 'the base address is that of register page 0: 64 KiB aligned for SMMUv3, 4 KiB for others',
  },
  'unit-duplicate': {
    about: 'two SMMUs share their registers',
    fix: 'one node for each SMMU',
  },
  'reference-wrong': {
    about: 'a reference leads to no node, or to one that cannot take ids',
    fix: 'a reference is the offset of a node from the start of the table: from devices to an SMMU or ITS group, from SMMUs to an ITS group',
    linux: 'follows it as far as it leads to a node: the device then has no SMMU, or no message interrupts',
  },
  'mapping-overlap': {
    about: 'two mappings of a node have input ids in common',
    fix: 'each input id has one output; mind that the count in a mapping is the number of ids, less 1',
    linux:
      'takes the first that matches; for mappings that overlap by one id it assumes that the count was not reduced by 1',
  },
  'mapping-range': {
    about: 'a mapping’s ids exceed 32 bits, or a single mapping has several',
    fix: 'base and count must stay below 2^32; a single mapping has a count of 0',
  },
  'stream-overlap': {
    about: 'several nodes send the same StreamIDs to one SMMU',
    fix: 'each device has StreamIDs of its own: change the output bases',
    linux: 'puts devices with one StreamID in one group',
  },
  'no-mapping': {
    about: 'a device node has no mapping',
    fix: 'map its ids to the SMMU or ITS group that they reach',
    linux: 'the device has no SMMU',
  },
  'mapping-not-allowed': {
    about: 'an ITS group has mappings',
    fix: 'ids end at an ITS group',
  },
  'coherency-not-told': {
    about: 'an SMMUv3 node does not override the coherency of its accesses',
    fix: 'if the SMMU’s COHACC input is tied wrongly, set the COHACC override flag; otherwise leave it',
    linux: 'believes SMMU_IDR0.COHACC; when that is wrong, tables that it wrote are not seen',
  },
  'coherency-contradiction': {
    about: 'a device’s memory attributes contradict each other',
    fix: 'CCA is 1 only together with CPM (and DACS, or CANWBS) in the memory access flags',
  },
  'device-id-mapping': {
    about: 'an SMMUv3’s DeviceID mapping index leads to no mapping',
    fix: 'the index counts the mappings of the node from 0; without message interrupts leave the valid flag clear',
    linux: 'the SMMU has no message interrupts',
  },
  'its-group': {
    about: 'an ITS group without an ITS, or one that does not fit its node',
    fix: 'the group lists the GIC ITS ids of the MADT',
  },
  'segment-twice': {
    about: 'several root complex nodes have one segment',
    fix: 'one node for each segment, or ids that do not overlap',
    linux: 'takes the first node of the segment',
  },
  'range-wrong': {
    about: 'a reserved memory range that is empty, unaligned, or reaches beyond 64 bits',
    fix: 'base and length are multiples of 64 KiB and not 0',
    linux: 'logs a firmware bug, rounds the range to pages, and goes on',
  },
  'range-overlap': {
    about: 'reserved memory ranges overlap',
    fix: 'join them in one',
    linux: 'logs a firmware bug and goes on',
  },
  'interrupts-outside': {
    about: 'the interrupts of an SMMU lie outside its node',
    fix: 'offsets count from the start of the node',
  },
};
