/** The address of a PCI function on the host. */
export interface Bdf {
  readonly segment: number;
  readonly bus: number;
  readonly device: number;
  /** `*` stands for every function of the device. */
  readonly fn: number | '*';
}

export interface BdfError {
  /** Index and length of the offending characters in the text that was parsed. */
  readonly index: number;
  readonly length: number;
  readonly message: string;
}

export type BdfResult =
  | { readonly ok: true; readonly bdf: Bdf; readonly end: number }
  | { readonly ok: false; readonly error: BdfError };

export const BDF_SHAPE =
  'a PCI address is [DDDD:]BB:DD.F in hexadecimal, as lspci -D prints it: 0000:03:00.0';

interface Field {
  readonly what: string;
  readonly max: number;
}

const SEGMENT: Field = { what: 'segment', max: 0xffff };
const BUS: Field = { what: 'bus', max: 0xff };
const DEVICE: Field = { what: 'device', max: 0x1f };
const FUNCTION: Field = { what: 'function', max: 7 };

/** Parses `[DDDD:]BB:DD.F` from `start`, and stops after the function. The segment may be missing; it is then 0. */
export function parseBdf(text: string, start = 0): BdfResult {
  const colons = /^[0-9a-fA-F:]*/.exec(text.slice(start))![0].split(':').length - 1;
  const fields = colons >= 2 ? [SEGMENT, BUS, DEVICE] : [BUS, DEVICE];
  const values: number[] = [];
  let index = start;
  for (const [i, field] of fields.entries()) {
    const number = hexadecimal(text, index, field);
    if ('message' in number) return { ok: false, error: number };
    values.push(number.value);
    index = number.end;
    const separator = i === fields.length - 1 ? '.' : ':';
    if (text[index] !== separator) {
      const message = `expected \`${separator}\` after the ${field.what} number, found ${found(text, index)}`;
      return { ok: false, error: { index, length: 1, message } };
    }
    index++;
  }
  const [device, bus, segment = 0] = values.reverse() as [number, number, number?];
  if (text[index] === '*') return { ok: true, bdf: { segment, bus, device, fn: '*' }, end: index + 1 };
  const fn = hexadecimal(text, index, FUNCTION);
  if ('message' in fn) return { ok: false, error: fn };
  return { ok: true, bdf: { segment, bus, device, fn: fn.value }, end: fn.end };
}

/** `0000:03:00.0` */
export function renderBdf({ segment, bus, device, fn }: Bdf): string {
  const hex = (value: number, width: number): string => value.toString(16).padStart(width, '0');
  return `${hex(segment, 4)}:${hex(bus, 2)}:${hex(device, 2)}.${fn}`;
}

function hexadecimal(text: string, index: number, field: Field): { value: number; end: number } | BdfError {
  const digits = /^[0-9a-fA-F]*/.exec(text.slice(index, index + 64))![0];
  if (digits === '') {
    return { index, length: 1, message: `expected the ${field.what} number, found ${found(text, index)}` };
  }
  const value = Number.parseInt(digits, 16);
  if (value > field.max) {
    const message = `${field.what} number ${digits} is above ${field.max.toString(16)}`;
    return { index, length: digits.length, message };
  }
  return { value, end: index + digits.length };
}

function found(text: string, index: number): string {
  return index >= text.length ? 'the end' : `\`${text[index]}\``;
}
