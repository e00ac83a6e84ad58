import './page.css';
import { render } from 'preact';
import type { PageData } from '../../src/explore/page-data.js';
import { type Panel, type PanelProps, TABS } from './panel.js';
import { PANELS } from './panels.js';
import { Session } from './session.js';
import { Timeline } from './timeline.js';

const textOf = (id: string): string => document.getElementById(id)?.textContent ?? '';

/** A script that stands in the page as text, as something that a worker can be started from. */
const scriptUrl = (id: string): string =>
  URL.createObjectURL(new Blob([textOf(id)], { type: 'text/javascript' }));

function Page({ session }: { readonly session: Session }) {
  const problem = session.problem.value;
  return (
    <>
      <header>
        <h1>{session.opened.value?.name ?? 'dommu explore'}</h1>
        <p>on Xen {session.opened.value?.edition}</p>
        {problem !== undefined && (
          <p role="alert">
            {problem.file}:{problem.line}:{problem.column}: {problem.message}
          </p>
        )}
      </header>
      <Timeline session={session} />
      <main>
        <div class="run">
          <Sections session={session} place="run" />
        </div>
        <div class="machine">
          <div role="tablist" aria-label="views">
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
          <div role="tabpanel" aria-label={session.tab.value}>
            <Sections session={session} place={session.tab.value} />
          </div>
        </div>
      </main>
    </>
  );
}

function Sections({ session, place }: PanelProps & Pick<Panel, 'place'>) {
  return PANELS.filter((panel) => panel.place === place).map(({ id, title, Component }) => (
    <section key={id} id={id} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      <Component session={session} />
    </section>
  ));
}

const data = JSON.parse(textOf('data')) as PageData;
const session = new Session(scriptUrl('worker'));
render(<Page session={session} />, document.getElementById('page')!);
void session.open(data.source, data.step);
