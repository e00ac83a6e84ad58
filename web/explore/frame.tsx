import './frame.css';
import { hex } from '../../src/text/hex.js';
import type { Session } from './session.js';

interface FrameProps {
  readonly session: Session;
  readonly mfn: number;
}

/** A machine frame, by its number: who clicks it picks it, and every part of the page marks it. */
export const Frame = ({ session, mfn }: FrameProps) => (
  <PickButton session={session} mfn={mfn} look="mono">
    {hex(mfn)}
  </PickButton>
);

/** A frame, or something that leads to one, by a name of its own. */
export const LeadsTo = ({ session, mfn, name }: FrameProps & { readonly name: string }) => (
  <PickButton session={session} mfn={mfn} look="leads-to" hint={`pick frame ${hex(mfn)}`}>
    {name}
  </PickButton>
);

/** The same beside a value that tells the frame's number, and has a click of its own: who wrote it? */
export const PickFrame = ({ session, mfn }: FrameProps) => (
  <PickButton session={session} mfn={mfn} look="pick-frame" label={`pick frame ${hex(mfn)}`}>
    {session.picked.value === mfn ? '◆' : '◇'}
  </PickButton>
);

function PickButton({
  session,
  mfn,
  look,
  label,
  hint = 'pick this frame',
  children,
}: FrameProps & {
  readonly look: string;
  readonly label?: string;
  readonly hint?: string;
  readonly children: string;
}) {
  const picked = session.picked.value === mfn;
  return (
    <button
      type="button"
      class={`link ${look}${picked ? ' picked' : ''}`}
      aria-label={label}
      aria-pressed={picked}
      title={picked ? 'picked: click to let go' : `${hint}: it is marked wherever it is shown`}
      onClick={() => void (session.picked.value = picked ? undefined : mfn)}
    >
      {children}
    </button>
  );
}
