import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

/** Rows that are drawn at least beyond what can be seen, on either side; windows begin at multiples of it. */
const BEYOND = 4;

/** How high a row is taken to be before it has been measured, in pixels. */
const ROW = 24;

/** The rows of a long list that are drawn: `count` of them from the row `from`. There may be fewer. */
export interface WindowOfRows {
  readonly from: number;
  readonly count: number;
}

/** What of a long list is drawn, and what it is measured by. */
export interface RowWindow extends WindowOfRows {
  /** The element that scrolls; in it is one of class `probe`, which is as high as a row. */
  readonly scroller: RefObject<HTMLDivElement | null>;
  /** How far it is scrolled, in pixels; what uses the window is not drawn again for that alone. */
  readonly scrolled: { readonly current: number };
  /** How much of the list can be seen, in pixels. */
  readonly height: number;
  /** How high a row is with the letters of now, in pixels. */
  readonly row: number;
}

/**
 * Which rows to draw of a list that is scrolled so far. The window moves by several rows at once, so that a row further
 * draws nothing anew.
 */
export function windowOfRows(top: number, height: number, row: number): WindowOfRows {
  return {
    from: Math.max(0, (Math.floor(top / row / BEYOND) - 1) * BEYOND),
    count: (Math.ceil(height / row / BEYOND) + 3) * BEYOND,
  };
}

/** Follows how a long list is scrolled and sized, and draws what uses it again when other rows are to be drawn. */
export function useRowWindow(): RowWindow {
  const scroller = useRef<HTMLDivElement>(null);
  const scrolled = useRef(0);
  const [window, setWindow] = useState(() => ({ ...windowOfRows(0, 0, ROW), height: 0, row: ROW }));
  useEffect(() => {
    const element = scroller.current!;
    const probe = element.querySelector('.probe')!;
    const look = (): void => {
      const height = element.clientHeight;
      const row = probe.getBoundingClientRect().height || ROW;
      scrolled.current = element.scrollTop;
      const { from, count } = windowOfRows(scrolled.current, height, row);
      setWindow((before) =>
        before.from === from && before.count === count && before.height === height && before.row === row
          ? before
          : { from, count, height, row },
      );
    };
    look();
    const watch = new ResizeObserver(look);
    watch.observe(element);
    watch.observe(probe);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      watch.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, []);
  return { scroller, scrolled, ...window };
}
