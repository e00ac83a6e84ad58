import { printable } from '../text/diagnostic.js';

/** Bytes of a line that are read; the rest of a longer one is left out, and told. */
export const LINE_BYTES = 64 * 1024;

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** The text of a line: UTF-8, or Latin-1 where it is not that. */
export function decodeLine(bytes: Buffer): string {
  const latin1 = bytes.toString('latin1');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII as a whole
  if (/^[\x00-\x7f]*$/.test(latin1)) return latin1;
  // A line that was cut off may end within a character.
  const whole = bytes.length < LINE_BYTES ? bytes : bytes.subarray(0, endOfCharacters(bytes));
  try {
    return UTF8.decode(whole);
  } catch {
    return latin1;
  }
}

/** The end of the last whole character of UTF-8, of which the bytes behind the first are 10xxxxxx. */
function endOfCharacters(bytes: Buffer): number {
  let end = bytes.length;
  while (end > bytes.length - 4 && end > 0 && (bytes[end - 1]! & 0xc0) === 0x80) end--;
  return end > 0 && bytes[end - 1]! >= 0xc0 ? end - 1 : end;
}

/**
 * Sequences that terminals take for commands (ECMA-48 §5.4, and what xterm has beside them): colours, movements of the
 * cursor, titles. Each alternative takes characters that cannot begin another, so time is linear.
 */
const ESCAPES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is being removed
  /\u001b(?:\[[0-?]*[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[()*+][0-9A-Za-z]|[ -/]*[0-Z\\^-~])?/g;

/** Movements to another place on the screen, which part what stands before from what stands behind. */
const MOVES = 'CGHf';

/** A line's text as it was meant for people: no colours, no NULs, nothing that a terminal would take for a command. */
export function cleanText(text: string): string {
  if (/^[\t\u0020-\u007e\u00a0-\u2027]*$/.test(text)) return text;
  const plain = text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is being removed
    .replace(/[\u0000\ufeff]/g, '')
    .replace(ESCAPES, (_, end?: string) => (end !== undefined && MOVES.includes(end) ? ' ' : ''));
  return printable(plain);
}
