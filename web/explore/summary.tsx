import { counted } from '../../src/text/count.js';
import './summary.css';
import { useEffect, useState } from 'preact/hooks';
import type { PanelProps } from './panel.js';
import { useView } from './session.js';

/** Milliseconds that the page stays at a step before it is asked what takes longer. */
const STAYS = 150;

/**
 * How many times what CPUs see, what IOMMU tables say and what the rule permits disagree after the step that is shown.
 * Looking through a large machine takes longer than a step may, so that it is asked of steps only at which somebody stays.
 */
function useDisagreements({ session }: PanelProps): number | undefined {
  const [known, setKnown] = useState<{ readonly step: number; readonly total: number } | undefined>(
    undefined,
  );
  const [step, opened] = [session.shown.value, session.opened.value];
  useEffect(() => {
    setKnown(undefined);
    if (opened === undefined) return;
    const ask = async (): Promise<void> => {
      const found = await session.view(step, 'disagreements', { count: 0 });
      if (found !== undefined) setKnown({ step, total: found.total });
    };
    const timer = setTimeout(() => ask().catch((error) => session.fail(error)), STAYS);
    return () => clearTimeout(timer);
  }, [session, step, opened]);
  return known?.step === step ? known.total : undefined;
}

/** What one wants to know of the step that is shown whatever part of the machine one looks at. */
export function SummaryLine({ session }: PanelProps) {
  const summary = useView(session, 'summary', undefined).value;
  const disagreements = useDisagreements({ session });
  if (summary === undefined) {
    const isOpening = session.opened.value === undefined && session.problem.value === undefined;
    return (
      <section class="summary" aria-label="at a glance">
        {isOpening && <span class="dim">The program is being run and recorded …</span>}
      </section>
    );
  }
  const { broken, access } = summary;
  return (
    <section class="summary" aria-label="at a glance">
      <span class="dim">after step {session.shown.value}:</span>
      <button type="button" class="link" onClick={() => void (session.tab.value = 'Invariants')}>
        {brokenText(broken)}
      </button>
      <button
        type="button"
        class="link"
        title="between what CPUs see, what IOMMU tables say and what the rule permits"
        onClick={() => void (session.tab.value = 'Machine')}
      >
        {disagreementsText(disagreements)}
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

function disagreementsText(total: number | undefined): string {
  if (total === undefined) return '… disagreements';
  if (total === 0) return '✓ no disagreement';
  return `▲ ${counted(total, 'disagreement')}`;
}

function brokenText(broken: readonly string[] | undefined): string {
  if (broken === undefined) return '? invariants not judged yet';
  if (broken.length === 0) return '✓ no invariant broken';
  const names = broken.slice(0, 3).join(', ');
  return `■ ${counted(broken.length, 'invariant')} broken: ${names}${broken.length > 3 ? ', …' : ''}`;
}
