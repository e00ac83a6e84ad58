import { type AcpiLayout, acpiField } from './structure.js';

/** Values of a structure's fields; texts for text fields. */
export type FieldValues = Readonly<Record<string, number | bigint | string>>;

/** Bytes of one structure: its layout with these values, then `rest`. The length field becomes what it then has. */
export function structureBytes(
  layout: AcpiLayout,
  values: FieldValues,
  rest: readonly Uint8Array[] = [],
): Uint8Array {
  const tail = join(rest);
  const bytes = new Uint8Array(layout.size + tail.length);
  bytes.set(tail, layout.size);
  const hasLength = layout.fields.some(({ name }) => name === 'length');
  const all: FieldValues = hasLength ? { length: bytes.length, ...values } : values;
  for (const [name, value] of Object.entries(all)) {
    const { at, size } = acpiField(layout, name);
    if (typeof value === 'string') bytes.set(Buffer.from(value.padEnd(size, '\0'), 'latin1'), at);
    else put(bytes, at, size, BigInt(value));
  }
  return bytes;
}

/** A whole table: its header, the structures, and the checksum that belongs to them. */
export function tableBytes(
  signature: string,
  layout: AcpiLayout,
  values: FieldValues,
  structures: readonly Uint8Array[],
): Uint8Array {
  const texts = { oemId: 'DOMMU', oemTableId: 'FIXTURE', creatorId: 'DMMU' };
  const bytes = structureBytes(layout, { signature, revision: 1, ...texts, ...values }, structures);
  return withChecksum(bytes);
}

/** The same bytes with the checksum that makes their sum 0. */
export function withChecksum(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[9] = 0;
  copy[9] = (256 - (copy.reduce((sum, byte) => sum + byte, 0) & 0xff)) & 0xff;
  return copy;
}

export function join(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

export const bytesOf = (...values: number[]): Uint8Array => Uint8Array.from(values);

function put(bytes: Uint8Array, at: number, size: number, value: bigint): void {
  for (let i = 0; i < size; i++) bytes[at + i] = Number((value >> BigInt(8 * i)) & 0xffn);
}

/** A PCI endpoint in a DMAR's device scope. */
export const scopeBytes = (
  type: number,
  bus: number,
  path: readonly (readonly [number, number])[],
  id = 0,
): Uint8Array => bytesOf(type, 6 + 2 * path.length, 0, 0, id, bus, ...path.flat());
