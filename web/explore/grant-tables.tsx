import type { ComponentChildren } from 'preact';
import type { DeviceReach, Handle } from '../../src/explore/grants/handles.js';
import type { ActiveEntry, Offer } from '../../src/explore/grants/offers.js';
import type { DomainGrants } from '../../src/explore/grants.js';
import type { Value } from '../../src/explore/value.js';
import { PickFrame } from './frame.js';
import type { PanelProps } from './panel.js';
import { Shown } from './value.js';

type OfDomain = PanelProps & { readonly domain: DomainGrants };

function Table({
  caption,
  heads,
  children,
}: {
  readonly caption: string;
  readonly heads: readonly string[];
  readonly children: ComponentChildren;
}) {
  return (
    <div class="scroll">
      <table>
        <caption>{caption}</caption>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** A frame that can be picked, where the value is one. */
function FrameValue({
  session,
  value,
  mfn,
  what,
}: PanelProps & { readonly value: Value; readonly mfn: number | undefined; readonly what: string }) {
  return (
    <span class="with-pick">
      <Shown session={session} value={value} what={what} />
      {mfn !== undefined && <PickFrame session={session} mfn={mfn} />}
    </span>
  );
}

/** What a domain offers: what it wrote, and what Xen has on record. */
export function Offers({ session, domain: { name, offers } }: OfDomain) {
  if (offers.total === 0) return null;
  const heads = ['ref', 'its entry', 'in use', 'pinned', 'mapped by'];
  return (
    <Table caption={`Offered by ${name}`} heads={heads}>
      {offers.rows.map((offer) => (
        <OfferRow key={offer.ref} session={session} offer={offer} of={`${name} grant ${offer.ref}`} />
      ))}
    </Table>
  );
}

function OfferRow({ session, offer, of }: PanelProps & { readonly offer: Offer; readonly of: string }) {
  const { ref, entry, active, handles } = offer;
  const shown = (value: Value, what: string) => (
    <Shown session={session} value={value} what={`${what} of ${of}`} />
  );
  return (
    <tr class={isPicked(session, active?.mfn)}>
      <th scope="row">{ref}</th>
      {entry === undefined ? (
        <td colSpan={2} class="empty">
          beyond the table
        </td>
      ) : (
        <>
          <td>
            {shown(entry.offer, 'offer')}
            {entry.more !== undefined && <> {shown(entry.more, 'further flags')}</>}
            <div>
              {shown(entry.of, 'page in the entry')} to {shown(entry.to, 'grantee in the entry')}
            </div>
          </td>
          <td>{shown(entry.use, 'use flags')}</td>
        </>
      )}
      {active === undefined ? (
        <td class="dim">no</td>
      ) : (
        <td>
          <Active session={session} active={active} of={of} />
        </td>
      )}
      <td>
        {handles.length === 0 && <span class="dim">nobody</span>}
        {handles.map(({ domain, handle }, index) => `${index > 0 ? ', ' : ''}${domain} handle ${handle}`)}
      </td>
    </tr>
  );
}

function Active({ session, active, of }: PanelProps & { readonly active: ActiveEntry; readonly of: string }) {
  const { pins, grantee, frame, mfn, owner, source, spoilt } = active;
  const said = pins.filter(({ value }) => value.text !== '0' || value.was !== undefined);
  return (
    <>
      <FrameValue session={session} value={frame} mfn={mfn} what={`pinned frame of ${of}`} />
      {owner !== undefined && (
        <>
          {' '}
          of <Shown session={session} value={owner} what={`owner of frame ${frame.text}`} />
        </>
      )}
      <div class="pins">
        {said.map(({ name, value }) => (
          <span key={name}>
            {name} <Shown session={session} value={value} what={`${name} pins of ${of}`} />
          </span>
        ))}
        <span>
          by <Shown session={session} value={grantee} what={`who is recorded as user of ${of}`} />
        </span>
      </div>
      {source !== undefined && (
        <div>
          passes on <Shown session={session} value={source.domain} what={`source of ${of}`} /> grant{' '}
          <Shown session={session} value={source.ref} what={`source reference of ${of}`} />
        </div>
      )}
      {spoilt && (
        <span class="badge warn" title="the domain wrote over its entry while it was in use">
          entry overwritten
        </span>
      )}
    </>
  );
}

/** What a domain has mapped of others. */
export function Handles({ session, domain: { name, handles } }: OfDomain) {
  if (handles.total === 0) return null;
  const heads = ['handle', 'of', 'for', 'at', 'frame', 'its devices reach'];
  return (
    <Table caption={`Mapped by ${name}`} heads={heads}>
      {handles.rows.map((handle) => (
        <HandleRow
          key={handle.handle}
          session={session}
          handle={handle}
          of={`${name} handle ${handle.handle}`}
        />
      ))}
    </Table>
  );
}

function HandleRow({
  session,
  handle: one,
  of,
}: PanelProps & { readonly handle: Handle; readonly of: string }) {
  const { handle, granter, ref, flags, host, frame, mfn, reach } = one;
  return (
    <tr class={isPicked(session, mfn)}>
      <th scope="row">{handle}</th>
      <td>
        <Shown session={session} value={granter} what={`granter of ${of}`} /> grant{' '}
        <Shown session={session} value={ref} what={`reference of ${of}`} />
      </td>
      <td>
        {flags.map((flag) => (
          <span key={flag.low}>
            <Shown session={session} value={flag} what={`the flag ${flag.text} of ${of}`} />{' '}
          </span>
        ))}
      </td>
      <td>
        <Shown session={session} value={host} what={`place of ${of}`} />
      </td>
      <td>
        <FrameValue session={session} value={frame} mfn={mfn} what={`frame of ${of}`} />
      </td>
      <td>
        {reach.length === 0 && <span class="dim">it has no device</span>}
        {reach.map((one) => (
          <Reach key={one.devices[0]} session={session} reach={one} />
        ))}
      </td>
    </tr>
  );
}

function Reach({ session, reach: { devices, input, rights } }: PanelProps & { readonly reach: DeviceReach }) {
  const who = devices.join(', ');
  return (
    <div>
      {who}: <Shown session={session} value={rights} what={`what ${who} may do at ${input}`} /> at{' '}
      <span class="mono">{input}</span>
    </div>
  );
}

/** How often a domain has mapped each frame. */
export function Counters({ session, domain: { name, counters } }: OfDomain) {
  if (counters.total === 0) return null;
  return (
    <Table caption={`Counted by ${name}: its mappings of each frame`} heads={['frame', 'readers', 'writers']}>
      {counters.rows.map(({ frame, mfn, readers, writers }) => (
        <tr key={mfn} class={isPicked(session, mfn)}>
          <th scope="row">
            <FrameValue session={session} value={frame} mfn={mfn} what={`frame that ${name} counts`} />
          </th>
          <td class="number">
            <Shown session={session} value={readers} what={`read mappings by ${name} of ${frame.text}`} />
          </td>
          <td class="number">
            <Shown session={session} value={writers} what={`write mappings by ${name} of ${frame.text}`} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

const isPicked = ({ picked }: PanelProps['session'], mfn: number | undefined): string | undefined =>
  mfn !== undefined && picked.value === mfn ? 'picked' : undefined;
