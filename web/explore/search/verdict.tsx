import { useEffect, useRef } from 'preact/hooks';
import type { FoundProgram, FoundStep, SearchOutcome } from '../../../src/explore/search/outcome.js';
import { counted } from '../../../src/text/count.js';
import type { Session } from '../session.js';
import { inRound, LoopPicture } from './loop-picture.js';
import { type SearchState, searchOf } from './search-state.js';

interface VerdictProps {
  readonly session: Session;
  readonly outcome: SearchOutcome;
}

/** Each verdict as a word, a sign and a colour. */
const VERDICTS = {
  safe: { word: '✓ safe', look: 'good' },
  unsafe: { word: '✗ UNSAFE', look: 'bad' },
  livelock: { word: '↻ LIVELOCK', look: 'bad' },
  bounded: { word: '… bounded', look: 'warn' },
} as const;

/** What a search came to: the verdict, what it does not cover, and the programs that show what is wrong. */
export function VerdictOf({ session, outcome }: VerdictProps) {
  const { verdict, text, rows, found, title, idleActions, neverAsked } = outcome;
  const top = useRef<HTMLDivElement>(null);
  const state = searchOf(session);
  // Who has waited for the verdict is taken to it, once.
  useEffect(() => {
    if (state.isNews) top.current?.scrollIntoView({ block: 'start' });
    state.isNews = false;
  }, [outcome, state]);
  const { word, look } = VERDICTS[verdict];
  return (
    <div class="search-verdict" ref={top}>
      <h3>{title}</h3>
      <p class="search-verdict-line">
        <strong class={`badge ${look}`}>{word}</strong> {text}
      </p>
      {found.map((one) => (
        <Found key={one.name} found={one} session={session} state={state} />
      ))}
      <h4>What this does not cover</h4>
      <Rows rows={rows.filter(({ isGap }) => isGap)} />
      <Listed title="actions that never changed anything" items={idleActions} />
      <Listed title="behaviours of the release that decided nothing" items={neverAsked} />
      <details>
        <summary>What was searched</summary>
        <Rows rows={rows.filter(({ isGap }) => !isGap)} />
      </details>
    </div>
  );
}

function Listed({ title, items }: { readonly title: string; readonly items: readonly string[] }) {
  if (items.length === 0) return null;
  return (
    <details>
      <summary>
        {items.length} {title}
      </summary>
      <ul class="mono">
        {items.map((item) => (
          <li key={item}>{item}</li>
        ))}
      </ul>
    </details>
  );
}

function Rows({ rows }: Pick<SearchOutcome, 'rows'>) {
  return (
    <table class="search-verdict-rows">
      <tbody>
        {rows.map(({ label, text, isNote }) => (
          <tr key={label + text}>
            <th scope="row" class={isNote ? 'warn' : undefined}>
              {isNote ? `! ${label}` : label}
            </th>
            <td>{text}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A counterexample: what it breaks, and its steps, each of which can be gone to. */
function Found({
  found,
  session,
  state,
}: {
  readonly found: FoundProgram;
  readonly session: Session;
  readonly state: SearchState;
}) {
  const { invariant, harm, message, length, facts, story, steps, loop } = found;
  const isOpen = state.isShown(found);
  const current = isOpen ? session.shown.value : undefined;
  const goTo = (step: number) => void state.show(found, step);
  const open = async () => {
    await state.show(found);
    // What is broken is explained there; a loop is explained here.
    if (loop === undefined) session.tab.value = 'Invariants';
  };
  return (
    <article class="search-found" aria-label={`counterexample: ${invariant.id}`}>
      <h4>
        <span class="bad">✗</span> {invariant.id}: {invariant.title} — does not hold
        {loop === undefined && ` (${harm})`}
      </h4>
      <p class="dim">{invariant.reason}</p>
      <p>{message}</p>
      <div class="toolbar">
        <button type="button" class="primary" onClick={open}>
          {loop === undefined ? 'Open at the violation' : 'Open at the loop'}
        </button>
        <span class="dim">
          {counted(length, 'statement')} after the scene
          {isOpen ? '; open now' : ''}
        </span>
      </div>
      {loop === undefined ? (
        <StepList steps={steps} current={current} goTo={goTo} />
      ) : (
        <div class="search-loop">
          <LoopPicture found={found} current={current} goTo={goTo} />
          <div>
            <h4>The way in</h4>
            <StepList steps={steps.filter(({ step }) => step < loop.from)} current={current} goTo={goTo} />
            <h4>And then, for ever</h4>
            <StepList
              steps={steps.filter(({ step }) => step >= loop.from)}
              current={current === undefined ? undefined : inRound(current, loop)}
              goTo={goTo}
            />
          </div>
        </div>
      )}
      {facts.map(({ step, change }) => (
        <p key={`${step} ${change}`}>
          because of{' '}
          <button type="button" class="link" onClick={() => goTo(step)}>
            step {step}
          </button>
          : {change}
        </p>
      ))}
      {story.map((line) => (
        <p key={line}>{line}</p>
      ))}
    </article>
  );
}

function StepList({
  steps,
  current,
  goTo,
}: {
  readonly steps: readonly FoundStep[];
  readonly current: number | undefined;
  readonly goTo: (step: number) => void;
}) {
  if (steps.length === 0) return <p class="empty">nothing: it is so where the scene ends</p>;
  return (
    <ol class="found-steps">
      {steps.map(({ step, text, status }) => (
        <li key={step} aria-current={step === current ? 'step' : undefined}>
          <button type="button" class="link" onClick={() => goTo(step)}>
            <span class="number">{step}</span> <code>{text}</code>
          </button>{' '}
          <span class="dim">→ {status}</span>
        </li>
      ))}
    </ol>
  );
}
