import './story.css';
import { useMemo } from 'preact/hooks';
import { Comments } from './comments.js';
import { marksOf } from './marks.js';
import type { PanelProps } from './panel.js';

/** What the program itself says, in its comments: at the boot of what it is about, then of each step. */
export function Story({
  session,
  step,
  line,
}: PanelProps & { readonly step: number; readonly line: number }) {
  const opened = session.opened.value;
  const comments = useMemo(() => new Comments(session.source?.text ?? ''), [session, opened]);
  const pieces = useMemo(() => (step === 0 ? comments.atHead() : comments.of(line)), [comments, step, line]);
  return (
    <>
      {step === 0 && <StartHere session={session} />}
      {pieces.length > 0 && (
        <blockquote class="story" aria-label="what the program says">
          {pieces.map(({ text, asWritten }, index) =>
            asWritten ? <pre key={index}>{text}</pre> : <p key={index}>{text}</p>,
          )}
        </blockquote>
      )}
    </>
  );
}

/** Marks of what is wrong, in the words of {@link marksOf}. */
const WRONG = ['unexpected', 'violation'];

/** What to click first. */
function StartHere({ session }: PanelProps) {
  const opened = session.opened.value;
  if (opened === undefined || opened.length === 0) return null;
  const { judged } = session.marks.value;
  const wrong = marksOf(session)
    .filter(({ id }) => WRONG.includes(id))
    .flatMap(({ stepsOf }) => stepsOf(session)?.[0] ?? []);
  const loop = opened.loops.at(-1);
  const first = wrong.length === 0 ? undefined : Math.min(...wrong);
  const link = (to: number) => (
    <button type="button" class="link" onClick={() => session.goTo(to)}>
      step {to}
    </button>
  );
  return (
    <p class="start-here">
      <b>Start here:</b> <kbd>→</kbd> makes the next step, <kbd>←</kbd> takes it back.{' '}
      {first !== undefined && <>The first that is not as it should be is {link(first)}. </>}
      {first === undefined && judged > opened.length && 'Nothing goes wrong in this run. '}
      {loop?.status === 'livelock' && <>From {link(loop.from)} on it goes round for ever. </>}
      On the right stands the machine after the step; what has a dotted line below it can be asked who set it.
    </p>
  );
}
