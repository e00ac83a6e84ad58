import {
  AMDVI_ENTRY_BYTES,
  deviceMode,
  deviceReserved,
  deviceRoot,
  deviceTranslationValid,
} from '../formats/amdvi.js';
import { contextReserved, contextType, contextWidth, entryFrame, levelsOfWidth } from '../formats/vtd.js';
import { isRam } from './ram.js';
import type { MemoryImage } from './survey.js';

const PAGE = 4096;
const CHUNK = 256 * PAGE;
/** Memory that a hostile hand wrote may be full of roots. */
const CANDIDATES_AT_MOST = 256;
/** Context tables that are looked at, for the same reason: those of a thousand roots with all buses. */
const LOOKS_AT_MOST = 1 << 18;

/** A table in memory that looks like the root of a unit's tables. */
export interface RootCandidate {
  readonly kind: 'vtd' | 'amdvi';
  readonly mode?: 'legacy' | 'scalable';
  /** Byte address. */
  readonly table: number;
  /** AMD-Vi: entries that look right from there on. */
  readonly size?: number;
  /** Requesters that have an entry. */
  readonly requesters: Uint16Array;
}

/**
 * Searches all memory for root tables of VT-d units (every entry present points to a context table in memory of which
 * every entry present is one that the hardware accepts, what is not present being zero, as Xen and Linux leave it) and for
 * device device tables of AMD-Vi units. What is found may be old: software that is gone leaves its tables behind.
 * @param notes is told when a bound left something out: somebody may have filled memory with roots to hide the right one.
 */
export function searchRoots(
  image: MemoryImage,
  kinds: readonly ('vtd' | 'amdvi')[],
  notes: string[] = [],
): RootCandidate[] {
  const search = new RootSearch(image, kinds);
  for (const { start, end } of image.ram) search.range(start, end);
  if (search.cutOff) {
    notes.push('memory holds so much that looks like roots that not all of it was looked at: give --rtaddr');
  }
  return search.found;
}

class RootSearch {
  readonly found: RootCandidate[] = [];
  /** Whether a bound ended the search. */
  cutOff = false;
  private looks = 0;
  private readonly image: MemoryImage;
  private readonly vtd: boolean;
  private readonly amdvi: boolean;
  private readonly chunk = new Int32Array(CHUNK / 4);

  constructor(image: MemoryImage, kinds: readonly ('vtd' | 'amdvi')[]) {
    this.image = image;
    this.vtd = kinds.includes('vtd');
    this.amdvi = kinds.includes('amdvi');
  }

  range(start: number, end: number): void {
    const { chunk, image } = this;
    const bytes = new Uint8Array(chunk.buffer);
    const devices = new DeviceTableRun(this);
    for (let at = start; at < end; at += CHUNK) {
      const length = Math.min(CHUNK, end - at);
      image.copy(at, bytes.subarray(0, length));
      for (let word = 0; word < length / 4; word += PAGE / 4) {
        const frame = (at + word * 4) / PAGE;
        if (this.vtd && looksLikeRoots(chunk, word)) this.look(frame);
        if (this.amdvi) devices.page(chunk, word, frame);
      }
    }
    devices.end();
  }

  add(candidate: RootCandidate): void {
    if (this.found.length < CANDIDATES_AT_MOST) this.found.push(candidate);
    else this.cutOff = true;
  }

  /** Counts a table that is looked at; false when these were too many. */
  private mayLook(): boolean {
    if (this.looks++ < LOOKS_AT_MOST) return true;
    this.cutOff = true;
    return false;
  }

  /** Whether a frame is memory. */
  isRam(frame: number): boolean {
    return isRam(this.image.ram, frame * PAGE);
  }

  /** Follows what looks like a root table one level down. */
  private look(frame: number): void {
    const legacy = this.legacyRequesters(frame);
    if (legacy !== undefined) {
      this.add({ kind: 'vtd', mode: 'legacy', table: frame * PAGE, requesters: Uint16Array.from(legacy) });
      return;
    }
    const scalable = this.scalableRequesters(frame);
    if (scalable !== undefined) {
      this.add({
        kind: 'vtd',
        mode: 'scalable',
        table: frame * PAGE,
        requesters: Uint16Array.from(scalable),
      });
    }
  }

  private legacyRequesters(frame: number): number[] | undefined {
    const { image } = this;
    const requesters: number[] = [];
    for (let bus = 0; bus < 256; bus++) {
      const at = frame * PAGE + bus * 16;
      const word0 = image.read32(at);
      if ((image.read32(at + 8) | image.read32(at + 12)) !== 0) return undefined;
      if ((word0 & 1) === 0) continue;
      const table = entryFrame(word0, image.read32(at + 4));
      if (!this.isRam(table) || !this.legacyContexts(table, bus, requesters)) return undefined;
    }
    return requesters.length > 0 ? requesters : undefined;
  }

  /** Notes the requesters of a context table; false when it is none. */
  private legacyContexts(table: number, bus: number, requesters: number[]): boolean {
    const { image } = this;
    if (!this.mayLook()) return false;
    for (let devfn = 0; devfn < 256; devfn++) {
      const at = table * PAGE + devfn * 16;
      const [word0, word1] = [image.read32(at), image.read32(at + 4)];
      const [word2, word3] = [image.read32(at + 8), image.read32(at + 12)];
      if ((word0 & 1) === 0) {
        if (((word0 & ~2) | word1 | word2 | word3) !== 0) return false;
        continue;
      }
      if (contextReserved(word0, word2, word3) || levelsOfWidth(contextWidth(word2)) === 0) return false;
      const type = contextType(word0);
      if (type === 3 || (type < 2 && !this.isRam(entryFrame(word0, word1)))) return false;
      requesters.push((bus << 8) | devfn);
    }
    return true;
  }

  private scalableRequesters(frame: number): number[] | undefined {
    const { image } = this;
    const requesters: number[] = [];
    for (let half = 0; half < 512; half++) {
      const at = frame * PAGE + half * 8;
      const word0 = image.read32(at);
      if ((word0 & 1) === 0) continue;
      const table = entryFrame(word0, image.read32(at + 4));
      if (!this.isRam(table) || !this.scalableContexts(table, half << 7, requesters)) return undefined;
    }
    return requesters.length > 0 ? requesters : undefined;
  }

  private scalableContexts(table: number, first: number, requesters: number[]): boolean {
    const { image } = this;
    if (!this.mayLook()) return false;
    for (let i = 0; i < 128; i++) {
      const at = table * PAGE + i * 32;
      const word0 = image.read32(at);
      let upper = 0;
      for (let word = 3; word < 8; word++) upper |= image.read32(at + 4 * word);
      // Bits 5 to 8, and all from 85 on, are reserved.
      if (upper !== 0 || (word0 & 0x1e0) !== 0 || (image.read32(at + 8) & 0xffe0_0000) !== 0) return false;
      if ((word0 & 1) === 0) {
        if (((word0 & ~2) | image.read32(at + 4)) !== 0) return false;
      } else if (this.looksLikeDirectory(entryFrame(word0, image.read32(at + 4)))) requesters.push(first | i);
      else return false;
    }
    return true;
  }

  /** Whether a frame holds a PASID directory: entries like those of a root table, each with its table in memory. */
  private looksLikeDirectory(frame: number): boolean {
    const { image } = this;
    if (!this.mayLook() || !this.isRam(frame)) return false;
    let present = false;
    for (let at = frame * PAGE; at < (frame + 1) * PAGE; at += 8) {
      const [word0, word1] = [image.read32(at), image.read32(at + 4)];
      if ((word0 | word1) === 0) continue;
      if ((word0 & 0xffd) !== 1 || !this.isRam(entryFrame(word0, word1))) return false;
      present = true;
    }
    return present;
  }
}

/**
 * Whether a page could be a root table of either mode: in each quadword nothing but a present bit and an address, what is
 * not present being zero, and at least one present.
 */
function looksLikeRoots(words: Int32Array, from: number): boolean {
  let present = false;
  for (let i = from; i < from + PAGE / 4; i += 2) {
    const word = words[i]!;
    if ((word | words[i + 1]!) === 0) continue;
    if ((word & 0xfff) !== 1) return false;
    present = true;
  }
  return present;
}

/** Consecutive pages that look like a device table, as they come by. */
class DeviceTableRun {
  private readonly search: RootSearch;
  private first = -1;
  private pages = 0;
  private requesters: number[] = [];

  constructor(search: RootSearch) {
    this.search = search;
  }

  page(words: Int32Array, from: number, frame: number): void {
    const translated = this.translated(words, from);
    if (translated === undefined || this.pages === 512) this.end();
    if (translated === undefined) return;
    if (this.pages === 0) this.first = frame;
    for (const entry of translated) this.requesters.push(this.pages * 128 + entry);
    this.pages++;
  }

  end(): void {
    const { first, pages, requesters } = this;
    if (requesters.length > 0) {
      const size = (pages * PAGE) / AMDVI_ENTRY_BYTES;
      this.search.add({ kind: 'amdvi', table: first * PAGE, size, requesters: Uint16Array.from(requesters) });
    }
    this.pages = 0;
    this.requesters = [];
  }

  /**
   * Which entries of a page translate, when all of them are valid device table entries, as Xen and Linux make all of them;
   * undefined for another page.
   */
  private translated(words: Int32Array, from: number): number[] | undefined {
    const found: number[] = [];
    for (let i = 0; i < 128; i++) {
      const at = from + i * 8;
      const [word0, word1] = [words[at]!, words[at + 1]!];
      const valid = (word0 & 1) === 1 && !deviceReserved(word0, word1, words[at + 3]!);
      // Bits 192 to 223 are reserved, and those of the interrupt table's address below 180 to 183.
      if (!valid || words[at + 6] !== 0 || (words[at + 5]! & 0xf0_0000) !== 0) return undefined;
      if (!deviceTranslationValid(word0)) continue;
      const mode = deviceMode(word0);
      if (mode === 7 || (mode > 0 && !this.search.isRam(deviceRoot(word0, word1)))) return undefined;
      if (mode > 0) found.push(i);
    }
    return found;
  }
}
