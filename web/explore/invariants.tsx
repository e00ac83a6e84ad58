import './invariants.css';
import { useEffect } from 'preact/hooks';
import type { InvariantRow } from '../../src/explore/invariants.js';
import type { Panel, PanelProps } from './panel.js';
import { useView } from './session.js';

function Invariants({ session }: PanelProps) {
  const answer = useView(session, 'invariants', undefined).value;
  // Where one breaks first is learnt while the run is judged.
  const known = session.marks.value.violations.length;
  useEffect(() => session.refresh(), [known]);
  if (answer === undefined) return null;
  const { judged, rows } = answer;
  const broken = rows.filter(({ message }) => message !== undefined).length;
  return (
    <>
      <p class="hint">
        What must hold after every step, whatever guests, toolstack and devices do. An invariant that is
        broken here is a mistake of this edition of the hypervisor, or of the model; who breaks it may be
        anybody.
      </p>
      <p>
        {judged ? (
          <strong>
            {broken === 0 ? '✓ All hold' : `■ ${broken} of ${rows.length} broken`} after step{' '}
            {session.shown.value}.
          </strong>
        ) : (
          <strong>Step {session.shown.value} has not been held against them yet.</strong>
        )}
      </p>
      <table class="invariants">
        <thead>
          <tr>
            <th scope="col">here</th>
            <th scope="col">id</th>
            <th scope="col">what must hold</th>
            <th scope="col">first broken</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row key={row.id} row={row} judged={judged} session={session} />
          ))}
        </tbody>
      </table>
    </>
  );
}

function Row({
  row,
  judged,
  session,
}: PanelProps & { readonly row: InvariantRow; readonly judged: boolean }) {
  const { id, title, reason, harms, harm, message, first, breaks } = row;
  return (
    <tr class={message === undefined ? undefined : 'broken'}>
      <td class="state">
        <State row={row} judged={judged} />
      </td>
      <th scope="row">{id}</th>
      <td>
        <details>
          <summary>{title}</summary>
          <p class="dim">
            {reason}. Broken, it means: {harms}.
          </p>
        </details>
        {message !== undefined && (
          <p class="message">
            {message} <span class="badge bad">{harm}</span>
          </p>
        )}
      </td>
      <td class="first">
        {first === undefined ? (
          <span class="dim">never</span>
        ) : (
          <button type="button" class="link" onClick={() => session.goTo(first)}>
            step {first}
          </button>
        )}
        {breaks > 1 && <span class="dim"> and {breaks - 1} more</span>}
      </td>
    </tr>
  );
}

function State({
  row: { message, fresh },
  judged,
}: {
  readonly row: InvariantRow;
  readonly judged: boolean;
}) {
  if (!judged) return <span class="dim">? not judged yet</span>;
  if (message === undefined) return <span class="good">✓ holds</span>;
  return <strong class="bad">{fresh ? '■ broken by this step' : '■ broken'}</strong>;
}

export const invariantsPanel: Panel = {
  id: 'invariants',
  title: 'Invariants',
  place: 'Invariants',
  Component: Invariants,
};
