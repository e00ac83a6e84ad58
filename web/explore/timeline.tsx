import type { PanelProps } from './panel.js';

/** The run from its first step to its last, and where in it the page is. */
export function Timeline({ session }: PanelProps) {
  const length = session.opened.value?.length ?? 0;
  const step = session.step.value;
  return (
    <nav class="timeline" aria-label="timeline">
      <button type="button" onClick={() => session.goTo(step - 1)}>
        back
      </button>
      <input
        type="range"
        min={0}
        max={length}
        value={step}
        aria-label="step"
        onInput={({ currentTarget }) => session.goTo(Number(currentTarget.value))}
      />
      <button type="button" onClick={() => session.goTo(step + 1)}>
        forward
      </button>
      <output>
        step {step} of {length}
      </output>
    </nav>
  );
}
