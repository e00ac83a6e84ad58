import type { Panel, PanelProps } from './panel.js';
import { useView } from './session.js';

function OutcomeOf({ session }: PanelProps) {
  const outcome = useView(session, 'outcome', { lines: 12 }).value;
  if (outcome === undefined) return null;
  const { status, changes, log, because } = outcome;
  return (
    <>
      <p>
        <button
          type="button"
          class="link"
          title="Why was it answered so?"
          onClick={() => session.askErrno(outcome.step)}
        >
          <strong>{status}</strong>
        </button>
        {because !== undefined && `: ${because}`}
      </p>
      <ul>
        {changes
          .flatMap(({ lines }) => lines)
          .map((line) => (
            <li key={line}>{line}</li>
          ))}
      </ul>
      {log.length > 0 && <pre class="log">{log.map((line) => `(XEN) ${line}\n`)}</pre>}
    </>
  );
}

export const outcomePanel: Panel = {
  id: 'outcome',
  title: 'What this step did',
  place: 'run',
  Component: OutcomeOf,
};
