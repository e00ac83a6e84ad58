import './what-if.css';
import { useState } from 'preact/hooks';
import type { EditionChoice } from '../../../src/explore/editions.js';
import type { Panel, PanelProps } from '../panel.js';
import { Compared } from './compared.js';
import { WhatIf } from './state.js';

const KINDS: readonly (readonly [EditionChoice['kind'], string])[] = [
  ['release', 'Releases'],
  ['tree', 'Development tree'],
  ['design', 'Designs'],
  ['bug', 'Bugs of Xen’s history, each in a Xen that has it'],
];

/** Whether an edition is one of those that the reader looks for: every word occurs in what is said of it. */
function isMeant({ name, title, detail }: EditionChoice, wanted: string): boolean {
  const text = `${title} ${name} ${detail}`.toLowerCase();
  return wanted
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

function Editions({ session }: PanelProps) {
  const whatIf = WhatIf.of(session);
  const [wanted, setWanted] = useState('');
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const opened = session.opened.value;
  const all = whatIf.editions.value ?? [];
  const meant = all.filter((one) => isMeant(one, wanted));
  const choice = all.find(({ title }) => title === chosen) ?? meant[0];
  const isOpen = choice?.name === opened?.edition;
  return (
    <>
      <p class="hint">
        The same program on another release of Xen, on a design that was proposed, or on a Xen with a bug of
        its history. Compare, and steps that come to something else are marked (
        <span aria-hidden="true">◆</span>) on the timeline and in the list; switch, and the page shows that
        run.
      </p>
      <div class="choose-edition">
        <label>
          find{' '}
          <input
            type="search"
            value={wanted}
            placeholder="4.12, late-enable, XSA-288, grant …"
            onInput={({ currentTarget }) => {
              setWanted(currentTarget.value);
              setChosen(undefined);
            }}
          />
        </label>
        <span class="dim" role="status">
          {meant.length} of {all.length}
        </span>
        <select
          size={7}
          aria-label="editions"
          value={choice?.title ?? ''}
          onChange={({ currentTarget }) => setChosen(currentTarget.value)}
          onDblClick={() => choice !== undefined && void whatIf.compareWith(choice.name)}
        >
          {KINDS.map(([kind, title]) => {
            const ofKind = meant.filter((one) => one.kind === kind);
            return (
              ofKind.length > 0 && (
                <optgroup key={kind} label={title}>
                  {ofKind.map((one) => (
                    <option key={one.title} value={one.title}>
                      {one.title}
                      {one.detail !== '' && `: ${one.detail}`}
                    </option>
                  ))}
                </optgroup>
              )
            );
          })}
        </select>
        {choice !== undefined && (
          <p class="choice">
            <strong>{choice.title}</strong> {choice.detail}
            {choice.kind === 'bug' && (
              <>
                {' '}
                <code>{choice.name}</code>
              </>
            )}
          </p>
        )}
        <div class="toolbar">
          <button
            type="button"
            class="primary"
            disabled={choice === undefined || isOpen}
            onClick={() => void whatIf.compareWith(choice!.name)}
          >
            Compare with {choice?.title ?? '…'}
          </button>
          <button
            type="button"
            disabled={choice === undefined || isOpen}
            onClick={() => void whatIf.switchTo(choice!.name)}
          >
            Switch to {choice?.title ?? '…'}
          </button>
          {isOpen && <span class="dim">This is the Xen that the page shows.</span>}
        </div>
      </div>
      {whatIf.refusal.value !== undefined && (
        <p class="bad" role="alert">
          <span aria-hidden="true">✗ </span>
          Cannot be compared: {whatIf.refusal.value}
        </p>
      )}
      <Compared session={session} />
    </>
  );
}

export const editionsPanel: Panel = {
  id: 'editions',
  title: 'Another Xen',
  place: 'What if?',
  Component: Editions,
};
