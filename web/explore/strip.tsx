import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Loop } from '../../src/explore/rounds.js';
import { marksOf } from './marks.js';
import type { PanelProps } from './panel.js';

/** How the strip is laid out, in pixels. */
interface Size {
  readonly width: number;
  readonly height: number;
}

/** What the strip leaves free at either end, so that signs of the first and the last step are whole: half of the thumb. */
const INSET = 6;

const placeOf = (step: number, length: number, width: number): number =>
  INSET + (length === 0 ? 0 : (step / length) * (width - 2 * INSET));

/** Half of what a sign takes. */
const SIGN = 4;
/** A run whose steps stand closer than so many pixels has no tick for each. */
const TICK_GAP = 5;
/** Pixels that a number takes. */
const NUMBER_ROOM = 60;
/** Pixels between two numbers under the strip, at least. */
const NUMBER_GAP = 90;

/**
 * The whole run at a glance: a lane for each kind of mark, how far has been judged, where it goes round for ever, and where
 * the page is. However many steps there are, it is a few paths, of one piece for every column of pixels at most.
 */
export function Strip({ session }: PanelProps) {
  const place = useRef<HTMLDivElement>(null);
  const [{ width, height }, setSize] = useState<Size>({ width: 0, height: 0 });
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect;
      setSize({ width, height });
    });
    watch.observe(place.current!);
    return () => watch.disconnect();
  }, []);
  const length = session.opened.value?.length ?? 0;
  const kinds = marksOf(session);
  /** Lanes, and below them the numbers. */
  const lane = height / (kinds.length + 1);
  const x = (step: number): number => placeOf(step, length, width);
  return (
    <div class="strip" ref={place}>
      {width > 0 && (
        <svg width={width} height={height} aria-hidden="true">
          <Scale length={length} width={width} height={height} base={height - lane} x={x} />
          <Judged session={session} x={x} height={height - lane} />
          <Loops session={session} x={x} height={height} />
          {kinds.map(({ id, stepsOf }, index) => (
            <Lane
              key={id}
              id={id}
              steps={stepsOf(session) ?? []}
              length={length}
              width={width}
              y={(index + 0.5) * lane}
            />
          ))}
          <Cursor x={x(session.step.value)} height={height} />
        </svg>
      )}
      <input
        type="range"
        min={0}
        max={length}
        value={session.step.value}
        aria-label="step"
        aria-valuetext={`step ${session.step.value} of ${length}`}
        onInput={({ currentTarget }) => session.goTo(Number(currentTarget.value))}
      />
    </div>
  );
}

interface ScaleProps extends Size {
  readonly length: number;
  /** Where the ticks stand. */
  readonly base: number;
  readonly x: (step: number) => number;
}

/** Ticks, and numbers under some of them. */
function Scale({ length, width, height, base, x }: ScaleProps) {
  const gap = niceAtLeast((NUMBER_GAP / width) * length);
  const numbers = Array.from({ length: Math.floor(length / gap) + 1 }, (_, i) => i * gap);
  const ticks = length * TICK_GAP <= width ? Array.from({ length: length + 1 }, (_, i) => i) : numbers;
  return (
    <g class="scale">
      <path d={`M0 ${base} H${width} ${ticks.map((step) => `M${x(step)} ${base} v4`).join('')}`} />
      {numbers.map((step) => (
        <text
          key={step}
          x={x(step) + (x(step) > width - NUMBER_ROOM ? -3 : 3)}
          y={height - 2}
          text-anchor={x(step) > width - NUMBER_ROOM ? 'end' : 'start'}
        >
          {step}
        </text>
      ))}
    </g>
  );
}

/** 1, 2 or 5 and noughts: the least such that is not below `value`. */
function niceAtLeast(value: number): number {
  const power = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, value))));
  return [1, 2, 5, 10].map((times) => times * power).find((nice) => nice >= value) ?? 1;
}

interface InStrip extends PanelProps {
  readonly x: (step: number) => number;
  readonly height: number;
}

/** The steps that have not been held against the invariants yet are hatched. */
function Judged({ session, x, height }: InStrip) {
  const length = session.opened.value?.length ?? 0;
  const { judged } = session.marks.value;
  if (judged > length) return null;
  const from = x(judged);
  return (
    <>
      <defs>
        <pattern id="not-judged" width="6" height="6" patternUnits="userSpaceOnUse">
          <path d="M0 6 L6 0" class="hatch" />
        </pattern>
      </defs>
      <rect x={from} y={0} width={Math.max(0, x(length) - from)} height={height} fill="url(#not-judged)" />
    </>
  );
}

/** Loops beyond these are not drawn: nobody could tell them apart. */
const MAX_LOOPS = 200;
/** Pixels that the word takes. */
const LOOP_LABEL = 90;

function Loops({ session, x, height }: InStrip) {
  const loops = session.opened.value?.loops ?? [];
  if (loops.length === 0) return null;
  const line = loops
    .slice(0, MAX_LOOPS)
    .map(({ from, end }) => `M${x(from)} ${height - 3} V2 H${x(end)} V${height - 3}`)
    .join('');
  const [{ from, end }] = loops as [Loop, ...Loop[]];
  return (
    <>
      <path class="loop" d={line} />
      {x(end) - x(from) > LOOP_LABEL && (
        <text class="loop-label" x={x(from) + 4} y={13}>
          ↻ for ever
        </text>
      )}
    </>
  );
}

interface LaneProps {
  readonly id: string;
  readonly steps: readonly number[];
  readonly length: number;
  readonly width: number;
  readonly y: number;
}

/** The marks of a kind: its sign for each, or bars where they stand so close that signs would run into each other. */
function Lane({ id, steps, length, width, y }: LaneProps) {
  const path = useMemo(() => {
    const columns = new Set<number>();
    for (const step of steps) columns.add(Math.round(placeOf(step, length, width)));
    const sign = columns.size * 3 * SIGN > width ? bar : (SIGNS[id] ?? bar);
    return [...columns].map((column) => sign(column, y)).join('');
  }, [id, steps, length, width, y]);
  return <path class={`lane ${id}`} d={path} />;
}

const bar = (x: number, y: number): string => `M${x} ${y - SIGN} v${2 * SIGN}`;

/** The signs of marks.ts as paths. */
const SIGNS: Readonly<Record<string, (x: number, y: number) => string>> = {
  unexpected: (x, y) => `M${x - 3.5} ${y - 3.5} l7 7 m0 -7 l-7 7`,
  violation: (x, y) => `M${x - 3} ${y - 3} h6 v6 h-6 z`,
  fault: (x, y) => `M${x - 4} ${y + 3.5} h8 l-4 -7 z`,
  differs: (x, y) => `M${x} ${y - 4} l4 4 l-4 4 l-4 -4 z`,
};

function Cursor({ x, height }: { readonly x: number; readonly height: number }) {
  return <path class="cursor" d={`M${x} 0 V${height} M${x - 5} 0 h10 l-5 7 z`} />;
}
