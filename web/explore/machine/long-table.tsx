import './long-table.css';
import type { ComponentChildren } from 'preact';
import { type RowWindow, useRowWindow } from '../row-window.js';
import { useRoving } from './roving.js';

/** Which rows of a long table are drawn, and a way to bring one into sight. */
export interface LongWindow extends RowWindow {
  show(row: number): void;
}

/** Follows how a long table is scrolled. */
export function useLongWindow(): LongWindow {
  const window = useRowWindow();
  const { scroller, row } = window;
  const show = (wanted: number): void => {
    const element = scroller.current;
    if (element === null) return;
    const at = wanted * row;
    const isSeen = at >= element.scrollTop && at <= element.scrollTop + element.clientHeight - 3 * row;
    if (!isSeen) element.scrollTop = at - element.clientHeight / 3;
  };
  return { ...window, show };
}

/** A table of which a window is drawn: the rows [from, from + rows.length) of so many. */
export function LongTable({
  window,
  label,
  name,
  head,
  columns,
  total,
  from,
  rows,
  empty,
}: {
  readonly window: LongWindow;
  readonly label: string;
  readonly name: string;
  readonly head: ComponentChildren;
  readonly columns: number;
  readonly total: number;
  readonly from: number;
  /** Rows, each with its number in `data-row` and `aria-rowindex` ({@link rowAttributes}). */
  readonly rows: readonly ComponentChildren[];
  /** What is said where there are none. */
  readonly empty: string;
}) {
  const { scroller, height, row } = window;
  const page = Math.max(1, Math.floor(height / row) - 2);
  const onKeyDown = useRoving(scroller, total, page, window.show);
  // A table that has become shorter than where it was scrolled to is scrolled back by the browser.
  const above = Math.min(from, total) * row;
  const below = Math.max(0, total - from - rows.length) * row;
  return (
    <div class={`long ${name}`} ref={scroller}>
      <div class="probe" aria-hidden="true" />
      <table aria-label={label} aria-rowcount={total + 1} onKeyDown={onKeyDown}>
        <thead>
          <tr aria-rowindex={1}>{head}</tr>
        </thead>
        <tbody>
          {above > 0 && <Spacer height={above} columns={columns} />}
          {rows}
          {below > 0 && <Spacer height={below} columns={columns} />}
          {total === 0 && (
            <tr>
              <td class="nothing" colSpan={columns}>
                <span class="empty">{empty}</span>
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}

/** Stands for the rows that are not drawn. */
const Spacer = ({ height, columns }: { readonly height: number; readonly columns: number }) => (
  <tr class="spacer" style={{ height: `${height}px` }}>
    <td colSpan={columns} />
  </tr>
);

/** What says where in the table a row is. */
export const rowAttributes = (row: number) => ({ 'data-row': row, 'aria-rowindex': row + 2 });
