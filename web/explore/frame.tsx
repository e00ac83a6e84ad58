import { hex } from '../../src/text/hex.js';
import type { Session } from './session.js';

/** A machine frame, by its number: who clicks it picks it, and every part of the page marks it. */
export function Frame({ session, mfn }: { readonly session: Session; readonly mfn: number }) {
  const picked = session.picked.value === mfn;
  return (
    <button
      type="button"
      class={picked ? 'link mono picked' : 'link mono'}
      aria-current={picked ? 'true' : undefined}
      title={picked ? 'picked: click to let go' : 'pick this frame: it is marked wherever it is shown'}
      onClick={() => void (session.picked.value = picked ? undefined : mfn)}
    >
      {hex(mfn)}
    </button>
  );
}
