/**
 * Structures of Xen's interface as tables: where each field stands and how many bytes it has. The numbers are those of
 * the public headers on x86-64, where pointers and `long` have 8 bytes.
 */
export interface Structure<Field extends string = string> {
  readonly size: number;
  readonly fields: Readonly<Record<Field, readonly [offset: number, bytes: 1 | 2 | 4 | 8]>>;
}

export type FieldValues<Field extends string> = Readonly<Partial<Record<Field, number | bigint>>>;

/** Writes a structure at `at`; fields that are not said, and gaps, become 0. */
export function writeStructure<Field extends string>(
  view: DataView,
  at: number,
  structure: Structure<Field>,
  values: FieldValues<Field>,
): void {
  new Uint8Array(view.buffer, view.byteOffset + at, structure.size).fill(0);
  for (const name in values) {
    const field = structure.fields[name];
    const value = values[name];
    if (field !== undefined && value !== undefined) writeField(view, at + field[0], field[1], value);
  }
}

function writeField(view: DataView, at: number, bytes: 1 | 2 | 4 | 8, value: number | bigint): void {
  if (bytes === 8) view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
  else if (bytes === 4) view.setUint32(at, Number(value), true);
  else if (bytes === 2) view.setUint16(at, Number(value), true);
  else view.setUint8(at, Number(value));
}

/** A field of the structure at `at`, as an unsigned number; 8 bytes must stay below 2^53. */
export function readField<Field extends string>(
  view: DataView,
  at: number,
  structure: Structure<Field>,
  name: Field,
): number {
  const [offset, bytes] = structure.fields[name];
  if (bytes === 8) return Number(view.getBigUint64(at + offset, true));
  if (bytes === 4) return view.getUint32(at + offset, true);
  return bytes === 2 ? view.getUint16(at + offset, true) : view.getUint8(at + offset);
}
