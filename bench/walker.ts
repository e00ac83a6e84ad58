import { pathToFileURL } from 'node:url';
import { R, W } from '../src/formats/address.js';
import {
  ENTRY_SPAN,
  EntryWords,
  FOUR_LEVELS,
  type RadixFormat,
  Walker,
  WalkStatus,
} from '../src/formats/radix.js';
import { VTD_SECOND_LEVEL } from '../src/formats/vtd.js';
import { walkAll } from '../src/formats/walk-all.js';
import type { WordSink } from '../src/formats/words.js';
import { X86_64 } from '../src/formats/x86-pte.js';

/** Walks a CPU second of the walker, and of a plain walker over 64-bit BigInt entries on the same tables. */
export interface WalkerFigures {
  readonly format: string;
  readonly walksPerSecond: number;
  readonly peerWalksPerSecond: number;
  /** How many times as many walks the walker does. */
  readonly ratio: number;
  /** 4 KiB leaf entries a CPU second that a walk over the whole tree visits. */
  readonly leavesPerSecond: number;
}

const PAGES = 1 << 16;
const WALKS = 4_000_000;
const PEER_WALKS = 400_000;
const ROUNDS = 5;

/** Memory in one array, readable as words and as 64-bit entries. */
class FlatMemory implements WordSink {
  readonly words: Int32Array;
  readonly entries: BigUint64Array;

  constructor(frames: number) {
    const buffer = new ArrayBuffer(frames * 4096);
    this.words = new Int32Array(buffer);
    this.entries = new BigUint64Array(buffer);
  }

  read32(pa: number): number {
    return this.words[pa / 4]!;
  }

  write32(pa: number, value: number): void {
    this.words[pa / 4] = value;
  }
}

/** A four-level tree at frame 1 that maps the first PAGES inputs, in a mixed order, 4 KiB each. */
function buildTree(format: RadixFormat): FlatMemory {
  const tables = 2 + 1 + 1 + Math.ceil(PAGES / 512) + 1;
  const memory = new FlatMemory(tables);
  const entry = new EntryWords();
  let next = 2;
  for (let input = 0; input < PAGES; input++) {
    let address = 4096;
    for (let level = 4; level > 1; level--) {
      if (memory.read32(address) === 0) {
        format.tableEntry(next++, level, entry);
        memory.write32(address, entry.lo);
        memory.write32(address + 4, entry.hi);
      }
      const table = format.frame(memory.read32(address), memory.read32(address + 4));
      address = table * 4096 + (Math.floor(input / ENTRY_SPAN[level - 1]!) % 512) * 8;
    }
    format.leafEntry((input * 40_503) % 0x10_0000, R | W, 1, entry);
    memory.write32(address, entry.lo);
    memory.write32(address + 4, entry.hi);
  }
  return memory;
}

/** The peer: what one writes first, an address and entries as BigInt. -1n when nothing is mapped. */
function peerWalk(format: RadixFormat, memory: FlatMemory, root: bigint, input: bigint): bigint {
  const presentMask = format === X86_64 ? 1n : 3n;
  let table = root;
  let rights = 3n;
  for (let level = 4n; level >= 1n; level--) {
    const index = (input >> (9n * (level - 1n))) & 511n;
    const entry = memory.entries[Number((table << 9n) | index)]!;
    if ((entry & presentMask) === 0n) return -1n;
    rights &= format === X86_64 ? 1n | (entry & 2n) : entry & 3n;
    const frame = (entry >> 12n) & 0xff_ffff_ffffn;
    if (level === 1n || (entry & 0x80n) !== 0n) {
      const span = 1n << (9n * (level - 1n));
      return ((frame & ~(span - 1n)) | (input & (span - 1n))) * 4n + rights;
    }
    table = frame;
  }
  return -1n;
}

/** CPU seconds that `work` takes. */
function cpuSeconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** The same inputs for both, spread over the tree and some beyond it. */
const inputOf = (i: number): number => (Math.imul(i, 0x9e3779b1) >>> 15) % (PAGES + 512);

function measure(format: RadixFormat): WalkerFigures {
  const memory = buildTree(format);
  const walker = new Walker(format, memory);
  for (let i = 0; i < 2000; i++) {
    const input = inputOf(i);
    const found = walker.walk(1, FOUR_LEVELS, input) === WalkStatus.OK;
    const expected = found ? BigInt(walker.frame) * 4n + BigInt(walker.rights & 3) : -1n;
    if (peerWalk(format, memory, 1n, BigInt(input)) !== expected)
      throw new Error(`walkers differ at ${input}`);
  }
  let mine = Number.POSITIVE_INFINITY;
  let peer = Number.POSITIVE_INFINITY;
  let all = Number.POSITIVE_INFINITY;
  let sum = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const own = cpuSeconds(() => {
      for (let i = 0; i < WALKS; i++) {
        if (walker.walk(1, FOUR_LEVELS, inputOf(i)) === WalkStatus.OK) sum += walker.frame;
      }
    });
    const other = cpuSeconds(() => {
      for (let i = 0; i < PEER_WALKS; i++) {
        if (peerWalk(format, memory, 1n, BigInt(inputOf(i))) >= 0n) sum++;
      }
    });
    const whole = cpuSeconds(() => {
      for (let i = 0; i < 20; i++) sum += walkAll(format, memory, 1, FOUR_LEVELS, () => {}).ranges;
    });
    mine = Math.min(mine, own / WALKS);
    peer = Math.min(peer, other / PEER_WALKS);
    all = Math.min(all, whole / (20 * PAGES));
  }
  if (sum === 0) throw new Error('nothing was walked');
  return {
    format: format.name,
    walksPerSecond: 1 / mine,
    peerWalksPerSecond: 1 / peer,
    ratio: peer / mine,
    leavesPerSecond: 1 / all,
  };
}

/** Walks of four-level trees with 2^16 pages of 4 KiB, best of five rounds, walker and peer in turn. */
export async function benchWalker(): Promise<WalkerFigures[]> {
  return [VTD_SECOND_LEVEL, X86_64].map(measure);
}

const millions = (n: number): string => `${(n / 1e6).toFixed(1)} M`;

/** The figures as lines of text. */
export function walkerReport(figures: readonly WalkerFigures[]): string {
  const lines = figures.map((each) => {
    const peer = `BigInt peer ${millions(each.peerWalksPerSecond)}, ${each.ratio.toFixed(1)} times`;
    const all = `whole trees ${millions(each.leavesPerSecond)} leaves`;
    return `${each.format}: ${millions(each.walksPerSecond)} walks a CPU second (${peer}); ${all} a CPU second`;
  });
  return lines.join('\n');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(walkerReport(await benchWalker()));
}
