import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';
import type { SearchProgress } from '../../../src/explore/search/search.js';
import { grouped, sizeText } from '../../../src/text/count.js';
import type { SearchState } from './search-state.js';

/** How the search is getting on: figures, and a picture of them over time. */
export function ProgressOf({ state }: { readonly state: SearchState }) {
  const progress = state.progress.value;
  const box = useRef<HTMLDivElement>(null);
  const hasBegun = progress !== undefined;
  useEffect(() => box.current?.scrollIntoView({ block: 'nearest' }), [hasBegun]);
  if (!hasBegun) return <p class="dim">The search begins …</p>;
  const { states, transitions, depth, frontier, bytes, seconds, statesASecond, left, loops } = progress;
  const rows: readonly (readonly [string, string])[] = [
    ['states found', grouped(states)],
    [loops ? 'to look at for loops' : 'to go on from', grouped(frontier)],
    ['transitions', grouped(transitions)],
    ['depth', String(depth)],
    ['states a second', grouped(statesASecond)],
    ['memory', sizeText(bytes)],
    ['time', `${seconds.toFixed(1)} s`],
    ['at least to go', left === undefined ? 'not known' : `${Math.ceil(left)} s`],
  ];
  return (
    <div class="search-progress" ref={box}>
      <dl>
        {rows.map(([label, text]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <Chart moments={state.moments.value} />
    </div>
  );
}

const WIDTH = 380;
const HEIGHT = 170;

/** States found, and of them those not gone on from yet, over the seconds. */
export function Chart({ moments }: { readonly moments: readonly SearchProgress[] }) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<UPlot | undefined>(undefined);
  useEffect(() => {
    const build = () => {
      chart.current?.destroy();
      const data = chart.current?.data ?? [[], [], []];
      chart.current = new UPlot(optionsOf(place.current!), data as UPlot.AlignedData, place.current!);
    };
    build();
    // A canvas does not follow the page's colours by itself.
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const theme = new MutationObserver(build);
    theme.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    dark.addEventListener('change', build);
    return () => {
      theme.disconnect();
      dark.removeEventListener('change', build);
      chart.current?.destroy();
    };
  }, []);
  useEffect(() => {
    const searching = moments.filter(({ loops }) => loops !== true);
    chart.current?.setData([
      searching.map(({ seconds }) => seconds),
      searching.map(({ states }) => states),
      searching.map(({ frontier }) => frontier),
    ]);
  }, [moments]);
  return (
    <figure class="search-chart">
      <div ref={place} aria-hidden="true" />
      <figcaption>
        <span class="found-line">━ states found</span> <span class="frontier-line">╍ to go on from</span>{' '}
        <span class="dim">over seconds</span>
      </figcaption>
    </figure>
  );
}

function optionsOf(place: HTMLElement): UPlot.Options {
  const color = (name: string): string => {
    place.style.color = `var(${name})`;
    const { color } = getComputedStyle(place);
    place.style.color = '';
    return color;
  };
  const [text, line, found, frontier] = ['--dim', '--line', '--accent', '--changed'].map(color);
  const axis: UPlot.Axis = {
    stroke: text!,
    grid: { stroke: line!, width: 1 },
    ticks: { stroke: line!, width: 1 },
  };
  return {
    width: WIDTH,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: false } },
    axes: [
      { ...axis, size: 32, values: (_, splits) => splits.map((second) => `${second} s`) },
      { ...axis, size: 70, values: (_, splits) => splits.map((count) => grouped(count)) },
    ],
    series: [
      {},
      { stroke: found!, width: 2, points: { show: false } },
      { stroke: frontier!, width: 2, dash: [6, 4], points: { show: false } },
    ],
  };
}
