import { select } from 'd3-selection';
import { type D3ZoomEvent, type ZoomBehavior, type ZoomTransform, zoom, zoomIdentity } from 'd3-zoom';
import type { MachineGraph } from '../../../src/explore/machine-graph.js';

/** What the picture shows beside the states and their edges. */
export interface Marked {
  readonly here: number | undefined;
  readonly picked: number | undefined;
  readonly lit: readonly (readonly [from: number, to: number])[];
  /** States that the reader looks for; all when there is no such set. */
  readonly wanted: ReadonlySet<number> | undefined;
  /** Whether edges that lead back, or to the same layer, are drawn; those of the picked state always are. */
  readonly allEdges: boolean;
}

interface Colours {
  readonly line: string;
  readonly node: string;
  readonly text: string;
  readonly bad: string;
  readonly badGround: string;
  readonly warn: string;
  readonly accent: string;
  readonly ground: string;
  readonly focus: string;
}

/**
 * Pixels: the least and the most that a state measures from its middle, the least where there are few, and how far off one
 * may click.
 */
const SMALLEST = 2;
const CLEAR = 4.5;
const FEW = 300;
const LARGEST = 13;
const NEAR = 10;
/** Room around the graph. */
const MARGIN = 28;
/** From a layer to the next, at least; and how much wider than it was laid out a narrow graph may become. */
const LAYER = 70;
const WIDEST = 4;

/** A graph of states on a canvas, to be zoomed and moved. Layers go down, the first state stands on top. */
export class Picture {
  private readonly canvas: HTMLCanvasElement;
  private readonly context: CanvasRenderingContext2D;
  private readonly behaviour: ZoomBehavior<HTMLCanvasElement, unknown>;
  private transform: ZoomTransform = zoomIdentity;
  private colours: Colours;
  private graph: MachineGraph | undefined;
  private x: Float64Array = new Float64Array();
  private y: Float64Array = new Float64Array();
  private marked: Marked = { here: undefined, picked: undefined, lit: [], wanted: undefined, allEdges: true };
  private frame = 0;

  constructor(canvas: HTMLCanvasElement, onMove: () => void) {
    this.canvas = canvas;
    this.context = canvas.getContext('2d')!;
    this.colours = coloursOf(canvas);
    this.behaviour = zoom<HTMLCanvasElement, unknown>()
      .scaleExtent([0.005, 8])
      .on('zoom', ({ transform }: D3ZoomEvent<HTMLCanvasElement, unknown>) => {
        this.transform = transform;
        onMove();
        this.redraw();
      });
    select(canvas).call(this.behaviour).on('dblclick.zoom', null);
  }

  close(): void {
    cancelAnimationFrame(this.frame);
    select(this.canvas).on('.zoom', null);
  }

  /** Takes a graph with its layout, and shows all of it. */
  show(graph: MachineGraph, x: Float64Array): void {
    this.graph = graph;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const layers = Math.max(1, ...graph.states.map(({ depth }) => depth));
    const breadth = Math.max(...x) - Math.min(...x);
    const shape = width / Math.max(1, height);
    const layer = Math.max(LAYER, breadth / shape / layers);
    const wider = Math.min(WIDEST, Math.max(1, (layer * layers * shape) / Math.max(1, breadth)));
    this.x = x.map((left) => left * wider);
    this.y = Float64Array.from(graph.states, ({ depth }) => depth * layer);
    this.fit();
  }

  mark(marked: Marked): void {
    this.marked = marked;
    this.redraw();
  }

  /** The page's colours, or the canvas's size, may have changed. */
  refresh(): void {
    this.colours = coloursOf(this.canvas);
    this.redraw();
  }

  zoomBy(factor: number): void {
    select(this.canvas).call(this.behaviour.scaleBy, factor);
  }

  moveBy(right: number, down: number): void {
    const { k } = this.transform;
    select(this.canvas).call(this.behaviour.translateBy, right / k, down / k);
  }

  /** Shows all of the graph. */
  fit(): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const [left, right] = [Math.min(...this.x), Math.max(...this.x)];
    const [top, bottom] = [Math.min(...this.y), Math.max(...this.y)];
    const fits = (room: number, size: number) => (room - 2 * MARGIN) / Math.max(1, size);
    const k = Math.min(1.5, fits(width, right - left), fits(height, bottom - top));
    const at = zoomIdentity
      .translate(width / 2 - (k * (left + right)) / 2, height / 2 - (k * (top + bottom)) / 2)
      .scale(k);
    select(this.canvas).call(this.behaviour.transform, at);
  }

  /** Brings a state into the middle, near enough to be told from others. */
  goTo(state: number): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const k = Math.max(this.transform.k, 0.6);
    const at = zoomIdentity
      .translate(width / 2 - k * this.x[state]!, height / 2 - k * this.y[state]!)
      .scale(k);
    select(this.canvas).call(this.behaviour.transform, at);
  }

  /** The state at a place of the canvas, or next to it. */
  stateAt(left: number, top: number): number | undefined {
    let [best, distance] = [undefined as number | undefined, NEAR + this.radius];
    for (let state = 0; state < this.x.length; state++) {
      const far = Math.hypot(this.left(state) - left, this.top(state) - top);
      if (far < distance) [best, distance] = [state, far];
    }
    return best;
  }

  /** The edge at a place of the canvas, by its number in the graph. */
  edgeAt(left: number, top: number): number | undefined {
    const { edges = [] } = this.graph ?? {};
    let [best, distance] = [undefined as number | undefined, 5];
    for (const [number, { from, to }] of edges.entries()) {
      if (!this.isDrawn(from, to)) continue;
      const far = this.distanceToEdge(from, to, left, top);
      if (far < distance) [best, distance] = [number, far];
    }
    return best;
  }

  private left(state: number): number {
    return this.transform.applyX(this.x[state]!);
  }

  private top(state: number): number {
    return this.transform.applyY(this.y[state]!);
  }

  private get radius(): number {
    const smallest = this.x.length < FEW ? CLEAR : SMALLEST;
    return Math.min(LARGEST, Math.max(smallest, 10 * this.transform.k));
  }

  private isFurther(from: number, to: number): boolean {
    return this.y[to]! > this.y[from]!;
  }

  private isDrawn(from: number, to: number): boolean {
    const { allEdges, picked } = this.marked;
    return allEdges || from === picked || to === picked || this.isFurther(from, to);
  }

  /** The point that an edge bends towards: edges that lead back, or to the same layer, keep off those that lead further. */
  private bend(from: number, to: number): [left: number, top: number] {
    const [x1, y1, x2, y2] = [this.left(from), this.top(from), this.left(to), this.top(to)];
    const length = Math.hypot(x2 - x1, y2 - y1) || 1;
    const off = this.isFurther(from, to) ? 0 : Math.min(60, length / 4) / length;
    return [(x1 + x2) / 2 + (y2 - y1) * off, (y1 + y2) / 2 - (x2 - x1) * off];
  }

  private distanceToEdge(from: number, to: number, left: number, top: number): number {
    const [bx, by] = this.bend(from, to);
    const [x1, y1, x2, y2] = [this.left(from), this.top(from), this.left(to), this.top(to)];
    if (left < Math.min(x1, bx, x2) - 5 || left > Math.max(x1, bx, x2) + 5) return Number.POSITIVE_INFINITY;
    let least = Number.POSITIVE_INFINITY;
    for (let n = 0; n <= 24; n++) {
      const t = n / 24;
      const [a, b, c] = [(1 - t) ** 2, 2 * t * (1 - t), t ** 2];
      least = Math.min(least, Math.hypot(a * x1 + b * bx + c * x2 - left, a * y1 + b * by + c * y2 - top));
    }
    return least;
  }

  private redraw(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    const { canvas, context: on, graph, marked, colours } = this;
    const scale = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
    if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
    on.setTransform(scale, 0, 0, scale, 0, 0);
    on.fillStyle = colours.ground;
    on.fillRect(0, 0, width, height);
    if (graph === undefined) return;
    this.drawEdges(graph);
    for (const [from, to] of marked.lit) this.drawArrow(from, to, colours.accent, 3);
    const { picked } = marked;
    if (picked !== undefined)
      for (const { from, to } of graph.edges)
        if (from === picked || to === picked) this.drawArrow(from, to, colours.focus, 1.5);
    for (let state = 0; state < graph.states.length; state++) this.drawState(state);
    this.drawHere();
  }

  private drawEdges({ edges }: MachineGraph): void {
    const { context: on, colours } = this;
    // Many edges on top of each other: each is fainter.
    on.globalAlpha = Math.max(0.1, Math.min(0.7, 200 / edges.length));
    on.strokeStyle = colours.line;
    on.lineWidth = 1;
    on.beginPath();
    for (const { from, to } of edges) {
      if (!this.isDrawn(from, to)) continue;
      on.moveTo(this.left(from), this.top(from));
      if (this.isFurther(from, to)) on.lineTo(this.left(to), this.top(to));
      else on.quadraticCurveTo(...this.bend(from, to), this.left(to), this.top(to));
    }
    on.stroke();
    on.globalAlpha = 1;
  }

  private drawArrow(from: number, to: number, colour: string, width: number): void {
    const { context: on, radius } = this;
    const [bx, by] = this.bend(from, to);
    const [x2, y2] = [this.left(to), this.top(to)];
    const angle = Math.atan2(y2 - by, x2 - bx);
    const [ax, ay] = [x2 - Math.cos(angle) * radius, y2 - Math.sin(angle) * radius];
    on.strokeStyle = colour;
    on.fillStyle = colour;
    on.lineWidth = width;
    on.beginPath();
    on.moveTo(this.left(from), this.top(from));
    on.quadraticCurveTo(bx, by, ax, ay);
    on.stroke();
    const size = 4 + width;
    on.beginPath();
    on.moveTo(ax, ay);
    for (const turn of [2.7, -2.7])
      on.lineTo(ax + Math.cos(angle + turn) * size, ay + Math.sin(angle + turn) * size);
    on.fill();
  }

  private drawState(state: number): void {
    const { context: on, colours, marked } = this;
    const [x, y] = [this.left(state), this.top(state)];
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (x < -20 || y < -20 || x > width + 20 || y > height + 20) return;
    const { violated, underWay } = this.graph!.states[state]!;
    const bad = violated.length > 0;
    const radius = bad ? Math.max(3.5, this.radius) : this.radius;
    on.globalAlpha = marked.wanted?.has(state) === false ? 0.25 : 1;
    on.lineWidth = radius < 5 ? 1 : 1.5;
    on.strokeStyle = bad ? colours.bad : colours.node;
    on.fillStyle = bad ? colours.badGround : radius < 4 ? colours.node : colours.ground;
    on.beginPath();
    if (state === 0) on.rect(x - radius, y - radius, 2 * radius, 2 * radius);
    else if (bad) triangle(on, x, y, radius * 1.25);
    else on.arc(x, y, radius, 0, 2 * Math.PI);
    on.fill();
    on.stroke();
    if (underWay.length > 0 && radius >= 4) {
      on.strokeStyle = colours.warn;
      on.beginPath();
      on.arc(x, y, radius + 3, 0.3 * Math.PI, 1.7 * Math.PI);
      on.stroke();
    }
    if (radius >= 9) {
      on.fillStyle = bad ? colours.bad : colours.text;
      on.font = `${state > 999 ? 8 : 10}px sans-serif`;
      on.textAlign = 'center';
      on.textBaseline = 'middle';
      on.fillText(String(state), x, y + (bad ? 2 : 0.5));
    }
    on.globalAlpha = 1;
  }

  private drawHere(): void {
    const { context: on, colours, marked, radius } = this;
    const { here, picked } = marked;
    if (picked !== undefined) {
      on.strokeStyle = colours.focus;
      on.lineWidth = 2;
      on.strokeRect(
        this.left(picked) - radius - 5,
        this.top(picked) - radius - 5,
        2 * radius + 10,
        2 * radius + 10,
      );
    }
    if (here === undefined || here < 0) return;
    const [x, y] = [this.left(here), this.top(here)];
    on.strokeStyle = colours.accent;
    on.lineWidth = 3;
    on.beginPath();
    on.arc(x, y, radius + 5, 0, 2 * Math.PI);
    on.stroke();
    on.font = 'bold 12px sans-serif';
    on.textAlign = 'left';
    on.textBaseline = 'middle';
    const text = 'you are here';
    const left = x + radius + 10;
    on.fillStyle = colours.ground;
    on.fillRect(left - 3, y - 9, on.measureText(text).width + 6, 18);
    on.fillStyle = colours.accent;
    on.fillText(text, left, y);
  }
}

function triangle(on: CanvasRenderingContext2D, x: number, y: number, size: number): void {
  on.moveTo(x, y - size);
  on.lineTo(x + size, y + size * 0.75);
  on.lineTo(x - size, y + size * 0.75);
  on.closePath();
}

/** The page's colours as a canvas wants them: resolved, for light or dark. */
function coloursOf(canvas: HTMLCanvasElement): Colours {
  const probe = document.createElement('span');
  canvas.parentElement!.append(probe);
  const colour = (name: string): string => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const colours = {
    line: colour('line-strong'),
    node: colour('dim'),
    text: colour('text'),
    bad: colour('bad'),
    badGround: colour('bad-bg'),
    warn: colour('warn'),
    accent: colour('accent'),
    ground: colour('panel'),
    focus: colour('differs'),
  };
  probe.remove();
  return colours;
}
