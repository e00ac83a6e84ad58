import { threadId } from 'node:worker_threads';
import { Store } from '../store/store.js';
import { type CellRule, CellsModel } from './cells.fixture.js';
import type { Model, Property } from './model.js';

/** What threads build models from: the shape of a model and what it is like. */
export type Shape =
  | {
      readonly shape: 'cells';
      readonly contents: readonly number[];
      readonly rules: readonly CellRule[];
      readonly bad?: number;
    }
  | { readonly shape: 'grid'; readonly size: number; readonly bad?: number }
  | { readonly shape: 'tree'; readonly depth: number; readonly bad?: number }
  | { readonly shape: 'fickle'; readonly size: number };

/** The module that threads take their models from is this one. */
export const MODULE = import.meta.url;

export function modelOf(shape: Shape): Model {
  if (shape.shape === 'cells') return new CellsModel(shape.contents, shape.rules, shape.bad);
  if (shape.shape === 'grid') return grid(shape.size, shape.bad);
  return shape.shape === 'tree' ? tree(shape.depth, shape.bad) : fickle(shape.size);
}

/** Steps to the right and downwards; each column and row that was reached is marked in a word of its own. */
function grid(size: number, bad = -9): Model {
  const state = new Store(1);
  const base = state.addPages(1, 2);
  const perform = (action: number): boolean => {
    const at = base + action;
    const next = state.read(at) + 1;
    if (next === size) return false;
    state.write(at, next);
    state.write(base + 10 + action * 1000 + next, 1);
    return true;
  };
  const sum = () => state.read(base) + state.read(base + 1);
  const properties: Property[] = [
    { id: 'state', violation: () => (sum() === bad ? `the sum is ${bad}` : undefined) },
    { id: 'step', remember: () => {}, violation: () => (sum() === bad + 2 ? 'one step too far' : undefined) },
  ];
  return { state, actionCount: 2, perform, properties };
}

/** One word holds the number of a node of a binary tree: so each state has a value that no other has. */
function tree(depth: number, bad = -1): Model {
  const state = new Store(1);
  const word = state.addPages(0x4000_0000, 1) + 7;
  const perform = (action: number): boolean => {
    const next = state.read(word) * 2 + 1 + action;
    if (next >= 2 ** (depth + 1) - 1) return false;
    state.write(word, next);
    return true;
  };
  const violation = () => (state.read(word) === bad ? 'the node is bad' : undefined);
  return { state, actionCount: 2, perform, properties: [{ id: 'p', violation }] };
}

/** A grid that is another one in every thread. */
function fickle(size: number): Model {
  return { ...grid(size), actionCount: 2 + threadId };
}
