import type { FoundProgram, FoundStep } from '../../../src/explore/search/outcome.js';

/** Radius of a step's circle, and how far apart steps stand. */
const DOT = 13;
const GAP = 40;
/** Steps of the way in that are drawn; of more only the last. */
const MOST_OF_WAY = 8;

/**
 * A counterexample that never ends, as a picture: the way into the loop, and the loop as a ring. Every step is a link; the
 * one that is shown is filled.
 */
export function LoopPicture({
  found,
  current,
  goTo,
}: {
  readonly found: FoundProgram;
  /** The step that is shown, where the counterexample is open; any of its rounds. */
  readonly current: number | undefined;
  readonly goTo: (step: number) => void;
}) {
  const loop = found.loop!;
  const wayIn = found.steps.filter(({ step }) => step < loop.from);
  const round = found.steps.filter(({ step }) => step >= loop.from);
  const drawn = wayIn.slice(-MOST_OF_WAY);
  const left = wayIn.length > drawn.length || drawn.length === 0 ? 1 : 0;
  const radius = Math.max(44, (round.length * GAP) / (2 * Math.PI));
  const start = { x: 26, y: radius + DOT + 4 };
  const entry = start.x + (drawn.length + left) * GAP;
  const center = { x: entry + radius, y: start.y };
  // The round begins where the way comes in, at the left, and goes clockwise.
  const placed = round.map((step, index) => {
    const angle = Math.PI + (2 * Math.PI * index) / round.length;
    return { step, x: center.x + radius * Math.cos(angle), y: center.y + radius * Math.sin(angle) };
  });
  const width = center.x + radius + DOT + 6;
  const height = 2 * (radius + DOT + 4);
  return (
    <svg class="loop-picture" viewBox={`0 0 ${width} ${height}`} width={width} height={height}>
      <title>{`a loop of ${round.length} steps, which ${wayIn.length === 0 ? 'begins at once' : `${wayIn.length} steps lead into`}; the lists beside it say which`}</title>
      <defs>
        <marker
          id="arrow-head"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerUnits="userSpaceOnUse"
          markerWidth="8"
          markerHeight="8"
          orient="auto"
        >
          <path d="M0 0 8 4 0 8z" class="head" />
        </marker>
      </defs>
      <g class="edges">
        {Array.from({ length: drawn.length + left }, (_, index) => (
          <path
            key={index}
            marker-end="url(#arrow-head)"
            d={`M${start.x + index * GAP + (left === 1 && index === 0 ? 8 : DOT)} ${start.y}H${start.x + (index + 1) * GAP - DOT - 1}`}
          />
        ))}
        {placed.map((from, index) => {
          const to = placed[(index + 1) % placed.length]!;
          return <path key={from.step.step} marker-end="url(#arrow-head)" d={arc(from, to, radius)} />;
        })}
      </g>
      {left === 1 && (
        <text x={start.x - 14} y={start.y + 5}>
          {drawn.length === 0 ? 'scene' : '…'}
        </text>
      )}
      {drawn.map((step, index) => (
        <Dot
          key={step.step}
          step={step}
          x={start.x + (index + left) * GAP}
          y={start.y}
          isShown={step.step === current}
          goTo={goTo}
        />
      ))}
      {placed.map(({ step, x, y }) => (
        <Dot
          key={step.step}
          step={step}
          x={x}
          y={y}
          isShown={current !== undefined && inRound(current, loop) === step.step}
          goTo={goTo}
        />
      ))}
      <text x={center.x} y={center.y} class="middle">
        for ever
      </text>
    </svg>
  );
}

/** The step of the first round that is the same as one of a later round. */
export function inRound(step: number, { from, to }: { readonly from: number; readonly to: number }): number {
  return step < from ? step : from + ((step - from) % (to - from + 1));
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Along the ring from one circle's edge to the next one's; of a single step, once around. */
function arc(from: Point, to: Point, radius: number): string {
  if (from === to) return `M${from.x + 6} ${from.y - DOT}a22 22 0 1 1 0 ${2 * DOT}`;
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy);
  const cut = (DOT + 1) / length;
  const start = { x: from.x + dx * cut, y: from.y + dy * cut };
  const end = { x: to.x - dx * cut, y: to.y - dy * cut };
  return `M${start.x} ${start.y}A${radius} ${radius} 0 0 1 ${end.x} ${end.y}`;
}

function Dot({
  step,
  x,
  y,
  isShown,
  goTo,
}: Point & {
  readonly step: FoundStep;
  readonly isShown: boolean;
  readonly goTo: (step: number) => void;
}) {
  return (
    <a
      href={`#step-${step.step}`}
      class={isShown ? 'dot shown' : 'dot'}
      aria-label={`step ${step.step}: ${step.text}`}
      aria-current={isShown ? 'step' : undefined}
      onClick={(event) => {
        event.preventDefault();
        goTo(step.step);
      }}
    >
      <title>{`${step.step}: ${step.text} → ${step.status}`}</title>
      <circle cx={x} cy={y} r={DOT} />
      <text x={x} y={y} class="middle">
        {step.step}
      </text>
    </a>
  );
}
