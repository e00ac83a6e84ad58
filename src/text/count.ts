/** A number for people, with its thousands apart: `127,806`. */
export const grouped = (value: number): string => Math.round(value).toLocaleString('en-US');

/** So many of something: `1 page`, `2 pages`, `2 tries`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${value} ${value === 1 ? one : many}`;
}
