import { counted } from '../../src/text/count.js';
import './devices.css';
import { useState } from 'preact/hooks';
import type { DeviceRow, Devices, ReachWindow, RequesterRow } from '../../src/explore/devices.js';
import type { ReachRun } from '../../src/explore/reach/reach-runs.js';
import { hex } from '../../src/text/hex.js';
import { Frame } from './frame.js';
import type { Panel, PanelProps } from './panel.js';
import { type Session, useView } from './session.js';
import { UnitMemories } from './unit-memories.js';
import { Shown } from './value.js';

/** Ranges on the screen at once. */
const WINDOW = 40;

/** Whose ranges are shown: a device's, under one of its ids; and from which on. */
interface Looked {
  readonly device: number;
  readonly place: number;
  readonly from: number;
}

function DevicesPanel({ session }: PanelProps) {
  const [looked, look] = useState<Looked>({ device: 0, place: 0, from: 0 });
  const answer: Devices | undefined = useView(session, 'devices', { ...looked, count: WINDOW }).value;
  if (answer === undefined) return null;
  const { devices, reach, units } = answer;
  if (devices.length === 0) return <p class="empty">The machine has no devices.</p>;
  return (
    <div class="devices">
      <p class="hint">
        What each device can reach in memory by the tables of its IOMMU, and what of it the one rule does not
        permit. A device reaches what its IOMMU remembers as well, until that is flushed: it stands below.
      </p>
      <table>
        <thead>
          <tr>
            <th scope="col">device</th>
            <th scope="col">owner</th>
            <th scope="col">behind</th>
            <th scope="col">
              <abbr title="what its accesses carry: PCI bus, device and function, or a stream id">id</abbr>
            </th>
            <th scope="col">
              <abbr title="under which translations are remembered: domain id, VMID">tag</abbr>
            </th>
            <th scope="col">reaches</th>
          </tr>
        </thead>
        <tbody>
          {devices.flatMap((device) =>
            deviceRows({ session, device, looked, look, stale: staleOf(units, device.device) }),
          )}
        </tbody>
      </table>
      {reach !== undefined && (
        <Ranges
          session={session}
          reach={reach}
          looked={looked}
          look={look}
          name={devices[reach.device]!.name}
        />
      )}
      <UnitMemories session={session} units={units} />
    </div>
  );
}

interface Looking {
  readonly looked: Looked;
  readonly look: (looked: Looked) => void;
}

function deviceRows({
  session,
  device,
  looked,
  look,
  stale,
}: Looking & { readonly session: Session; readonly device: DeviceRow; readonly stale: number }) {
  const { name, address, owner, unit, requesters, notes } = device;
  const rows: readonly (RequesterRow | undefined)[] = requesters.length === 0 ? [undefined] : requesters;
  return rows.map((requester, place) => {
    const chosen = looked.device === device.device && looked.place === place;
    return (
      <tr key={`${device.device} ${place}`} class={chosen ? 'chosen' : undefined}>
        {place === 0 && (
          <>
            <th scope="rowgroup" rowSpan={rows.length}>
              {name} <span class="mono dim">{address}</span>
              {notes.length > 0 && (
                <ul class="notes">
                  {notes.map(({ name: note, value, doc }) => (
                    <li key={note} title={doc}>
                      {note}: <Shown session={session} value={value} what={`${note} of ${name}`} />
                    </li>
                  ))}
                </ul>
              )}
            </th>
            <td rowSpan={rows.length}>
              <Shown session={session} value={owner} what={`owner of ${name}`} />
            </td>
            <td rowSpan={rows.length}>{unit ?? 'no IOMMU'}</td>
          </>
        )}
        <td>
          {requester === undefined ? (
            <span class="dim">none</span>
          ) : (
            <>
              <span class="mono">{requester.text}</span>
              {ROLES[requester.role] !== undefined && <span class="badge">{ROLES[requester.role]}</span>}
            </>
          )}
        </td>
        <td class="mono">{requester?.tag ?? '–'}</td>
        <td>
          <button
            type="button"
            class="link"
            aria-expanded={chosen}
            onClick={() => look({ device: device.device, place, from: 0 })}
          >
            {reachText(requester)}
          </button>
          {requester !== undefined && requester.forbidden > 0 && (
            <span class="badge bad">✗ {requester.forbidden} not by the rule</span>
          )}
          {place === 0 && stale > 0 && (
            <span class="badge bad">✗ {stale} remembered that the tables do not have</span>
          )}
        </td>
      </tr>
    );
  });
}

/** How many translations are remembered of a device that its tables do not have so. */
const staleOf = (units: Devices['units'], device: number): number =>
  units.flatMap(({ iotlb }) => iotlb).filter((row) => row.device === device && row.freshness === 'stale')
    .length;

/** How an id comes to be a device's, where it is not simply its own. */
const ROLES: Readonly<Record<RequesterRow['role'], string | undefined>> = {
  own: undefined,
  stream: undefined,
  alias: 'alias (IVRS)',
  phantom: 'phantom function',
};

function reachText(requester: RequesterRow | undefined): string {
  if (requester === undefined || requester.kind === 'everything') return 'everything';
  if (requester.kind === 'nothing') return 'nothing';
  return counted(requester.pages, 'page');
}

/** The ranges of the requester that was chosen. */
function Ranges({
  session,
  reach,
  looked,
  look,
  name,
}: Looking & { readonly session: Session; readonly reach: ReachWindow; readonly name: string }) {
  const { text, kind, why, total, from, runs } = reach;
  const what = `${name} (${text})`;
  if (kind !== 'ranges') {
    return (
      <p>
        <strong>{what}</strong> reaches {kind}
        {why !== '' && `: ${why}`}.
      </p>
    );
  }
  const go = (to: number) => look({ ...looked, from: Math.max(0, to) });
  return (
    <>
      <h3>
        What {what} reaches{why !== '' && ` – ${why}`}
      </h3>
      <table class="ranges">
        <caption>
          <abbr title="frame numbers of the addresses that the device uses">dfn</abbr> to{' '}
          <abbr title="frame numbers of memory">mfn</abbr>; neighbours that are alike share a row.
        </caption>
        <thead>
          <tr>
            <th scope="col">dfn</th>
            <th scope="col">mfn</th>
            <th scope="col" class="number">
              pages
            </th>
            <th scope="col">rights</th>
            <th scope="col">owner of the frames</th>
            <th scope="col">the rule</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <RunRow key={run.input} session={session} run={run} />
          ))}
        </tbody>
      </table>
      {total > WINDOW && (
        <div class="toolbar">
          <button type="button" disabled={from === 0} onClick={() => go(from - WINDOW)}>
            earlier
          </button>
          <span>
            ranges {from + 1} to {from + runs.length} of {total}
          </span>
          <button type="button" disabled={from + WINDOW >= total} onClick={() => go(from + WINDOW)}>
            later
          </button>
        </div>
      )}
    </>
  );
}

function RunRow({ session, run }: { readonly session: Session; readonly run: ReachRun }) {
  const { input, count, frame, oneFrame, like, rights, owner, forbidden } = run;
  const picked = session.picked.value;
  const has =
    picked !== undefined && frame >= 0 && picked >= frame && picked < frame + (oneFrame ? 1 : count);
  return (
    <tr class={has ? 'picked' : undefined}>
      <td class="mono">{rangeText(input, count)}</td>
      <td>
        {like !== undefined ? (
          `as from dfn ${hex(like)} on`
        ) : (
          <>
            <Frame session={session} mfn={frame} />
            {!oneFrame && count > 1 && (
              <>
                –<Frame session={session} mfn={frame + count - 1} />
              </>
            )}
            {oneFrame && ' each'}
            {has && picked !== frame && <span class="badge">◆ has {hex(picked)}</span>}
          </>
        )}
      </td>
      <td class="number">{count}</td>
      <td class="mono">{rights}</td>
      <td>{owner}</td>
      <td>
        {like !== undefined ? (
          ''
        ) : forbidden === undefined ? (
          <span class="good">✓ permits</span>
        ) : (
          <span class="bad">✗ not {forbidden}</span>
        )}
      </td>
    </tr>
  );
}

const rangeText = (first: number, count: number): string =>
  count === 1 ? hex(first) : `${hex(first)}–${hex(first + count - 1)}`;

export const devicesPanel: Panel = {
  id: 'devices',
  title: 'Devices and what they reach',
  place: 'Devices',
  Component: DevicesPanel,
};
