import { useState } from 'preact/hooks';
import type { Value } from '../../src/explore/value.js';
import type { WriterRow, Writers } from '../../src/explore/writers.js';
import type { PanelProps } from './panel.js';
import { type Session, useView } from './session.js';

/** Writers that are on the screen at a time. */
const COUNT = 12;

/** Which steps set a value. */
export function WhyValue({ session, value }: PanelProps & { readonly value: Value }) {
  const { words = [], low, width } = value;
  const [from, setFrom] = useState<number | undefined>(undefined);
  const answer = useView(session, 'writers', {
    words,
    ...(low !== undefined && { low }),
    ...(width !== undefined && { width }),
    ...(from !== undefined && { from }),
    count: COUNT,
  }).value;
  if (answer === undefined) return null;
  const { rows, total, otherBits, boot } = answer;
  return (
    <>
      <p class="dim">{answer.what}</p>
      <Sentence session={session} answer={answer} />
      <ol class="writers">
        {answer.from === 0 && <Boot session={session} held={boot} seen={answer.current < 0} />}
        {rows.map((row, index) => (
          <Writer key={row.step} session={session} row={row} place={answer.from + index - answer.current} />
        ))}
      </ol>
      {total > COUNT && <Windows answer={answer} show={setFrom} />}
      {otherBits > 0 && (
        <p class="hint">
          {otherBits === 1 ? 'One more step' : `${otherBits} more steps`} wrote other bits of the same word
          and {otherBits === 1 ? 'is' : 'are'} left out.
        </p>
      )}
    </>
  );
}

/** In a sentence: who set what is seen. */
function Sentence({ session, answer }: { readonly session: Session; readonly answer: Writers }) {
  const { current, total, rows, from, now, setBy } = answer;
  const later = total - current - 1;
  return (
    <p class="sentence">
      {setBy === undefined ? (
        <>
          {total === 0 ? 'No step of the run sets it' : 'No step has set it yet'}: <code>{now}</code> is what
          it held when the machine had booted.
        </>
      ) : (
        <>
          <code>{now}</code> was set by{' '}
          <button type="button" class="link" onClick={() => session.goTo(setBy.step)}>
            step {setBy.step}
          </button>
          : <code>{setBy.text}</code>.
        </>
      )}
      {later > 0 && ` ${later === 1 ? 'One later step changes' : `${later} later steps change`} it.`}
      {rows.length < total && ` Shown are writers ${from + 1} to ${from + rows.length} of ${total}.`}
    </p>
  );
}

function Boot({
  session,
  held,
  seen,
}: {
  readonly session: Session;
  readonly held: string;
  readonly seen: boolean;
}) {
  return (
    <li class={seen ? 'seen' : undefined}>
      <button type="button" class="link" onClick={() => session.goTo(0)}>
        step 0
      </button>
      <span>
        boot
        {seen && <Seen />}
      </span>
      <span class="change">
        held <code>{held}</code>
      </span>
    </li>
  );
}

/** A step that wrote it; `place` counts from the one that set what is seen. */
function Writer({
  session,
  row: { step, text, status, before, after },
  place,
}: {
  readonly session: Session;
  readonly row: WriterRow;
  readonly place: number;
}) {
  return (
    <li class={place === 0 ? 'seen' : place > 0 ? 'later' : undefined}>
      <button type="button" class="link" onClick={() => session.goTo(step)}>
        step {step}
      </button>
      <span>
        <code>{text}</code> → {status}
        {place === 0 && <Seen />}
        {place > 0 && <span class="badge">later</span>}
      </span>
      <span class="change">
        {before === after ? (
          <>
            changed it and changed it back to <code>{after}</code>
          </>
        ) : (
          <>
            <code>{before}</code> <span class="arrow">→</span> <code>{after}</code>
          </>
        )}
      </span>
    </li>
  );
}

const Seen = () => <span class="badge good">this is what you see</span>;

/** The way to the other writers. */
function Windows({
  answer: { total, from, rows },
  show,
}: {
  readonly answer: Writers;
  readonly show: (from: number | undefined) => void;
}) {
  const last = Math.max(0, total - COUNT);
  return (
    <div class="toolbar windows">
      <button type="button" disabled={from === 0} onClick={() => show(0)}>
        first
      </button>
      <button type="button" disabled={from === 0} onClick={() => show(Math.max(0, from - COUNT))}>
        earlier
      </button>
      <button type="button" onClick={() => show(undefined)}>
        around what is seen
      </button>
      <button
        type="button"
        disabled={from + rows.length >= total}
        onClick={() => show(Math.min(last, from + COUNT))}
      >
        later
      </button>
      <button type="button" disabled={from + rows.length >= total} onClick={() => show(last)}>
        last
      </button>
    </div>
  );
}
