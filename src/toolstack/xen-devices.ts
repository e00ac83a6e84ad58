/** `pci-phantom=[seg:]bus:dev,stride`: a device that also sends requests as functions it does not have. */
export interface PhantomFunction {
  readonly segment: number;
  readonly bus: number;
  readonly device: number;
  readonly stride: 1 | 2 | 4;
}

export interface Fault {
  readonly code: string;
  readonly message: string;
}

const MAX_PHANTOM_DEVICES = 8;

/** @param known how many were given before */
export function parsePhantom(text: string, known: number): PhantomFunction | Fault {
  if (known >= MAX_PHANTOM_DEVICES) {
    const message = `Xen takes ${MAX_PHANTOM_DEVICES} pci-phantom= at most (E2BIG)`;
    return { code: 'too-many-phantoms', message };
  }
  const match =
    /^(?:([0-9a-fA-F]{1,4}):)?([0-9a-fA-F]{1,2}):([0-9a-fA-F]{1,2}),(0[xX][0-9a-fA-F]+|\d+)$/.exec(text);
  const [segment, bus, device] = [match?.[1] ?? '0', match?.[2], match?.[3]].map((hex) =>
    Number.parseInt(hex ?? '', 16),
  ) as [number, number, number];
  const stride = Number(match?.[4]);
  if (match === null || device > 0x1f || (stride !== 1 && stride !== 2 && stride !== 4)) {
    const message = `\`${text}\` is not [seg:]bus:dev,stride in hexadecimal with a stride of 1, 2 or 4 (EINVAL)`;
    return { code: 'invalid-parameter', message };
  }
  return { segment, bus, device, stride };
}

/** A range of frames that `rmrr=` or `ivmd=` reserves for devices, first and last included. */
export interface ReservedRange {
  readonly kind: 'rmrr' | 'ivmd';
  readonly first: bigint;
  readonly last: bigint;
  /** The devices as written; `ivmd=` may leave them out, and then means all. */
  readonly devices: readonly string[];
}

/** `start[-end]=device[,device…];…`, frames in hexadecimal. A range that is not so is reported and left out. */
export function parseReserved(
  kind: 'rmrr' | 'ivmd',
  text: string,
): {
  readonly ranges: readonly ReservedRange[];
  readonly faults: readonly { readonly index: number; readonly length: number; readonly message: string }[];
} {
  const ranges: ReservedRange[] = [];
  const faults: { index: number; length: number; message: string }[] = [];
  let index = 0;
  for (const item of text.split(';')) {
    const match =
      /^(?:0[xX])?([0-9a-fA-F]{1,16})(?:-(?:0[xX])?([0-9a-fA-F]{1,16}))?(?:=([0-9a-fA-F:.,-]+))?$/.exec(item);
    const first = BigInt(`0x${match?.[1] ?? '0'}`);
    const last = match?.[2] === undefined ? first : BigInt(`0x${match[2]}`);
    const devices = match?.[3]?.split(',') ?? [];
    if (match === null || last < first || (kind === 'rmrr' && devices.length === 0)) {
      const message = `\`${item}\` is not start[-end]=device[,device…] with frame numbers in hexadecimal`;
      faults.push({ index, length: item.length, message });
    } else {
      ranges.push({ kind, first, last, devices });
    }
    index += item.length + 1;
  }
  return { ranges, faults };
}
