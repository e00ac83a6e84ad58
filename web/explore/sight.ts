import { useEffect, useState } from 'preact/hooks';

/** What of a long list can be seen, in pixels: only that is drawn. */
export interface Sight {
  readonly top: number;
  readonly height: number;
  readonly row: number;
}

/**
 * How far a list is scrolled, how much of it can be seen, and how high a row is with the letters of now: as high as the
 * element of class `probe` in it.
 */
export function useSight(scroller: { readonly current: HTMLDivElement | null }): Sight {
  const [sight, setSight] = useState<Sight>({ top: 0, height: 0, row: 24 });
  useEffect(() => {
    const element = scroller.current!;
    const probe = element.querySelector('.probe')!;
    const look = (): void => {
      const now = {
        top: element.scrollTop,
        height: element.clientHeight,
        row: probe.getBoundingClientRect().height || 24,
      };
      setSight((before) =>
        before.top === now.top && before.height === now.height && before.row === now.row ? before : now,
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
  return sight;
}
