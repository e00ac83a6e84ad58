import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { ramOffset } from '../../qemu/memory-layout.js';
import type { PhysicalMemory } from '../machine-api.js';

const PAGE_BYTES = 4096;
const ZEROS = new Uint8Array(PAGE_BYTES);

interface Page {
  readonly words: Uint32Array;
  /** Which {@link RamFile.refresh} its words were read after. */
  age: number;
}

/** A guest's RAM, read from the file that QEMU maps. What was read is kept until the next refresh. */
export class RamFile implements PhysicalMemory {
  private readonly fd: number;
  private readonly memoryMib: number;
  private readonly pages = new Map<number, Page>();
  private readonly one = new Uint32Array(1);
  private age = 0;

  constructor(path: string, memoryMib: number) {
    this.fd = openSync(path, 'r+');
    this.memoryMib = memoryMib;
  }

  read32(pa: number): number {
    const number = Math.floor(pa / PAGE_BYTES);
    let page = this.pages.get(number);
    if (page?.age !== this.age) {
      page = this.load(number, page);
      if (page === undefined) return 0;
    }
    return page.words[(pa % PAGE_BYTES) >>> 2]!;
  }

  write32(pa: number, value: number): void {
    const offset = ramOffset(pa, this.memoryMib);
    if (offset < 0) return;
    this.one[0] = value;
    writeSync(this.fd, this.one, 0, 4, offset);
    const page = this.pages.get(Math.floor(pa / PAGE_BYTES));
    if (page !== undefined) page.words[(pa % PAGE_BYTES) >>> 2] = value;
  }

  zeroPage(pa: number): void {
    const offset = ramOffset(pa, this.memoryMib);
    if (offset < 0) return;
    writeSync(this.fd, ZEROS, 0, PAGE_BYTES, offset);
    this.pages.get(pa / PAGE_BYTES)?.words.fill(0);
  }

  refresh(): void {
    this.age++;
  }

  close(): void {
    this.pages.clear();
    closeSync(this.fd);
  }

  /** Reads a page, into the array it had if it was read before. */
  private load(number: number, known: Page | undefined): Page | undefined {
    const offset = ramOffset(number * PAGE_BYTES, this.memoryMib);
    if (offset < 0) return undefined;
    const page = known ?? { words: new Uint32Array(PAGE_BYTES / 4), age: this.age };
    page.age = this.age;
    readSync(this.fd, page.words, 0, PAGE_BYTES, offset);
    if (known === undefined) this.pages.set(number, page);
    return page;
  }
}
