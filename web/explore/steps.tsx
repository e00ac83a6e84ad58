import type { Panel, PanelProps } from './panel.js';
import { useView } from './session.js';

/** Steps around the one that is shown. */
const AROUND = 12;

function Steps({ session }: PanelProps) {
  const step = session.step.value;
  const rows = useView(session, 'steps', { from: Math.max(0, step - AROUND), count: 2 * AROUND + 1 }).value;
  return (
    <ol class="steps">
      {rows?.map(({ step: number, text, status }) => (
        <li key={number} aria-current={number === session.shown.value ? 'step' : undefined}>
          <button type="button" onClick={() => session.goTo(number)}>
            <span class="number">{number}</span> <code>{text}</code> → <strong>{status}</strong>
          </button>
        </li>
      ))}
    </ol>
  );
}

export const stepsPanel: Panel = { id: 'steps', title: 'Steps', place: 'run', Component: Steps };
