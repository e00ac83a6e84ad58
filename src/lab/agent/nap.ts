const NAP = new Int32Array(new SharedArrayBuffer(4));

/** Sleeps, so that others run. */
export function nap(milliseconds: number): void {
  Atomics.wait(NAP, 0, 0, milliseconds);
}
