/** A number for people and scripts as addresses are written: `0x1f000`. */
export const hex = (value: number | bigint): string => `0x${value.toString(16)}`;
