import { CallList } from './call-list.js';
import type { Panel, PanelProps } from './panel.js';
import { useView } from './session.js';

/** Seen only while there is a hypercall under way. */
function Calls({ session }: PanelProps) {
  const calls = useView(session, 'calls', undefined).value ?? [];
  if (calls.length === 0) return null;
  return (
    <>
      <p class="hint">
        Xen does a long hypercall in steps. Between two of them other domains run, and change what it has
        already looked at.
      </p>
      <CallList session={session} calls={calls} />
    </>
  );
}

export const callsPanel: Panel = {
  id: 'calls',
  title: 'Hypercalls under way',
  place: 'Machine',
  Component: Calls,
};
