import { type PageData, type PageDevice, RANGE_NUMBERS } from '../../src/report/audit-page-data.js';

/** Which addresses the picture's axis has: those that devices send, or those of the memory they reach. */
export type Axis = 'device' | 'memory';

/** What stands at one place of a row. */
export interface Found {
  readonly start: number;
  readonly end: number;
  /** Frame at the other end: memory on the device axis, the device's address on the memory axis; -1 for a repeat. */
  readonly other: number;
  readonly rights: number;
}

/** Ranges that one pixel may be made of before the rest of them is skipped. */
const RANGES_A_PIXEL = 64;

/** The ranges of one set of tables in the order of one axis. */
export class Row {
  private readonly starts: Float64Array;
  private readonly ends: Float64Array;
  private readonly others: Float64Array;
  private readonly allowed: Uint8Array;
  /** How far ranges up to each one reach: on the memory axis they may overlap. */
  private readonly reach: Float64Array;
  readonly length: number;

  constructor(flat: readonly number[], axis: Axis) {
    const order: number[] = [];
    for (let at = 0; at < flat.length; at += RANGE_NUMBERS) {
      if (axis === 'device' || flat[at + 2]! >= 0) order.push(at);
    }
    if (axis === 'memory') order.sort((a, b) => flat[a + 2]! - flat[b + 2]!);
    const room = order.length;
    this.length = room;
    this.starts = new Float64Array(room);
    this.ends = new Float64Array(room);
    this.others = new Float64Array(room);
    this.allowed = new Uint8Array(room);
    this.reach = new Float64Array(room);
    let reach = 0;
    order.forEach((at, i) => {
      const count = flat[at + 1]! - flat[at]!;
      const [own, other] = axis === 'device' ? [flat[at]!, flat[at + 2]!] : [flat[at + 2]!, flat[at]!];
      this.starts[i] = own;
      this.ends[i] = own + count;
      this.others[i] = other;
      this.allowed[i] = flat[at + 3]!;
      reach = Math.max(reach, own + count);
      this.reach[i] = reach;
    });
  }

  /** The last frame of all, exclusive; 0 for an empty row. */
  end(): number {
    return this.length === 0 ? 0 : this.reach[this.length - 1]!;
  }

  /** What stands at a frame. */
  at(frame: number): Found | undefined {
    for (let i = this.firstReaching(frame); i < this.length && this.starts[i]! <= frame; i++) {
      if (this.ends[i]! > frame) {
        const { starts, ends, others, allowed } = this;
        return { start: starts[i]!, end: ends[i]!, other: others[i]!, rights: allowed[i]! };
      }
    }
    return undefined;
  }

  /**
   * Visits what is to be drawn of [from, to) when a pixel is `frames` wide: runs of pixels with their rights. What is
   * smaller than a pixel is drawn as one, with the rights of all in it.
   */
  draw(
    from: number,
    to: number,
    frames: number,
    visit: (start: number, end: number, rights: number, repeat: boolean) => void,
  ): void {
    let i = this.firstReaching(from);
    while (i < this.length && this.starts[i]! < to) {
      const start = this.starts[i]!;
      const pixelEnd = start + frames;
      let end = this.ends[i]!;
      let rights = this.allowed[i]!;
      const repeat = this.others[i]! < 0;
      i++;
      for (let more = 0; i < this.length && this.starts[i]! < pixelEnd && end <= pixelEnd; i++) {
        if (++more > RANGES_A_PIXEL) {
          i = this.firstStartingAt(pixelEnd);
          break;
        }
        rights |= this.allowed[i]!;
        end = Math.max(end, this.ends[i]!);
      }
      visit(start, end, rights, repeat);
    }
  }

  private firstReaching(frame: number): number {
    return this.firstWhere((i) => this.reach[i]! > frame);
  }

  private firstStartingAt(frame: number): number {
    return this.firstWhere((i) => this.starts[i]! >= frame);
  }

  /** The first index for which `holds`, which from there on it does for all. */
  private firstWhere(holds: (i: number) => boolean): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (holds(middle)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** The rows of all devices, those of equal tables being one, made when first asked for. */
export class Rows {
  private readonly data: PageData;
  private readonly made = new Map<string, Row>();

  constructor(data: PageData) {
    this.data = data;
  }

  of(device: PageDevice, axis: Axis): Row {
    const key = device.translation === 'passthrough' ? `passes ${device.rights}` : `${device.space} ${axis}`;
    let row = this.made.get(key);
    if (row === undefined) {
      row = new Row(this.flatOf(device), axis);
      this.made.set(key, row);
    }
    return row;
  }

  /** The end of the axis: of memory and of everything that is translated. */
  end(axis: Axis): number {
    const translated = this.data.devices.filter(({ space }) => space !== null);
    return translated.reduce(
      (end, device) => Math.max(end, this.of(device, axis).end()),
      this.data.memoryEnd,
    );
  }

  private flatOf(device: PageDevice): readonly number[] {
    if (device.translation === 'passthrough') return [0, 2 ** 40, 0, device.rights];
    return device.space === null ? [] : this.data.spaces[device.space]!;
  }
}
