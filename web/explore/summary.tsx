import './summary.css';
import type { PanelProps } from './panel.js';
import { useView } from './session.js';

/** What one wants to know of the step that is shown whatever part of the machine one looks at. */
export function SummaryLine({ session }: PanelProps) {
  const summary = useView(session, 'summary', undefined).value;
  if (summary === undefined) return <section class="summary" aria-label="at a glance" />;
  const { broken, access } = summary;
  return (
    <section class="summary" aria-label="at a glance">
      <span class="dim">after step {session.shown.value}:</span>
      <button type="button" class="link" onClick={() => void (session.tab.value = 'Invariants')}>
        {brokenText(broken)}
      </button>
      {access === undefined ? (
        <span class="dim">no device has accessed memory</span>
      ) : (
        <span class="access">
          last access:{' '}
          <button type="button" class="link" onClick={() => session.goTo(access.step)}>
            step {access.step}
          </button>{' '}
          <code>{access.text}</code> →{' '}
          <button type="button" class="link" onClick={() => void (session.tab.value = 'Last DMA')}>
            {access.status}
          </button>
        </span>
      )}
    </section>
  );
}

function brokenText(broken: readonly string[] | undefined): string {
  if (broken === undefined) return '? invariants not judged yet';
  if (broken.length === 0) return '✓ no invariant broken';
  const names = broken.slice(0, 3).join(', ');
  return `■ ${broken.length} ${broken.length === 1 ? 'invariant' : 'invariants'} broken: ${names}${broken.length > 3 ? ', …' : ''}`;
}
