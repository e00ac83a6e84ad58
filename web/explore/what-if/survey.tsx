import type { EditionChoice } from '../../../src/explore/editions.js';
import type { Parting, SurveyRow } from '../../../src/explore/survey.js';
import { counted } from '../../../src/text/count.js';
import type { Panel, PanelProps } from '../panel.js';
import { WhatIf } from './state.js';

/** How the program goes on every edition, those together on which an observer sees the same. */
function Survey({ session }: PanelProps) {
  const whatIf = WhatIf.of(session);
  const survey = session.marks.value.survey;
  const total = survey?.total ?? whatIf.editions.value?.length ?? 0;
  return (
    <>
      <p class="hint">
        On which releases, designs and bugs does this program go otherwise? Every one is asked; those whose
        behaviours the program does not touch are known without a run.
      </p>
      <div class="toolbar">
        <button
          type="button"
          disabled={session.opened.value === undefined || (survey !== undefined && survey.done < total)}
          onClick={() => void session.model.askAllEditions()}
        >
          Ask all {total}
        </button>
        {survey !== undefined && (
          <span role="status">
            {survey.done < total && <progress value={survey.done} max={total} aria-label="editions asked" />}{' '}
            {survey.done} of {total} asked, {survey.rows.length} ways to go
          </span>
        )}
      </div>
      {survey !== undefined && survey.rows.length > 0 && (
        <div class="scrolls">
          <table class="survey">
            <thead>
              <tr>
                <th scope="col">on</th>
                <th scope="col">the program</th>
                <th scope="col">first difference</th>
                <th scope="col">last step</th>
                <th scope="col">
                  <span class="visually-hidden">compare</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {survey.rows.map((row) => (
                <Row key={row.editions[0]} session={session} row={row} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function Row({ session, row }: PanelProps & { readonly row: SurveyRow }) {
  const whatIf = WhatIf.of(session);
  const { editions, differing, first, answer, last, refused } = row;
  const asHere = refused === undefined && differing === 0;
  return (
    <tr class={asHere ? undefined : 'differs'}>
      <th scope="row">
        <Names whatIf={whatIf} editions={editions} />
      </th>
      <td>
        {asHere ? (
          <span class="badge good">as here</span>
        ) : refused !== undefined ? (
          <span class="bad">cannot be run: {refused}</span>
        ) : (
          <span class="badge differs">
            <span aria-hidden="true">◆ </span>
            {counted(differing, 'step')}
          </span>
        )}
      </td>
      <td>
        {first !== undefined && <PartingText session={session} parting={first} />}
        {answer !== undefined && answer.step !== first?.step && (
          <>
            <br />
            <PartingText session={session} parting={answer} />
          </>
        )}
      </td>
      <td>{last !== undefined && <strong>{last.status}</strong>}</td>
      <td>
        {!asHere && refused === undefined && (
          <button
            type="button"
            onClick={() => {
              void whatIf.compareWith(editions[0]!);
              if (first !== undefined) session.goTo(first.step);
            }}
          >
            Compare
          </button>
        )}
      </td>
    </tr>
  );
}

/** In what runs part, by what an observer would say of it. */
const SAID = { faults: 'what is logged', reach: 'what devices reach', words: 'records' } as const;

function PartingText({ session, parting }: PanelProps & { readonly parting: Parting }) {
  const { step, here, there, differs } = parting;
  const isAnswer = here !== undefined && there !== undefined && here.status !== there.status;
  const kinds = differs.flatMap((kind) => (kind === 'status' || kind === 'words' ? [] : [SAID[kind]]));
  return (
    <>
      <button type="button" class="link" onClick={() => session.goTo(step)}>
        step {step}
      </button>{' '}
      <code>{(here ?? there)?.text}</code>:{' '}
      {here === undefined ? (
        'only there'
      ) : there === undefined ? (
        'only here'
      ) : isAnswer ? (
        <>
          <strong>{there.status}</strong> instead of <strong>{here.status}</strong>
        </>
      ) : (
        kinds.join(', ')
      )}
    </>
  );
}

/** Names that are shown before the rest is folded. */
const SHOWN = 6;

function Names({ whatIf, editions }: { readonly whatIf: WhatIf; readonly editions: readonly string[] }) {
  const titles = inRanges(editions, whatIf.editions.value ?? []);
  const rest = titles.slice(SHOWN);
  return (
    <>
      {titles.slice(0, SHOWN).join(', ')}
      {rest.length > 0 && (
        <details>
          <summary>and {rest.length} more</summary>
          {rest.join(', ')}
        </details>
      )}
    </>
  );
}

/** What editions are called; releases that follow each other stand together: `4.12 – 4.12.4`. */
function inRanges(editions: readonly string[], all: readonly EditionChoice[]): string[] {
  const meant = new Set(editions);
  const titles: string[] = [];
  let newest: string | undefined;
  // All stand newest first.
  for (const [index, { name, kind, title }] of all.entries()) {
    if (!meant.delete(name)) continue;
    if (kind !== 'release') {
      titles.push(title.replace(/^Xen /, ''));
      continue;
    }
    newest ??= name;
    const older = all[index + 1];
    if (older?.kind === 'release' && meant.has(older.name)) continue;
    titles.push(newest === name ? name : `${name} – ${newest}`);
    newest = undefined;
  }
  return [...meant, ...titles];
}

export const surveyPanel: Panel = {
  id: 'survey',
  title: 'On all editions',
  place: 'What if?',
  Component: Survey,
};
