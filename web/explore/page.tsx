import './page.css';
import './layout.css';
import { effect } from '@preact/signals';
import { render } from 'preact';
import { type PanelProps, TABS, type Tab } from './panel.js';
import { PANELS } from './panels.js';
import { modelScript, pageData } from './parts.js';
import { Session } from './session.js';
import { Timeline } from './timeline.js';

function Page({ session }: PanelProps) {
  const problem = session.problem.value;
  return (
    <>
      <header class="page-header">
        <h1 title={session.opened.value?.name}>{session.opened.value?.name ?? 'dommu explore'}</h1>
        <span class="edition">on Xen {session.opened.value?.edition}</span>
        <span class="spring" />
        <HeaderControls session={session} />
        {problem !== undefined && (
          <p role="alert">
            {problem.file}:{problem.line}:{problem.column}: {problem.message}
          </p>
        )}
      </header>
      <Timeline session={session} />
      <main>
        <div class="run">
          <Panels session={session} place="run" />
        </div>
        <div class="machine">
          <div class="tabs" role="tablist" aria-label="views">
            {TABS.map((tab) => (
              <button
                key={tab}
                type="button"
                role="tab"
                aria-selected={tab === session.tab.value}
                onClick={() => void (session.tab.value = tab)}
              >
                {tab}
              </button>
            ))}
          </div>
          <div class="tab-body" role="tabpanel" aria-label={session.tab.value}>
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

function Panels({ session, place }: PanelProps & { readonly place: 'run' | Tab }) {
  return PANELS.filter((panel) => panel.place === place).map(({ id, title, Component }) => (
    <section key={id} id={id} class="panel" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      <div class="body">
        <Component session={session} />
      </div>
    </section>
  ));
}

const data = pageData();
const session = new Session(modelScript());
render(<Page session={session} />, document.getElementById('page')!);
// For whoever drives the page from outside: which step it shows.
effect(() => {
  if (session.opened.value !== undefined) document.documentElement.dataset.step = String(session.shown.value);
});
if (data.problem === undefined) void session.open(data.source, data.step);
else session.refuse(data.source, data.problem);
