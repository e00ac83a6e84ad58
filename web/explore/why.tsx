import './why.css';
import { useEffect, useRef } from 'preact/hooks';
import type { Panel, PanelProps } from './panel.js';
import { WhyErrno } from './why-errno.js';
import { WhyValue } from './why-value.js';

/** Where Escape means something else. */
const OWN_ESCAPE = 'dialog, textarea, select, [contenteditable]';

/** What the reader has asked, and the answer: the way back leads through earlier questions, Escape to where they were asked. */
function Why({ session }: PanelProps) {
  const { questions } = session;
  const asked = questions.current.value;
  const heading = useRef<HTMLHeadingElement>(null);
  // Who asks is taken to the answer.
  useEffect(() => {
    heading.current?.focus();
    heading.current?.scrollIntoView({ block: 'nearest' });
  }, [asked]);
  useEffect(() => {
    if (asked === undefined) return;
    const close = (event: KeyboardEvent): void => {
      const elsewhere = event.target instanceof Element && event.target.closest(OWN_ESCAPE) !== null;
      if (event.key === 'Escape' && !event.defaultPrevented && !elsewhere) questions.close();
    };
    document.addEventListener('keydown', close);
    return () => document.removeEventListener('keydown', close);
  }, [asked, questions]);
  if (asked === undefined) {
    return <p class="hint">Click a value: which steps wrote it? A step’s answer: which rule decided it?</p>;
  }
  const earlier = questions.earlier.value;
  return (
    <div class="why">
      <div class="toolbar">
        {earlier > 0 && (
          <button type="button" title="the question before this one" onClick={() => questions.back()}>
            ← back
          </button>
        )}
        <button type="button" title="close the answer (Escape)" onClick={() => questions.close()}>
          close
        </button>
      </div>
      <h3 class="asked" tabIndex={-1} ref={heading}>
        {'errno' in asked ? `Why was step ${asked.errno} answered so?` : `Who set ${asked.what}?`}
      </h3>
      {'errno' in asked ? (
        <WhyErrno key={`errno ${asked.errno}`} session={session} step={asked.errno} />
      ) : (
        <WhyValue key={`value ${JSON.stringify(asked)}`} session={session} value={asked.value} />
      )}
    </div>
  );
}

export const whyPanel: Panel = { id: 'why', title: 'Why?', place: 'run', Component: Why };
