import './steps.css';
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import type { InBlock } from '../../src/explore/rounds.js';
import type { StepRow } from '../../src/explore/steps.js';
import { isMarked, MARKS } from './marks.js';
import { onceDrawn } from './once-drawn.js';
import type { Panel, PanelProps } from './panel.js';
import { type RowWindow, useRowWindow, windowOfRows } from './row-window.js';
import { Rows } from './rows.js';
import type { Session } from './session.js';

/** All steps of the run, of which those that can be seen are drawn; the list follows the step that is shown. */
function Steps({ session }: PanelProps) {
  const opened = session.opened.value;
  const length = opened?.length ?? 0;
  const shown = session.shown.value;
  const rows = useMemo(() => new Rows(session), [session, opened]);
  const window = useRowWindow();
  const { scroller, row: rowHeight, height } = window;
  const top = useFollow(window, shown, length);

  const { from, count } = windowOfRows(top, height, rowHeight);
  const visible = opened === undefined ? [] : rows.window(from, Math.min(length + 1, from + count));
  const digits = Math.max(3, String(length).length);
  return (
    <div class="steps-list" style={{ '--digits': digits, '--depth': rows.depth }}>
      <div class="step-head" aria-hidden="true">
        <span class="number">step</span>
        <span class="line">line</span>
        <span class="statement">statement</span>
        <span class="status">answer</span>
      </div>
      <div
        class="scroller"
        ref={scroller}
        role="listbox"
        tabIndex={0}
        aria-label="steps"
        aria-activedescendant={visible.some(({ step }) => step === shown) ? rowId(shown) : undefined}
        onKeyDown={(event) => moveByKey(event, session, window)}
        onClick={({ target }) => {
          const row = (target as Element).closest<HTMLElement>('[data-step]');
          if (row === null) return;
          const step = Number(row.dataset.step);
          session.goTo(step);
          // The row may go out of sight; the list stays.
          scroller.current?.focus({ preventScroll: true });
          // By keyboard that is a key of the page.
          if ((target as Element).matches('.status')) session.askErrno(step);
        }}
      >
        <div class="steps" role="presentation" style={{ height: `${(length + 1) * rowHeight}px` }}>
          <div class="probe" aria-hidden="true" />
          {visible.map((row) => (
            <Row key={row.step} row={row} top={row.step * rowHeight} session={session} last={length} />
          ))}
        </div>
        {opened?.stopped !== undefined && (
          <p class="stopped bad">
            <strong>The run stops here.</strong> {opened.stopped.file}:{opened.stopped.line}:
            {opened.stopped.column}: {opened.stopped.message}
          </p>
        )}
      </div>
    </div>
  );
}

/** Keeps the step that is shown in sight: says how far the list is scrolled, which it is once the page is drawn. */
function useFollow({ scroller, scrolled, row, height }: RowWindow, shown: number, length: number): number {
  const kept = useRef({ top: 0, seen: 0, key: '' });
  const now = kept.current;
  const seen = scrolled.current;
  // The reader, or what was asked for last, has scrolled it.
  if (seen !== now.seen) now.top = now.seen = seen;
  const key = `${shown} ${row} ${height}`;
  const wanted = key === now.key ? now.top : topToShow(shown, now.top, row, height);
  const top = Math.max(0, Math.min(Math.round(wanted), (length + 1) * row - height));
  useLayoutEffect(() => {
    now.key = key;
    if (top === now.top) return;
    now.top = top;
    onceDrawn(() => {
      const element = scroller.current;
      // Behind the last step stands why there is no other.
      if (element !== null) element.scrollTop = shown === length ? element.scrollHeight : top;
    });
  }, [key]);
  return top;
}

/** How far a list that is scrolled to `top` is to be scrolled for a step to be seen. */
function topToShow(step: number, top: number, row: number, height: number): number {
  const at = step * row;
  const [low, high] = [top + row, top + height - 2 * row];
  if (at >= low && at <= high) return top;
  // A step further goes a row further; who jumps sees what is around the place.
  const isNear = at > low - 3 * row && at < high + 3 * row;
  if (!isNear) return at - height / 2;
  return at < low ? at - row : at - height + 3 * row;
}

/** Up and down the list: it is one stop of the tab key, however many rows it has. */
function moveByKey(event: KeyboardEvent, session: Session, { height, row }: RowWindow): void {
  const page = Math.max(1, Math.floor(height / row) - 1);
  const by = { ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page }[event.key];
  if (by === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  session.goTo(session.step.value + by);
}

interface RowProps extends PanelProps {
  readonly row: StepRow;
  readonly top: number;
  readonly last: number;
}

const rowId = (step: number): string => `step-${step}`;

function Row({ row, top, session, last }: RowProps) {
  const { step, line, text, status, blocks, backTo } = row;
  const isShown = step === session.shown.value;
  const begins = blocks.findLast(({ first }) => first);
  return (
    <div
      id={rowId(step)}
      class={`step${status === 'ok' ? '' : ' other'}`}
      style={{ top: `${top}px` }}
      role="option"
      title={text}
      aria-selected={isShown}
      aria-current={isShown ? 'step' : undefined}
      aria-setsize={last + 1}
      aria-posinset={step + 1}
      tabIndex={-1}
      data-step={step}
    >
      <span class="brackets" aria-hidden="true">
        {blocks.map((block, depth) => (
          <span key={depth} class={bracketOf(block)} />
        ))}
        {backTo !== undefined && <span class="bracket returns" />}
      </span>
      <span class="number">{step}</span>
      <span class="line">{line === 0 ? '' : line}</span>
      <span class="statement" title={text}>
        <code>{text}</code>
        {begins !== undefined && (
          <span class={`round${begins.loops ? ' loops' : ''}`}>{roundText(begins)}</span>
        )}
        {backTo !== undefined && <span class="round loops">↻ for ever: back to {backTo}</span>}
      </span>
      <span class="signs">
        <Signs session={session} step={step} />
      </span>
      <strong class="status" title="Why was it answered so?">
        {status}
      </strong>
    </div>
  );
}

/** What stands out about a step, by signs with words for who does not see them. */
function Signs({ session, step }: PanelProps & { readonly step: number }) {
  return (
    <>
      {MARKS.filter(({ stepsOf }) => isMarked(stepsOf(session), step)).map(({ id, sign, one }) => (
        <span key={id} class={`sign ${id}`} title={one}>
          <span aria-hidden="true">{sign}</span>
          <span class="visually-hidden">{one}</span>
        </span>
      ))}
    </>
  );
}

const bracketOf = ({ first, last, loops }: InBlock): string =>
  ['bracket', first && 'first', last && 'last', loops && 'loops'].filter(Boolean).join(' ');

function roundText({ round, times, loops }: InBlock): string {
  if (loops) return '↻ for ever';
  return times === 'forever' ? `round ${round}` : `round ${round} of ${times}`;
}

export const stepsPanel: Panel = { id: 'steps', title: 'Steps', place: 'run', Component: Steps };
