const BYTES = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

export function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < BYTES.length - 1; unit++) value /= 1024;
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${BYTES[unit]}`;
}

/** A frame as the address of its first byte. */
export const addressText = (frame: number): string => `0x${(frame * 4096).toString(16)}`;

export const rightsText = (rights: number): string => `${rights & 1 ? 'r' : '-'}${rights & 2 ? 'w' : '-'}`;
