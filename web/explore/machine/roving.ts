import { useLayoutEffect, useRef } from 'preact/hooks';

/** Which button of a table is the one that the tab key stops at: by its row's number and its place in the row. */
interface Place {
  readonly row: number;
  readonly at: number;
}

const rowOf = (button: Element): HTMLElement => button.closest<HTMLElement>('[data-row]')!;
const buttonsOf = (row: Element): HTMLButtonElement[] => [...row.querySelectorAll('button')];

/** Says whether the tab key stops at a button; to say what is so already would cost the browser as much as news. */
function stopAt(button: HTMLButtonElement, stops: boolean): void {
  const index = stops ? '0' : '-1';
  if (button.getAttribute('tabindex') !== index) button.setAttribute('tabindex', index);
}

/**
 * Makes a table one stop of the tab key, and moves among its buttons by arrows. A row that is not drawn is brought into
 * sight by `show` first.
 */
export function useRoving(
  scroller: { readonly current: HTMLElement | null },
  total: number,
  pageRows: number,
  show: (row: number) => void,
): (event: KeyboardEvent) => void {
  const place = useRef<Place>({ row: -1, at: 0 });
  const wanted = useRef(false);

  const buttonAt = ({ row, at }: Place): HTMLButtonElement | undefined => {
    const line = scroller.current?.querySelector(`[data-row="${row}"]`);
    const buttons = line ? buttonsOf(line) : [];
    return buttons[Math.min(at, buttons.length - 1)];
  };

  useLayoutEffect(() => {
    const buttons = [...(scroller.current?.querySelectorAll<HTMLButtonElement>('[data-row] button') ?? [])];
    const stop = buttonAt(place.current) ?? buttons[0];
    for (const button of buttons) stopAt(button, button === stop);
    if (!wanted.current || stop === undefined || Number(rowOf(stop).dataset.row) !== place.current.row)
      return;
    wanted.current = false;
    stop.focus({ preventScroll: false });
  });

  return (event) => {
    const from = (event.target as Element).closest('button');
    if (from === null || event.ctrlKey || event.altKey || event.metaKey) return;
    const line = rowOf(from);
    const buttons = buttonsOf(line);
    // Keys may come faster than rows are drawn: they go on from where the last one led.
    const here = wanted.current
      ? place.current
      : { row: Number(line.dataset.row), at: buttons.indexOf(from) };
    const next = moved(here, event.key, total, pageRows, buttons.length);
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    place.current = next;
    const there = buttonAt(next);
    wanted.current = there === undefined;
    if (there === undefined) {
      show(next.row);
      return;
    }
    stopAt(from, false);
    stopAt(there, true);
    there.focus();
  };
}

function moved(
  { row, at }: Place,
  key: string,
  total: number,
  page: number,
  inRow: number,
): Place | undefined {
  const last = total - 1;
  switch (key) {
    case 'ArrowLeft':
      return { row, at: Math.max(0, at - 1) };
    case 'ArrowRight':
      return { row, at: Math.min(inRow - 1, at + 1) };
    case 'ArrowUp':
      return { row: Math.max(0, row - 1), at };
    case 'ArrowDown':
      return { row: Math.min(last, row + 1), at };
    case 'PageUp':
      return { row: Math.max(0, row - page), at };
    case 'PageDown':
      return { row: Math.min(last, row + page), at };
    case 'Home':
      return { row: 0, at };
    case 'End':
      return { row: last, at };
    default:
      return undefined;
  }
}
