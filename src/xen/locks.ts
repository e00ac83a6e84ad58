import type { Column } from '../store/table.js';
import type { Xen } from './state.js';

/**
 * Locks that decide an outcome, held by a hypercall from one of its steps to the next: a word that says which row of
 * `call` has it, or 0. Within a step nobody else runs, so a step that takes and drops a lock only looks whether it is
 * free.
 */

export function isHeld(lock: Column, row: number): boolean {
  return lock.get(row) !== 0;
}

/** What needs a lock that is held cannot go on: true, and the step at hand is undone and tried again later. */
export function mustWait(xen: Xen, lock: Column, row: number): boolean {
  if (!isHeld(lock, row)) return false;
  xen.blocked = true;
  return true;
}

export function take(lock: Column, row: number, call: number): void {
  lock.set(row, call + 1);
}

/** Drops the lock if this hypercall has it. */
export function drop(lock: Column, row: number, call: number): void {
  if (lock.get(row) === call + 1) lock.set(row, 0);
}
