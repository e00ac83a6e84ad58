import './search.css';
import { grouped } from '../../../src/text/count.js';
import type { Panel, PanelProps } from '../panel.js';
import { SearchForm } from './form.js';
import { Chart, ProgressOf } from './progress.js';
import { searchOf } from './search-state.js';
import { VerdictOf } from './verdict.js';

function Search({ session }: PanelProps) {
  const state = searchOf(session);
  const problem = state.problem.value;
  const outcome = state.outcome.value;
  return (
    <div class="search">
      <p class="hint">
        Everything that guests, their devices, the backend in dom0 and the toolstack may do from here on, in
        every order, is tried, and each state is held against the invariants: <code>dommu verify</code> in
        this page. What it finds is a program that can be opened here.
      </p>
      <SearchForm session={session} />
      <p class="visually-hidden" role="status">
        {state.isRunning.value
          ? 'searching'
          : outcome !== undefined
            ? `${outcome.verdict}: ${outcome.text}`
            : ''}
      </p>
      {problem !== undefined && (
        <p role="alert" class="bad">
          ✗ {problem.line > 0 && problem.file !== '' && `${problem.file}:${problem.line}: `}
          {problem.message}
          {problem.hint !== undefined && ` (${problem.hint})`}
        </p>
      )}
      {state.isRunning.value && <ProgressOf state={state} />}
      {outcome !== undefined && <VerdictOf session={session} outcome={outcome} />}
      {outcome !== undefined && state.moments.value.length > 1 && (
        <details>
          <summary>How the search went</summary>
          <Chart moments={state.moments.value} />
        </details>
      )}
    </div>
  );
}

export const searchPanel: Panel = {
  id: 'search',
  title: 'Search every behaviour from here',
  place: 'Search',
  Component: Search,
};

/** In the header: a search that goes on under another tab, and the way back from its counterexample. */
function SearchStatus({ session }: PanelProps) {
  const state = searchOf(session);
  const before = state.before.value;
  const open = state.open.value;
  const isAway = before !== undefined && open !== undefined && state.isShown(open);
  return (
    <>
      {state.isRunning.value && session.tab.value !== 'Search' && (
        <button type="button" onClick={() => void (session.tab.value = 'Search')}>
          searching: {grouped(state.progress.value?.states ?? 0)} states
        </button>
      )}
      {isAway && (
        <button type="button" onClick={() => void state.back()}>
          ← back to {before.source.name}, step {before.step}
        </button>
      )}
    </>
  );
}

export const searchStatusPanel: Panel = {
  id: 'search-status',
  title: 'Search',
  place: 'header',
  Component: SearchStatus,
};
