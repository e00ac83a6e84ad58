import { useEffect, useState } from 'preact/hooks';
import type { ComparisonMarks } from '../../../src/explore/comparison.js';
import type { Difference, Side } from '../../../src/explore/difference.js';
import type { PanelProps } from '../panel.js';
import { type Session, useView } from '../session.js';
import { WhatIf } from './state.js';

/** How a run and another edition's differ: as a whole, and at the step that is shown. */
export function Compared({ session }: PanelProps) {
  const whatIf = WhatIf.of(session);
  const marks = session.marks.value.comparison;
  const difference = useView(session, 'difference', { inDetail: useRest(session) }).value;
  const length = session.opened.value?.length ?? 0;
  if (marks === undefined || whatIf.comparedWith.value === undefined) return null;
  const count = session.marks.value.differing.length;
  return (
    <section class="compared" aria-label="comparison">
      <p role="status">
        <Found marks={marks} count={count} title={whatIf.titleOf(marks.edition)} />
        {marks.phase !== 'done' && (
          <>
            {' '}
            {marks.phase === 'running' ? 'It is being run: ' : 'Being compared: '}
            <progress value={marks.progress} max={Math.max(1, length)} aria-label="how far" /> step{' '}
            {marks.progress}
          </>
        )}
      </p>
      <div class="toolbar">
        <Go session={session} to={marks.first}>
          First difference
        </Go>
        <Go session={session} to={difference?.previous}>
          Previous
        </Go>
        <Go session={session} to={difference?.next}>
          Next
        </Go>
        <button type="button" onClick={() => void whatIf.switchTo(marks.edition)}>
          Switch to it
        </button>
        <button type="button" onClick={() => void whatIf.compareWith(undefined)}>
          Compare with none
        </button>
      </div>
      {difference !== undefined && <AtThisStep difference={difference} />}
    </section>
  );
}

/** Milliseconds at a step after which the reader is taken to look at it. */
const REST = 150;

/** Whether the reader has come to rest at a step. */
function useRest(session: Session): boolean {
  const step = session.step.value;
  const [rested, setRested] = useState(-1);
  useEffect(() => {
    const timer = setTimeout(() => setRested(step), REST);
    return () => clearTimeout(timer);
  }, [step]);
  return rested === step;
}

interface FoundProps {
  readonly marks: ComparisonMarks;
  readonly count: number;
  readonly title: string;
}

function Found({ marks: { phase, first, recordsOnly, onlyThere }, count, title }: FoundProps) {
  const soFar = phase === 'done' ? '' : ' so far';
  const records =
    recordsOnly.count === 0
      ? ''
      : ` At ${recordsOnly.count} more, from step ${recordsOnly.first} on, only what Xen keeps for itself differs.`;
  if (count === 0) {
    return (
      <>
        <span class="badge good">same</span> An observer sees the same on {title}
        {soFar}.{records}
      </>
    );
  }
  return (
    <>
      <span class="badge differs">
        <span aria-hidden="true">◆ </span>differs
      </span>{' '}
      On {title} {count === 1 ? '1 step comes' : `${count} steps come`} to something else{soFar}, first step{' '}
      {first}.{onlyThere > 0 && ` ${onlyThere} steps are made only there.`}
      {records}
    </>
  );
}

function Go({
  session,
  to,
  children,
}: PanelProps & { readonly to: number | undefined; readonly children: string }) {
  return (
    <button type="button" disabled={to === undefined} onClick={() => session.goTo(to!)}>
      {children}
      {to !== undefined && <span class="dim"> (step {to})</span>}
    </button>
  );
}

function AtThisStep({ difference }: { readonly difference: Difference }) {
  const { compared, here, there, sentences, onlyThere, onlyThereCount, differs } = difference;
  if (!compared) return <p class="empty">This step has not been compared yet.</p>;
  return (
    <>
      <h3>
        Step {here.step}: <code>{here.text}</code>
      </h3>
      {sentences.length === 0 ? (
        <p class="empty">No difference at this step.</p>
      ) : (
        <ul class="differences">
          {sentences.map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      )}
      <table class="sides">
        <thead>
          <tr>
            <td class="of" />
            <th scope="col">here, Xen {here.edition}</th>
            <th scope="col">{there === undefined ? 'there' : `there, Xen ${there.edition}`}</th>
          </tr>
        </thead>
        <tbody>
          <SideRow title="step" here={here} there={there} of={({ step }) => String(step)} />
          <SideRow
            title="answer"
            here={here}
            there={there}
            differs={differs.includes('status')}
            of={({ status, because }) => (because === undefined ? status : `${status}: ${because}`)}
          />
          <SideRow
            title="log"
            here={here}
            there={there}
            differs={differs.includes('faults')}
            of={({ log }) => (log.length === 0 ? 'nothing' : log.map((line) => `(XEN) ${line}`).join('\n'))}
          />
        </tbody>
      </table>
      {onlyThereCount > 0 && (
        <>
          <p>
            Behind this step only the other run makes{' '}
            {onlyThereCount === 1 ? 'a step' : `${onlyThereCount} steps`}:
          </p>
          <ol>
            {onlyThere.map(({ step, text, status }) => (
              <li key={step} value={step}>
                <code>{text}</code> → <strong>{status}</strong>
              </li>
            ))}
          </ol>
        </>
      )}
    </>
  );
}

interface SideRowProps {
  readonly title: string;
  readonly here: Side;
  readonly there: Side | undefined;
  readonly differs?: boolean;
  readonly of: (side: Side) => string;
}

function SideRow({ title, here, there, differs = false, of }: SideRowProps) {
  return (
    <tr class={differs ? 'differs' : undefined}>
      <th scope="row" class="of">
        {differs && <span aria-hidden="true">◆ </span>}
        {title}
        {differs && <span class="visually-hidden"> (differs)</span>}
      </th>
      <td class="mono">{of(here)}</td>
      <td class="mono">{there === undefined ? '–' : of(there)}</td>
    </tr>
  );
}
