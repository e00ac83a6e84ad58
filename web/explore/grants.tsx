import './grants.css';
import { useState } from 'preact/hooks';
import type { DomainGrants } from '../../src/explore/grants.js';
import type { Value } from '../../src/explore/value.js';
import { CallList } from './call-list.js';
import { Counters, Handles, Offers } from './grant-tables.js';
import type { Panel, PanelProps } from './panel.js';
import { useView } from './session.js';
import { Shown } from './value.js';

/** Rows of each table that are asked for at first, and how many more at a time. */
const ROWS = 24;

function Grants({ session }: PanelProps) {
  const [most, setMost] = useState(ROWS);
  const answer = useView(session, 'grants', { most }).value;
  if (answer === undefined) return null;
  const { domains, idle, calls } = answer;
  const cut = domains.some(({ offers, handles, counters }) =>
    [offers, handles, counters].some(({ total, rows }) => rows.length < total),
  );
  return (
    <div class="grants">
      <p class="hint">
        A domain offers a page to another by an entry of its grant table, which it writes by itself. While the
        offer is used Xen goes by its own record: a <em>pin</em> counts a use, for the user’s CPUs (host) or
        devices, for reading only or for writing. Who maps an offer is given a <em>handle</em>, by which it
        unmaps the page again.
      </p>
      <CallList session={session} calls={calls} />
      {domains.length === 0 && <p class="empty">Nothing is offered, and nothing is mapped.</p>}
      {domains.map((domain) => (
        <Domain key={domain.slot} session={session} domain={domain} />
      ))}
      {cut && (
        <button type="button" onClick={() => setMost(most * 4)}>
          show more rows
        </button>
      )}
      {idle.length > 0 && <p class="hint">With a grant table that is empty: {idle.join(', ')}.</p>}
    </div>
  );
}

function Domain({ session, domain }: PanelProps & { readonly domain: DomainGrants }) {
  const { name, called, version, shared, status, room } = domain;
  return (
    <section>
      <h3>
        {name}
        {called !== undefined && ` (${called})`}
      </h3>
      {shared.length > 0 && (
        <p class="facts">
          <span>
            version <Shown session={session} value={version} what={`version of the grant table of ${name}`} />
          </span>
          <Frames session={session} title="entries in" values={shared} of={name} />
          <Frames session={session} title="use flags in" values={status} of={name} />
          <span>room for {room} references</span>
        </p>
      )}
      <Offers session={session} domain={domain} />
      <Handles session={session} domain={domain} />
      <Counters session={session} domain={domain} />
      {[domain.offers, domain.handles, domain.counters].some(({ total, rows }) => rows.length < total) && (
        <p class="hint">
          {domain.offers.total} references, {domain.handles.total} handles and {domain.counters.total} counted
          frames are in use; the first of each are shown.
        </p>
      )}
    </section>
  );
}

function Frames({
  session,
  title,
  values,
  of,
}: PanelProps & { readonly title: string; readonly values: readonly Value[]; readonly of: string }) {
  if (values.length === 0) return null;
  return (
    <span>
      {title}{' '}
      {values.map((value, n) => (
        <span key={value.words?.[0]}>
          <Shown session={session} value={value} what={`grant table frame ${n} of ${of}`} />{' '}
        </span>
      ))}
    </span>
  );
}

export const grantsPanel: Panel = { id: 'grants', title: 'Grants', place: 'Grants', Component: Grants };
