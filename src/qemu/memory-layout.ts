const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** QEMU's PC machines, whose memory has a hole for devices below 4 GiB. */
export type PcMachine = 'q35' | 'pc';

/** Memory of this size and more is split, and so much of it stays below 4 GiB (pc_q35_init, pc_init1). */
const SPLIT: Readonly<Record<PcMachine, { readonly from: number; readonly below: number }>> = {
  q35: { from: 0xb0000000, below: 2 * GIB },
  pc: { from: 0xe0000000, below: 3 * GIB },
};

/** How many of a machine's bytes of memory lie below 4 GiB; what is left begins there. */
export function bytesBelow4G(bytes: number, machine: PcMachine): number {
  const { from, below } = SPLIT[machine];
  return bytes >= from ? below : bytes;
}

/** How much of q35's memory lies below 4 GiB; what is left begins there. */
export function memoryBelow4G(memoryMib: number): number {
  return bytesBelow4G(memoryMib * MIB, 'q35');
}

/** Where in the RAM file a physical address lies; -1 when it is no RAM. */
export function ramOffset(pa: number, memoryMib: number): number {
  const below = memoryBelow4G(memoryMib);
  if (pa < below) return pa;
  if (pa < 4 * GIB) return -1;
  const offset = pa - 4 * GIB + below;
  return offset < memoryMib * MIB ? offset : -1;
}
