import { counted } from '../../../src/text/count.js';
import './domains.css';
import { useState } from 'preact/hooks';
import type { Disagreements } from '../../../src/explore/machine/disagreements.js';
import type { DomainSummary } from '../../../src/explore/machine/domains.js';
import type { Panel, PanelProps } from '../panel.js';
import { useView } from '../session.js';
import { Shown } from '../value.js';
import { Entries } from './entries.js';
import { SHAPES } from './marks.js';
import { DomainName } from './owner.js';

/** Disagreements that are told in words. */
const TOLD = 12;

function Domains({ session }: PanelProps) {
  const [chosen, setChosen] = useState<number | undefined>(undefined);
  const domains = useView(session, 'domains', undefined).value;
  const found = useView(session, 'disagreements', { count: TOLD }).value;
  if (domains === undefined || found === undefined) return null;
  // The reader's choice; else one that has something to say: a disagreement, a guest's context, devices.
  const shown =
    domains.find(({ slot }) => slot === chosen) ??
    domains.find(({ total }) => total > 0) ??
    domains.find(({ slot, context }) => slot > 0 && context !== 'none') ??
    domains.find(({ devices }) => devices.length > 0) ??
    domains[0];
  return (
    <>
      <Summary session={session} found={found} choose={setChosen} />
      <p class="hint">
        What a domain’s <abbr title="central processors: the guest’s own code">CPUs</abbr> reach and what its
        devices reach are two things: devices go through an IOMMU. Its context is declared when the domain is
        created: none, <em>shared</em> (the IOMMU walks the domain’s p2m) or <em>split</em> (tables of its
        own, kept in sync). Rights are read <code>r-</code>, read and write <code>rw</code>, none{' '}
        <code>--</code>; <code>x</code>: execute.
      </p>
      <div class="domains-scroller">
        <table class="domains-table">
          <thead>
            <tr>
              <th scope="col">domain</th>
              <th scope="col">kind</th>
              <th scope="col">views</th>
              <th scope="col">IOMMU context</th>
              <th scope="col">roots</th>
              <th scope="col">pages</th>
              <th scope="col">devices</th>
            </tr>
          </thead>
          <tbody>
            {domains.map((domain) => (
              <Row
                key={domain.slot}
                session={session}
                domain={domain}
                chosen={domain === shown}
                choose={() => setChosen(domain.slot)}
              />
            ))}
          </tbody>
        </table>
      </div>
      {shown !== undefined && <Entries key={shown.slot} session={session} domain={shown} />}
    </>
  );
}

/** Whether all views agree; if not, in what they do not. */
function Summary({
  session,
  found,
  choose,
}: PanelProps & { readonly found: Disagreements; readonly choose: (slot: number) => void }) {
  const { total, first } = found;
  if (total === 0)
    return (
      <p class="disagreements none">
        <strong>✓ No disagreement:</strong>{' '}
        <span class="dim">IOMMU tables give every domain’s devices what they are to have, and no more.</span>
      </p>
    );
  const entries = byEntry(first);
  return (
    <div class="disagreements some">
      <strong>▲ {counted(total, 'disagreement')}</strong>
      <ul>
        {entries.map(([one, ...others]) => (
          <li key={`${one.slot} ${one.input}`}>
            <button
              type="button"
              class="link"
              onClick={() => {
                choose(one.slot);
                session.picked.value = one.frame;
                document.querySelector('#domains .long.entries')?.scrollIntoView({ block: 'nearest' });
              }}
            >
              {one.domain} {one.place}
            </button>
            {[one, ...others].map(({ sign, word, text }) => (
              <span key={sign}>
                {' '}
                <strong>
                  <span aria-hidden="true">{SHAPES[sign]}</span> {word}
                </strong>
                : {text}.
              </span>
            ))}
          </li>
        ))}
      </ul>
      {total > entries.length && <p class="dim">and {total - entries.length} more</p>}
    </div>
  );
}

type Marked = Disagreements['first'][number];

/** What is told of the same entry is told together. Entries follow each other. */
function byEntry(told: readonly Marked[]): [Marked, ...Marked[]][] {
  const entries: [Marked, ...Marked[]][] = [];
  for (const one of told) {
    const last = entries.at(-1);
    if (last?.[0].slot === one.slot && last[0].input === one.input) last.push(one);
    else entries.push([one]);
  }
  return entries;
}

function Row({
  session,
  domain,
  chosen,
  choose,
}: PanelProps & {
  readonly domain: DomainSummary;
  readonly chosen: boolean;
  readonly choose: () => void;
}) {
  const {
    slot,
    name,
    called,
    kind,
    life,
    context,
    status,
    share,
    needSync,
    crashed,
    devices,
    total,
    counts,
  } = domain;
  return (
    <tr class={chosen ? 'chosen' : undefined}>
      <th scope="row">
        <button
          type="button"
          class="link"
          aria-pressed={chosen}
          title={`show what ${name} reaches`}
          onClick={choose}
        >
          <DomainName slot={slot} name={name} />
          {called !== undefined && ` ${called}`}
        </button>
        {chosen && <span aria-hidden="true"> ▾</span>}
      </th>
      <td>
        <Shown session={session} value={kind} what={`kind of ${name}`} />{' '}
        <Shown session={session} value={life} what={`life of ${name}`} />
        {crashed && (
          <>
            {' crashed '}
            <Shown session={session} value={crashed} what={`crash of ${name}`} />
          </>
        )}
      </td>
      <td>
        {total === 0 ? (
          <span class="good unbroken">✓ agree</span>
        ) : (
          <strong class="bad unbroken">
            ▲ {total} {total === 1 ? 'disagrees' : 'disagree'}
          </strong>
        )}
        {counts.pending > 0 && <div class="warn">… {counts.pending} not yet</div>}
      </td>
      <td>
        <strong>{context}</strong> <Shown session={session} value={status} what={`IOMMU status of ${name}`} />
        <div class="parts">
          CDF_iommu{' '}
          <Shown
            session={session}
            value={domain.declared}
            what={`whether ${name} was declared to have a context`}
          />
          {' share '}
          <Shown session={session} value={share} what={`whether ${name} shares its p2m with the IOMMU`} />
          {' sync '}
          <Shown session={session} value={needSync} what={`needSync of ${name}`} />
        </div>
      </td>
      <td class="unbroken">
        {'IOMMU '}
        {context === 'shared' ? (
          <span title="the IOMMU uses the root of the p2m itself">= the p2m’s</span>
        ) : (
          <Shown session={session} value={domain.iommuRoot} what={`IOMMU root of ${name}`} />
        )}
        <div class="parts">
          {'p2m '}
          {domain.p2mRoot === undefined ? (
            <span title="a PV domain sees machine frames">none, as PV</span>
          ) : (
            <Shown session={session} value={domain.p2mRoot} what={`p2m root of ${name}`} />
          )}
        </div>
      </td>
      <td class="unbroken">
        <Shown session={session} value={domain.totPages} what={`pages of ${name}`} /> of{' '}
        <Shown session={session} value={domain.maxPages} what={`most pages of ${name}`} />
      </td>
      <td>{devices.length === 0 ? <span class="dim">none</span> : devices.join(', ')}</td>
    </tr>
  );
}

export const domainsPanel: Panel = {
  id: 'domains',
  title: 'Domains',
  place: 'Machine',
  Component: Domains,
};
