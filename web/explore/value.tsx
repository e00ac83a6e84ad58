import type { Value } from '../../src/explore/value.js';
import type { Session } from './session.js';

/** A value of the machine: marked where the step changed it, with what it was before; who clicks it is told who wrote it. */
export function Shown({
  session,
  value,
  what,
}: {
  readonly session: Session;
  readonly value: Value;
  /** What it is the value of, in words: `owner of frame 0x105`. */
  readonly what: string;
}) {
  const { text, was, words } = value;
  const changed = was !== undefined;
  const title = changed ? `${what}: was ${was}` : what;
  const content = changed ? (
    <>
      <span class="mark" aria-hidden="true">
        ●
      </span>
      {text}
      <span class="was"> was {was}</span>
    </>
  ) : (
    text
  );
  if (words === undefined) return <span class={changed ? 'value changed' : 'value'}>{content}</span>;
  return (
    <button
      type="button"
      class={changed ? 'value changed' : 'value'}
      title={title}
      onClick={() => session.askWhy(value, what)}
    >
      {content}
    </button>
  );
}
