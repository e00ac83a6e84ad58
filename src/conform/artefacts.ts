/** Something in which QEMU is no IOMMU, or the lab no ordinary host: what is left out of the comparison, and why. */
export interface Artefact {
  readonly id: string;
  /** IOMMUs on which it shows. */
  readonly iommu: readonly ('vtd' | 'amdvi')[];
  readonly what: string;
  readonly why: string;
}

/** Everything that a comparison does not hold against Xen. Whoever looks for a hole in the oracle starts here. */
export const ARTEFACTS: readonly Artefact[] = [
  {
    id: 'dma-value',
    iommu: ['vtd', 'amdvi'],
    what: 'the value that a device writes',
    why: 'edu copies what its buffer holds, and the buffer has no window: that the word changed is compared, then the program’s value is put there',
  },
  {
    id: 'read-is-silent',
    iommu: ['vtd', 'amdvi'],
    what: 'the value that a device reads',
    why: 'edu’s buffer cannot be looked at: a read passed when Xen logged no fault',
  },
  {
    id: 'warm-write',
    iommu: ['vtd'],
    what: 'the log line of a write that a read-only IOTLB entry refuses',
    why: 'QEMU drops such a write without a fault record: the memory is compared, which says that it was dropped',
  },
  {
    id: 'amdvi-dma',
    iommu: ['amdvi'],
    what: 'DMA on AMD-Vi',
    why: 'QEMU’s AMD-Vi logs no event and lets a device through whose entry says V=1, TV=0: the tables are compared instead',
  },
  {
    id: 'fresh-page',
    iommu: ['vtd', 'amdvi'],
    what: 'what a page holds when a domain gets it',
    why: 'Xen scrubs late or not at all: both sides get zeros',
  },
  {
    id: 'xen-entries',
    iommu: ['vtd', 'amdvi'],
    what: 'Xen’s own mappings in what was an L4 table',
    why: 'Xen leaves them there, the model’s tables are without: they are cleared once the page has another type, as a guest would have to',
  },
  {
    id: 'kernel-tables',
    iommu: ['vtd', 'amdvi'],
    what: 'the pages of a domain’s own page tables',
    why: 'a real domain needs tables for its virtual pages, which the model keeps apart from its memory',
  },
];

export const ARTEFACT_IDS = ARTEFACTS.map(({ id }) => id);
