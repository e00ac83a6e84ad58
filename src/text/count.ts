/** A number for people, with its thousands apart: `127,806`. */
export const grouped = (value: number): string => Math.round(value).toLocaleString('en-US');

/** So many of something: `1 page`, `2 pages`, `2 tries`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${value} ${value === 1 ? one : many}`;
}

const BYTES = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** 4096 as `4 KiB`. */
export function sizeText(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < BYTES.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${BYTES[unit]}`;
}
