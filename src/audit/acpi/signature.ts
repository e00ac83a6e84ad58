/** A length that the table of a report can have. */
const PLAUSIBLE_LENGTH = 0x40_0000;
const HEADER = 36;

const isCapital = (byte: number): boolean => byte >= 0x41 && byte <= 0x5a;
const isNameByte = (byte: number): boolean =>
  isCapital(byte) || (byte >= 0x30 && byte <= 0x39) || byte === 0x5f;

/**
 * The signature of a system description table that may begin at `at`: four capitals, digits or underscores, then a length
 * that a table can have, as far as the bytes reach; undefined where none begins.
 */
export function signatureAt(bytes: Uint8Array, at: number): string | undefined {
  if (at + 4 > bytes.length || !isCapital(bytes[at]!)) return undefined;
  for (let i = 1; i < 4; i++) if (!isNameByte(bytes[at + i]!)) return undefined;
  if (at + 8 <= bytes.length) {
    let length = 0;
    for (let i = 7; i >= 4; i--) length = length * 256 + bytes[at + i]!;
    if ((length > PLAUSIBLE_LENGTH || length < HEADER) && !knownAt(bytes, at)) return undefined;
  }
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

const KNOWN = ['DMAR', 'RMAD', 'IVRS', 'IORT', 'APIC'];

/** Whether the signature of a table that the audit reads stands at `at`, whatever length it claims. */
export function knownAt(bytes: Uint8Array, at: number): boolean {
  return KNOWN.includes(String.fromCharCode(...bytes.subarray(at, at + 4)));
}
