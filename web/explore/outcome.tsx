import { counted } from '../../src/text/count.js';
import './outcome.css';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Outcome } from '../../src/explore/outcome.js';
import { Changes } from './changes.js';
import { onceDrawn } from './once-drawn.js';
import type { Panel, PanelProps } from './panel.js';
import { useView } from './session.js';
import { Story } from './story.js';

/** Lines of each kind of thing that are shown, and things in a line; and when all are wanted. */
const FEW = 6;
const MANY = 5000;

function OutcomeOf({ session }: PanelProps) {
  // Who wants all lines wants them of one step.
  const [allOf, setAllOf] = useState<number | undefined>(undefined);
  const all = allOf === session.step.value;
  const outcome = useView(session, 'outcome', { lines: all ? MANY : FEW }).value;
  const beginning = useRef<HTMLParagraphElement>(null);
  // Another step is read from its beginning; who has scrolled stays there when more becomes known of the same one.
  useLayoutEffect(() => {
    onceDrawn(() => {
      const scroller = beginning.current?.closest('.body');
      if (scroller) scroller.scrollTop = 0;
    });
  }, [session.opened.value, outcome?.step]);
  if (outcome === undefined) return null;
  const { step, line, text, status, because, changes, hypercallSteps, backTo } = outcome;
  return (
    <>
      <Story session={session} step={step} line={line} />
      <p class="did" aria-live="polite" ref={beginning}>
        <span class="dim">{line === 0 ? `step ${step}` : `step ${step}, line ${line}`}</span>{' '}
        <code>{text}</code>
      </p>
      <p class="answered">
        →{' '}
        <button
          type="button"
          class="link"
          title="Why was it answered so?"
          onClick={() => session.askErrno(step)}
        >
          <strong>{status}</strong>
        </button>
        {because !== undefined && `: ${because}`}
        {hypercallSteps !== undefined && <span class="dim"> in {counted(hypercallSteps, 'step')}</span>}
        {backTo !== undefined && (
          <>
            {' '}
            <span aria-hidden="true">↻ </span>It goes round for ever:{' '}
            <button type="button" class="link" onClick={() => session.goTo(backTo)}>
              step {backTo} comes next again
            </button>
          </>
        )}
      </p>
      <Findings outcome={outcome} />
      <Log outcome={outcome} />
      <h3>What changed</h3>
      {changes.length === 0 ? (
        <p class="empty">{step === 0 ? 'The machine has booted.' : 'Nothing.'}</p>
      ) : (
        <Changes
          key={step}
          session={session}
          changes={changes}
          grouped={changes.reduce((sum, { count }) => sum + count, 0) > FEW * 2}
          showAll={() => setAllOf(step)}
        />
      )}
      <Stopped session={session} step={step} />
    </>
  );
}

/** What is wrong: invariants that the step broke, and what was expected otherwise. */
function Findings({ outcome: { broken, unexpected } }: { readonly outcome: Outcome }) {
  if (broken === undefined) return <p class="empty">Not held against the invariants yet.</p>;
  return (
    <>
      {broken.length > 0 && (
        <ul class="findings broken">
          {broken.map(({ invariant, title, message, harm, isExpected }) => (
            <li key={invariant}>
              <span class="sign violation" aria-hidden="true">
                ■
              </span>{' '}
              <strong>{invariant} is broken</strong>: {title}. <span class="badge bad">{harm}</span>
              <br />
              {message}
              {!isExpected && (
                <>
                  <br />
                  <span class="sign unexpected" aria-hidden="true">
                    ✗
                  </span>{' '}
                  nobody expected that
                </>
              )}
            </li>
          ))}
        </ul>
      )}
      {unexpected !== undefined && unexpected.length > 0 && (
        <ul class="findings unexpected">
          {unexpected.map((text) => (
            <li key={text}>
              <span class="sign unexpected" aria-hidden="true">
                ✗
              </span>{' '}
              {text}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

/** Xen's console, as it prints. */
function Log({ outcome: { faults, log, logged } }: { readonly outcome: Outcome }) {
  if (faults === 0) return null;
  if (logged === 0) {
    return <p class="dim">The access is stopped without a record: Xen&apos;s log has no line of it.</p>;
  }
  return (
    <>
      <h3>
        <span class="sign fault" aria-hidden="true">
          ▲
        </span>{' '}
        Xen&apos;s log
      </h3>
      <pre class="log">{log.map((line) => `(XEN) ${line}\n`)}</pre>
      {logged > log.length && (
        <p class="dim">
          the first {log.length} of {logged} lines
        </p>
      )}
    </>
  );
}

/** Why there is no step after this one although the program goes on. */
function Stopped({ session, step }: PanelProps & { readonly step: number }) {
  const opened = session.opened.value;
  if (opened?.stopped === undefined || step !== opened.length) return null;
  const { file, line, column, message, hint } = opened.stopped;
  return (
    <p class="findings bad">
      <strong>The run stops after this step.</strong> {file}:{line}:{column}: {message}
      {hint !== undefined && <span class="dim"> ({hint})</span>}
    </p>
  );
}

export const outcomePanel: Panel = {
  id: 'outcome',
  title: 'What this step did',
  place: 'run',
  Component: OutcomeOf,
};
