import './calls.css';
import type { CallRow, Named } from '../../src/explore/calls.js';
import type { PanelProps } from './panel.js';
import { Shown } from './value.js';

/** Hypercalls that have begun and not ended. */
export function CallList({ session, calls }: PanelProps & { readonly calls: readonly CallRow[] }) {
  return calls.map(({ call, name, begun, next, progress, locks, held }) => (
    <div class="call" key={call}>
      <h3>{name}</h3>
      <dl>
        {begun !== undefined && (
          <>
            <dt>begun</dt>
            <dd>
              <button type="button" class="link" onClick={() => session.goTo(begun.step)}>
                step {begun.step}
              </button>
              : <code>{begun.text}</code>
            </dd>
          </>
        )}
        <dt>its next step</dt>
        <dd>
          <Shown session={session} value={next} what={`next step of ${name}`} />
        </dd>
        <Each session={session} title="its progress" of={name} values={progress} />
        <Each session={session} title="holds the lock" of={name} values={locks} />
        {held.length > 0 && (
          <>
            <dt>keeps until it has flushed</dt>
            <dd>
              {held.map((frame) => (
                <span class="each" key={frame.words?.[0]}>
                  <Shown session={session} value={frame} what={`frame held by ${name}`} />
                </span>
              ))}
            </dd>
          </>
        )}
      </dl>
    </div>
  ));
}

function Each({
  session,
  title,
  of,
  values,
}: PanelProps & { readonly title: string; readonly of: string; readonly values: readonly Named[] }) {
  if (values.length === 0) return null;
  return (
    <>
      <dt>{title}</dt>
      <dd>
        {values.map(({ name, value }) => (
          <span class="each" key={name}>
            {name} <Shown session={session} value={value} what={`${name} of ${of}`} />
          </span>
        ))}
      </dd>
    </>
  );
}
