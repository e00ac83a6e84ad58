/**
 * Names of reasons of toolstack and memory events that tell how things are or are done, and of nothing that failed. They
 * are events because causes of others, or whoever reads the log, may want them.
 */
const NOTES: ReadonlySet<string> = new Set([
  'assignable-note',
  'rdm-conflict-ignored',
  'reset-unsupported',
  'interrupt-not-unmapped',
  'permissive-on',
  'mmio-read-only',
  'grant-released',
]);

export const isNote = (name: string): boolean => NOTES.has(name);
