import { scaleLinear } from 'd3-scale';
import { select } from 'd3-selection';
import { type D3ZoomEvent, type ZoomTransform, zoom, zoomIdentity } from 'd3-zoom';
import { rightsText } from '../../src/formats/address.js';
import type { PageData, PageDevice } from '../../src/report/audit-page-data.js';
import { sizeText } from '../../src/text/count.js';
import { type Axis, Rows } from './rows.js';
import { addressText } from './words.js';

const ROW = 22;
const LABEL = 190;
const AXIS = 26;
const PAGE = 4096;

/**
 * Colours that stay apart for every kind of colour blindness (Okabe and Ito), each with a pattern of its own, so that no
 * colour needs to be told from another to read the picture.
 */
const FILLS: Readonly<
  Record<number, { readonly colour: string; readonly pattern: 'plain' | 'rising' | 'upright' }>
> = {
  1: { colour: '#56b4e9', pattern: 'rising' },
  2: { colour: '#e69f00', pattern: 'upright' },
  3: { colour: '#d55e00', pattern: 'plain' },
};
const REPEAT = '#999999';
const PASSES = '#000000';

/** Draws the picture into a canvas and keeps it in step with the mouse, the keyboard and the size of the window. */
export class Picture {
  axis: Axis = 'device';
  private readonly data: PageData;
  private readonly rows: Rows;
  private readonly canvas: HTMLCanvasElement;
  private readonly context: CanvasRenderingContext2D;
  private readonly scroller: HTMLElement;
  private readonly said: HTMLElement;
  private readonly patterns = new Map<number, CanvasPattern | string>();
  private readonly zooming = zoom<HTMLCanvasElement, unknown>();
  private transform: ZoomTransform = zoomIdentity;
  private end = 1;
  /** The device that the keyboard has gone to; -1 before. */
  private chosen = -1;

  /**
   * @param scroller scrolls through the devices; the canvas stands still in it
   * @param said where what lies under the pointer is told
   */
  constructor(data: PageData, canvas: HTMLCanvasElement, scroller: HTMLElement, said: HTMLElement) {
    this.data = data;
    this.rows = new Rows(data);
    this.canvas = canvas;
    this.context = canvas.getContext('2d')!;
    this.scroller = scroller;
    this.said = said;
    this.zooming
      .filter(
        (event: Event) =>
          event.type !== 'wheel' || (event as WheelEvent).ctrlKey || !(event as WheelEvent).shiftKey,
      )
      .on('zoom', (event: D3ZoomEvent<HTMLCanvasElement, unknown>) => {
        this.transform = event.transform;
        this.draw();
      });
    select(canvas).call(this.zooming);
    canvas.addEventListener('mousemove', (event) => this.tell(event.offsetX, event.offsetY));
    canvas.addEventListener('keydown', (event) => this.onKey(event));
    scroller.addEventListener('scroll', () => this.draw());
    new ResizeObserver(() => this.resize()).observe(scroller);
    this.resize();
  }

  /** Shows one of the two axes, all of it. */
  show(axis: Axis): void {
    this.axis = axis;
    this.reset();
  }

  reset(): void {
    this.resize();
    select(this.canvas).call(this.zooming.transform, zoomIdentity);
  }

  zoomBy(factor: number): void {
    select(this.canvas).call(this.zooming.scaleBy, factor);
  }

  /** Shows bytes [start, end) with as much around them. */
  showBytes(start: number, end: number): void {
    const width = this.width();
    const frames = Math.max(1, (end - start) / PAGE);
    const scale = Math.max(1, this.end / (frames * 3));
    const middle = (start + end) / 2 / PAGE;
    const x = LABEL + width / 2 - LABEL * scale - ((middle * width) / this.end) * scale;
    select(this.canvas).call(this.zooming.transform, zoomIdentity.translate(x, 0).scale(scale));
  }

  /** Where a frame stands, in pixels. */
  private scale() {
    const whole = scaleLinear()
      .domain([0, this.end])
      .range([LABEL, LABEL + this.width()]);
    return this.transform.rescaleX(whole);
  }

  private width(): number {
    return Math.max(50, this.scroller.clientWidth - LABEL - 8);
  }

  private resize(): void {
    const { scroller, canvas, context } = this;
    const ratio = window.devicePixelRatio || 1;
    const height = Math.min(scroller.clientHeight, AXIS + this.data.devices.length * ROW + 2);
    canvas.style.width = `${scroller.clientWidth}px`;
    canvas.style.height = `${height}px`;
    canvas.width = scroller.clientWidth * ratio;
    canvas.height = height * ratio;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.end = Math.max(1, this.rows.end(this.axis));
    const width = this.width();
    this.zooming
      // Down to a frame that is as wide as a word.
      .scaleExtent([1, Math.max(1, (this.end * 60) / width)])
      .extent([
        [LABEL, 0],
        [LABEL + width, height],
      ])
      .translateExtent([
        [LABEL, Number.NEGATIVE_INFINITY],
        [LABEL + width, Number.POSITIVE_INFINITY],
      ]);
    this.draw();
  }

  private draw(): void {
    const { context, data, scroller, canvas } = this;
    const scale = this.scale();
    const width = this.width();
    const height = canvas.clientHeight;
    context.clearRect(0, 0, scroller.clientWidth, height);
    const [from = 0, to = 1] = scale.domain();
    const frames = (to - from) / width;
    const first = Math.floor(scroller.scrollTop / ROW);
    context.font = '12px ui-monospace, monospace';
    context.textBaseline = 'middle';
    for (let i = first; i < data.devices.length; i++) {
      const y = AXIS + i * ROW - scroller.scrollTop;
      if (y > height) break;
      this.drawDevice(data.devices[i]!, y, scale, from, to, frames);
    }
    this.drawChosen();
    this.drawAxis(scale, width);
  }

  private drawDevice(
    device: PageDevice,
    y: number,
    scale: (frame: number) => number,
    from: number,
    to: number,
    frames: number,
  ): void {
    const { context } = this;
    context.fillStyle = '#f4f4f4';
    context.fillRect(LABEL, y + 2, this.width(), ROW - 4);
    if (device.translation === 'blocked') {
      context.fillStyle = '#666666';
      context.fillText(`blocked${device.note === '' ? '' : `: ${device.note}`}`, LABEL + 6, y + ROW / 2);
    }
    const passes = device.translation === 'passthrough';
    this.rows.of(device, this.axis).draw(from, to, frames, (start, end, rights, repeat) => {
      const left = Math.max(LABEL, scale(start));
      const right = Math.min(LABEL + this.width(), Math.max(scale(end), left + 1));
      context.fillStyle = passes ? PASSES : repeat ? REPEAT : this.fillOf(rights & device.rights);
      context.fillRect(left, y + 2, right - left, ROW - 4);
    });
    context.clearRect(0, y, LABEL, ROW);
    context.fillStyle = '#000000';
    const id = device.domainId === null ? '' : `  id ${device.domainId}`;
    context.fillText(`${device.sbdf}${id}`, 4, y + ROW / 2);
    if (passes) {
      context.fillStyle = '#ffffff';
      context.fillText('passes untranslated: all memory', LABEL + 6, y + ROW / 2);
    }
  }

  /** A frame around the chosen device, and a mark at the address that is told. */
  private drawChosen(): void {
    const { context, chosen, scroller } = this;
    if (chosen < 0) return;
    const y = AXIS + chosen * ROW - scroller.scrollTop;
    context.strokeStyle = '#000000';
    context.lineWidth = 2;
    context.strokeRect(2, y + 1, LABEL + this.width() - 2, ROW - 2);
    context.fillStyle = '#000000';
    context.fillRect(LABEL + this.width() / 2 - 1, y - 3, 3, ROW + 6);
  }

  /** Goes to the device `by` rows below, and tells what it reaches in the middle of what is shown. */
  private choose(by: number): void {
    const { data, scroller } = this;
    this.chosen = Math.min(data.devices.length - 1, Math.max(0, this.chosen + by));
    const top = this.chosen * ROW;
    const room = scroller.clientHeight - AXIS - ROW;
    scroller.scrollTop = Math.min(top, Math.max(scroller.scrollTop, top - room));
    this.draw();
    this.tellChosen();
  }

  private tellChosen(): void {
    if (this.chosen < 0) return;
    this.tell(LABEL + this.width() / 2, AXIS + this.chosen * ROW - this.scroller.scrollTop + ROW / 2);
  }

  private drawAxis(scale: ReturnType<Picture['scale']>, width: number): void {
    const { context } = this;
    context.clearRect(0, 0, LABEL + width + 8, AXIS);
    context.fillStyle = '#000000';
    context.fillText(this.axis === 'device' ? 'device addresses' : 'memory', 4, AXIS / 2);
    const [from = 0, to = 1] = scale.domain();
    for (const frame of ticks(from, to, width / 130)) {
      const x = scale(frame);
      context.fillRect(x, AXIS - 5, 1, 5);
      context.fillText(addressText(frame), x + 3, AXIS / 2);
    }
  }

  private fillOf(rights: number): CanvasPattern | string {
    const known = this.patterns.get(rights);
    if (known !== undefined) return known;
    const { colour, pattern } = FILLS[rights] ?? { colour: REPEAT, pattern: 'plain' as const };
    const fill = pattern === 'plain' ? colour : hatched(this.context, colour, pattern);
    this.patterns.set(rights, fill);
    return fill;
  }

  /** Says what lies under a place of the canvas. */
  private tell(x: number, y: number): void {
    const device = this.data.devices[Math.floor((y - AXIS + this.scroller.scrollTop) / ROW)];
    if (device === undefined || x < LABEL || y < AXIS) {
      this.said.textContent = '';
      return;
    }
    const frame = Math.floor(this.scale().invert(x));
    const found = this.rows.of(device, this.axis).at(frame);
    const place = `${device.sbdf} at ${addressText(frame)}`;
    if (found === undefined || (found.rights & device.rights) === 0) {
      this.said.textContent = `${place}: nothing`;
      return;
    }
    const range = `${addressText(found.start)} to ${addressText(found.end)} (${sizeText((found.end - found.start) * PAGE)})`;
    const other =
      found.other < 0 ? 'repeats an earlier range' : addressText(found.other + frame - found.start);
    const relation = this.axis === 'device' ? `→ ${other}` : `← ${other}`;
    this.said.textContent = `${place}: ${rightsText(found.rights & device.rights)} ${relation}, in ${range}`;
  }

  private onKey(event: KeyboardEvent): void {
    const pan = (x: number) => select(this.canvas).call(this.zooming.translateBy, x / this.transform.k, 0);
    const keys: Readonly<Record<string, () => unknown>> = {
      '+': () => this.zoomBy(2),
      '=': () => this.zoomBy(2),
      '-': () => this.zoomBy(0.5),
      '0': () => this.reset(),
      ArrowLeft: () => pan(100),
      ArrowRight: () => pan(-100),
      ArrowUp: () => this.choose(-1),
      ArrowDown: () => this.choose(1),
    };
    const act = keys[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
    this.tellChosen();
  }
}

/** Round frames (powers of two and their multiples) in [from, to), about `most` of them. */
function ticks(from: number, to: number, most: number): number[] {
  const step = Math.max(1, 2 ** Math.ceil(Math.log2((to - from) / Math.max(1, most))));
  const found: number[] = [];
  for (let frame = Math.ceil(from / step) * step; frame < to; frame += step) found.push(frame);
  return found;
}

function hatched(
  context: CanvasRenderingContext2D,
  colour: string,
  kind: 'rising' | 'upright',
): CanvasPattern | string {
  const tile = document.createElement('canvas');
  tile.width = tile.height = 6;
  const on = tile.getContext('2d')!;
  on.fillStyle = colour;
  on.fillRect(0, 0, 6, 6);
  on.strokeStyle = '#ffffff';
  on.lineWidth = 1.2;
  on.beginPath();
  if (kind === 'rising') {
    on.moveTo(-1, 7);
    on.lineTo(7, -1);
  } else {
    on.moveTo(3, 0);
    on.lineTo(3, 6);
  }
  on.stroke();
  return context.createPattern(tile, 'repeat') ?? colour;
}
