/** How people write a value, read where it is one. */
export interface Amount<T> {
  /** The value; undefined where the text is none. */
  readonly read: (text: string) => T | undefined;
  /** What would be right. */
  readonly expected: string;
}

/** A whole number in a range. */
export const wholeNumber = (least: number, most: number): Amount<number> => ({
  read: (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    return value >= least && value <= most ? value : undefined;
  },
  expected: `a whole number from ${least} to ${most}`,
});

/** Whole numbers with commas between: `1,4`. They come in order, each once. */
export function wholeNumbers(least: number, most: number): Amount<readonly number[]> {
  const one = wholeNumber(least, most);
  const read = (text: string) => {
    const values = text.split(',').map((item) => one.read(item.trim()));
    return values.includes(undefined) ? undefined : [...new Set(values as number[])].sort((a, b) => a - b);
  };
  return { read, expected: one.expected };
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** A number of bytes: `512M`, `2G`. */
export const byteCount: Amount<number> = {
  read: (text) => {
    const match = /^(\d+)([kmg]?)i?b?$/i.exec(text);
    return match !== null && Number(match[1]) > 0
      ? Number(match[1]) * UNITS[match[2]!.toLowerCase()]!
      : undefined;
  },
  expected: 'a size such as 512M or 2G',
};
