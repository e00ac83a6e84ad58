/**
 * Memory that threads can share. A page that stands for itself has none to share (browsers keep `SharedArrayBuffer` from
 * all but isolated ones), and no threads that could ask for it: there it is memory like any other.
 */
export function sharedBuffer(bytes: number): ArrayBufferLike {
  return typeof SharedArrayBuffer === 'undefined' ? new ArrayBuffer(bytes) : new SharedArrayBuffer(bytes);
}
