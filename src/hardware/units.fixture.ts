import type { RadixFormat, RootShape } from '../formats/radix.js';
import { SparseMemory, TreeBuilder } from '../formats/tables.fixture.js';
import { Store } from '../store/store.js';
import { Layout } from '../store/table.js';
import { Ram } from './ram.js';

/** The model's RAM where a tree builder expects its own memory. */
class RamMemory extends SparseMemory {
  private readonly ram: Ram;

  constructor(ram: Ram) {
    super();
    this.ram = ram;
  }

  override read32(pa: number): number {
    return this.ram.read32(pa);
  }

  override write32(pa: number, value: number): void {
    this.ram.write32(pa, value);
  }
}

/** A store, a layout and RAM: 16 MiB, and the frames around 0x8424cb. */
export function bareMachine() {
  const store = new Store();
  const layout = new Layout(store);
  const ram = new Ram(store, [
    { base: 0, count: 0x1000 },
    { base: 0x84_24c0, count: 0x40 },
  ]);
  /** Page tables in RAM, taken from frame `root` upwards. */
  const tables = (format: RadixFormat, shape: RootShape, root: number) =>
    new TreeBuilder(format, shape, root, new RamMemory(ram));
  return { store, layout, ram, tables };
}
