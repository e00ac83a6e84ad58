/** One program header of a core; PT_LOAD unless `type` says otherwise. */
export interface LoadFixture {
  readonly paddr: bigint;
  readonly filesz: bigint;
  readonly offset: bigint;
  readonly type?: number;
}

/** Bytes of an ELF64 core: header and program headers, then `data`. */
export function elfCore(
  loads: readonly LoadFixture[],
  data: Uint8Array = new Uint8Array(0),
  over: {
    phnum?: number;
    phoff?: bigint;
    phentsize?: number;
    type?: number;
    class?: number;
    data?: number;
    shoff?: bigint;
  } = {},
): Uint8Array {
  const headers = 64 + loads.length * 56;
  const bytes = new Uint8Array(headers + data.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, over.class ?? 2, over.data ?? 1, 1]);
  view.setUint16(16, over.type ?? 4, true);
  view.setUint16(18, 62, true);
  view.setBigUint64(32, over.phoff ?? 64n, true);
  view.setBigUint64(40, over.shoff ?? 0n, true);
  view.setUint16(54, over.phentsize ?? 56, true);
  view.setUint16(56, over.phnum ?? loads.length, true);
  loads.forEach(({ paddr, filesz, offset, type = 1 }, i) => {
    const at = 64 + i * 56;
    view.setUint32(at, type, true);
    view.setBigUint64(at + 8, offset, true);
    view.setBigUint64(at + 24, paddr, true);
    view.setBigUint64(at + 32, filesz, true);
    view.setBigUint64(at + 40, filesz, true);
  });
  bytes.set(data, headers);
  return bytes;
}
