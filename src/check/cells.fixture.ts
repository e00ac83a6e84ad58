import { Store } from '../store/store.js';
import type { Model, Property, Symmetry } from './model.js';

/** What may be done with any cell: when it holds `from`, and is pointed at or not as asked for, it comes to hold `to`. */
export interface CellRule {
  readonly from: number;
  readonly to: number;
  readonly pointedAt: boolean;
}

/**
 * Cells that nothing tells apart but what they hold, and a pointer to one of them: every permutation of the cells is a
 * symmetry. A word that follows from the cells, their sum, is derived.
 */
export class CellsModel implements Model {
  readonly state = new Store(1);
  readonly actionCount: number;
  readonly properties: readonly Property[];
  readonly symmetries: readonly Symmetry[];
  private readonly base: number;
  private readonly cells: number;
  private readonly rules: readonly CellRule[];

  constructor(contents: readonly number[], rules: readonly CellRule[], bad = -1) {
    this.cells = contents.length;
    this.rules = rules;
    this.actionCount = this.cells * (rules.length + 1);
    this.base = this.state.addPages(1, 1);
    contents.forEach((content, cell) => {
      this.state.write(this.base + cell, content);
    });
    this.sumUp();
    this.symmetries = permutations(this.cells)
      .slice(1)
      .map((to) => this.permuting(to));
    const violation = () =>
      this.words().slice(0, this.cells).includes(bad) ? `a cell holds ${bad}` : undefined;
    this.properties = [{ id: 'p', violation }];
  }

  private get pointer(): number {
    return this.base + this.cells;
  }

  private get sum(): number {
    return this.base + this.cells + 1;
  }

  private permuting(to: readonly number[]): Symmetry {
    return {
      word: (index) => (index < this.pointer ? to[index]! : index),
      value: (index, value) => (index === this.pointer && value !== 0 ? to[value - 1]! + 1 : value),
    };
  }

  derived(word: number): boolean {
    return word === this.sum;
  }

  perform(action: number): boolean {
    const { state } = this;
    const cell = action % this.cells;
    const rule = this.rules[Math.floor(action / this.cells)];
    if (rule === undefined) {
      // The pointer passes through another place first: only what an action leads to counts.
      state.write(this.pointer, this.cells + 1);
      state.write(this.pointer, cell + 1);
      return true;
    }
    const pointedAt = state.read(this.pointer) === cell + 1;
    if (state.read(cell) !== rule.from || pointedAt !== rule.pointedAt) return false;
    state.write(cell, rule.to);
    this.sumUp();
    return true;
  }

  private sumUp(): void {
    let sum = 0;
    for (let cell = 0; cell < this.cells; cell++) sum += this.state.read(this.base + cell);
    this.state.write(this.sum, sum);
  }

  /** Cells and pointer. */
  words(): number[] {
    return Array.from({ length: this.cells + 1 }, (_, n) => this.state.read(this.base + n));
  }

  /** The least of the images of `words`, as a text. */
  orbitOf(words: readonly number[]): string {
    const images = permutations(this.cells).map((to) => {
      const image = [...words];
      for (let cell = 0; cell < this.cells; cell++) image[to[cell]!] = words[cell]!;
      const pointer = words[this.cells]!;
      if (pointer !== 0) image[this.cells] = to[pointer - 1]! + 1;
      return image.join(' ');
    });
    return images.sort()[0]!;
  }
}

/** All permutations of 0 … n - 1, the identity first. */
export function permutations(n: number): number[][] {
  if (n === 0) return [[]];
  return permutations(n - 1)
    .flatMap((rest) => Array.from({ length: n }, (_, at) => [...rest.slice(0, at), n - 1, ...rest.slice(at)]))
    .sort((a, b) => (a.join() < b.join() ? -1 : 1));
}
