/** What fields of log lines mean as values. */

/** A hexadecimal number with or without 0x; null where it is none. */
export function hexValue(text: string | undefined): bigint | null {
  const digits = /^(?:0x)?([0-9a-f]{1,16})$/i.exec(text ?? '')?.[1];
  return digits === undefined ? null : BigInt(`0x${digits}`);
}

/** A small hexadecimal number, such as a register of 32 bits; null where it is none. */
export function hexNumber(text: string | undefined): number | null {
  const value = hexValue(text);
  return value === null || value > 0xffff_ffffn ? null : Number(value);
}

/** A hexadecimal number as details show it, with 0x; any other text as it is. */
export function hexDetail(text: string): string {
  const value = hexValue(text);
  return value === null ? text : `0x${value.toString(16)}`;
}

/** A decimal number, perhaps negative; null where it is none. */
export function decimal(text: string | undefined): number | null {
  return /^-?\d{1,15}$/.test(text ?? '') ? Number(text) : null;
}

const BDF = /^(?:(?:0x)?([0-9a-f]{1,8}):)?(?:0x)?([0-9a-f]{1,2}):(?:0x)?([0-9a-f]{1,2})\.([0-7])$/i;

/** A PCI address in any of its spellings as `ssss:bb:dd.f`; null where it is none. Segment 0 where none is given. */
export function sbdfOf(text: string | undefined): string | null {
  const match = BDF.exec(text ?? '');
  if (match === null) return null;
  const [, segment = '0', bus, device, fn] = match;
  if (Number.parseInt(device!, 16) > 31) return null;
  const pad = (digits: string, width: number) =>
    digits
      .toLowerCase()
      .replace(/^0+(?=.)/, '')
      .padStart(width, '0');
  return `${pad(segment, 4)}:${pad(bus!, 2)}:${pad(device!, 2)}.${fn}`;
}

/** The last PCI address in a text, as drivers print before a message (`ath10k_pci 0000:01:00.0: `); null without one. */
export function lastSbdf(text: string): string | null {
  const found = text.match(/(?:[0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]/gi);
  return found === null ? null : sbdfOf(found.at(-1));
}
