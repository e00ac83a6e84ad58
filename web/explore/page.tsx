import './page.css';
import './layout.css';
import { effect } from '@preact/signals';
import { render } from 'preact';
import { Appearance } from './appearance.js';
import { Keys } from './keys.js';
import './head-start.js';
import type { PanelProps, Tab } from './panel.js';
import { PANELS } from './panels.js';
import { Player } from './player.js';
import { ProblemNotice } from './problem.js';
import { Session } from './session.js';
import { SummaryLine } from './summary.js';
import { TabList, tabId } from './tabs.js';
import { Timeline } from './timeline.js';
import { openFromAddress } from './what-if/address.js';

function Page({ session, player }: PanelProps & { readonly player: Player }) {
  const opened = session.opened.value;
  return (
    <>
      <header class="page-header">
        <h1 title={opened?.name}>{opened?.name ?? 'dommu explore'}</h1>
        {opened !== undefined && <span class="edition">on Xen {opened.edition}</span>}
        <span class="spring" />
        <HeaderControls session={session} />
        <Appearance />
        <Keys session={session} player={player} />
      </header>
      <ProblemNotice session={session} />
      <Timeline session={session} player={player} />
      <SummaryLine session={session} />
      <main>
        <div class={session.questions.current.value === undefined ? 'run' : 'run asked'}>
          <Panels session={session} place="run" />
        </div>
        <div class="machine">
          <TabList session={session} />
          <div
            class="tab-body"
            id="tab-body"
            role="tabpanel"
            {...SCROLLS}
            aria-labelledby={tabId(session.tab.value)}
          >
            <Panels session={session} place={session.tab.value} />
          </div>
        </div>
      </main>
    </>
  );
}

/** Panels of the header: their title is for those who cannot see where they stand. */
function HeaderControls({ session }: PanelProps) {
  return PANELS.filter(({ place }) => place === 'header').map(({ id, title, Component }) => (
    <section key={id} id={id} aria-label={title}>
      <Component session={session} />
    </section>
  ));
}

/** What scrolls can be scrolled by keys. */
const SCROLLS = { tabIndex: 0 };

function Panels({ session, place }: PanelProps & { readonly place: 'run' | Tab }) {
  return PANELS.filter((panel) => panel.place === place).map(({ id, title, Component }) => (
    <section key={id} id={id} class="panel" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      <div class="body" {...(place === 'run' && id !== 'steps' && { ...SCROLLS, role: 'group' })}>
        <Component session={session} />
      </div>
    </section>
  ));
}

const { data, model } = globalThis.headStart;
const session = new Session(model);
session.editable = data.editable;
// Nothing that goes wrong is kept from the reader.
window.addEventListener('error', ({ error, message }) => session.fail(error ?? message));
window.addEventListener('unhandledrejection', ({ reason }) => session.fail(reason));
function begin(): void {
  render(<Page session={session} player={new Player(session)} />, document.getElementById('page')!);
  // For whoever drives the page from outside: which step it shows, and how many it has judged.
  effect(() => {
    if (session.opened.value === undefined) return;
    document.documentElement.dataset.step = String(session.shown.value);
    document.documentElement.dataset.judged = String(session.marks.value.judged);
  });
  void openFromAddress(session, data);
}
// The model's worker needs this thread for a moment to get up: it goes first.
setTimeout(begin);
