/**
 * The array with zeros behind it: at least twice as long, so that adding one word after another takes linear time, and at
 * least as long as is asked for, so that whoever is about to use a word far behind the end has it.
 */
export function longer(array: Int32Array<ArrayBuffer>, atLeast: number): Int32Array<ArrayBuffer> {
  const result = new Int32Array(Math.max(array.length * 2, atLeast));
  result.set(array);
  return result;
}
