import type {
  ContextRow,
  DelayedRow,
  Freshness,
  IotlbRow,
  UnitMemory,
} from '../../src/explore/reach/remembered-by-units.js';
import { hex } from '../../src/text/hex.js';
import { Frame, PickFrame } from './frame.js';
import type { Session } from './session.js';
import { Shown } from './value.js';

/** What IOMMUs remember, which is what they answer by: beside what the tables say. */
export function UnitMemories({
  session,
  units,
}: {
  readonly session: Session;
  readonly units: readonly UnitMemory[];
}) {
  return (
    <>
      {units.map((unit) => (
        <div key={unit.name} class="unit">
          <h3>What {unit.name} remembers</h3>
          <Iotlb session={session} unit={unit} />
          {unit.contexts !== undefined && <Contexts session={session} rows={unit.contexts} />}
          {unit.delayed !== undefined && <Delayed session={session} rows={unit.delayed} />}
        </div>
      ))}
    </>
  );
}

const SIGNS: Readonly<Record<Freshness, readonly [string, string]>> = {
  same: ['good', '✓'],
  stale: ['bad', '✗ stale:'],
  unused: ['dim', '○'],
};

function Fresh({ freshness, says }: { readonly freshness: Freshness; readonly says: string }) {
  const [name, sign] = SIGNS[freshness];
  return (
    <span class={name}>
      {sign} {says}
    </span>
  );
}

function Iotlb({
  session,
  unit: { name, tag, iotlb, iotlbSize },
}: {
  readonly session: Session;
  readonly unit: UnitMemory;
}) {
  if (iotlb.length === 0) return <p class="empty">Its IOTLB of {iotlbSize} entries is empty.</p>;
  return (
    <table>
      <caption>
        IOTLB: {iotlb.length} of {iotlbSize} entries are in use. An entry answers accesses until it is
        flushed, whatever the tables say.
      </caption>
      <thead>
        <tr>
          <th scope="col">entry</th>
          <th scope="col">{tag}</th>
          <th scope="col">dfn</th>
          <th scope="col">mfn</th>
          <th scope="col">rights</th>
          <th scope="col">answers</th>
          <th scope="col">against the tables</th>
        </tr>
      </thead>
      <tbody>
        {iotlb.map((row) => (
          <TranslationRow key={row.row} session={session} row={row} unit={name} />
        ))}
      </tbody>
    </table>
  );
}

function TranslationRow({
  session,
  row,
  unit,
}: {
  readonly session: Session;
  readonly row: IotlbRow;
  readonly unit: string;
}) {
  const of = `${unit} IOTLB entry ${row.row}`;
  const picked = session.picked.value;
  const has = picked !== undefined && picked >= row.mfn && picked < row.mfn + row.span;
  return (
    <tr class={has ? 'picked' : undefined}>
      <th scope="row">{row.row}</th>
      <td>
        <Shown session={session} value={row.tag} what={`tag of ${of}`} />
      </td>
      <td>
        <Shown session={session} value={row.input} what={`dfn of ${of}`} />
        {row.span > 1 && ` and ${row.span - 1} more`}
      </td>
      <td>
        <span class="with-pick">
          <Shown session={session} value={row.frame} what={`mfn of ${of}`} />
          <PickFrame session={session} mfn={row.mfn} />
        </span>{' '}
        <span class="dim">{row.owner}</span>
      </td>
      <td>
        <Shown session={session} value={row.rights} what={`rights of ${of}`} />
      </td>
      <td>{row.user}</td>
      <td>
        <Fresh {...row} />
      </td>
    </tr>
  );
}

function Contexts({ session, rows }: { readonly session: Session; readonly rows: readonly ContextRow[] }) {
  if (rows.length === 0) return <p class="empty">Its context cache is empty.</p>;
  return (
    <table>
      <caption>Context cache: which tables a requester has, as the unit remembers it.</caption>
      <thead>
        <tr>
          <th scope="col">requester</th>
          <th scope="col">domain id</th>
          <th scope="col">root of its tables</th>
          <th scope="col">against the tables</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ row, requester, did, root, ...fresh }) => (
          <tr key={row}>
            <th scope="row">
              <Shown session={session} value={requester} what={`requester of context cache entry ${row}`} />
            </th>
            <td>
              <Shown session={session} value={did} what={`domain id of context cache entry ${row}`} />
            </td>
            <td>
              <Shown session={session} value={root} what={`root of context cache entry ${row}`} />
            </td>
            <td>
              <Fresh {...fresh} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Delayed({ session, rows }: { readonly session: Session; readonly rows: readonly DelayedRow[] }) {
  if (rows.length === 0) return <p class="empty">All writes to its tables have arrived.</p>;
  return (
    <table>
      <caption>Writes to tables that are still on their way: the unit sees what was there before.</caption>
      <thead>
        <tr>
          <th scope="col">entry at</th>
          <th scope="col">the unit sees</th>
          <th scope="col">memory holds</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ row, mfn, offset, sees, holds }) => (
          <tr key={row}>
            <th scope="row">
              <Frame session={session} mfn={mfn} />, offset <code>{hex(offset)}</code>
            </th>
            <td>
              <Shown
                session={session}
                value={sees}
                what={`what the unit sees of frame ${hex(mfn)}, offset ${hex(offset)}`}
              />
            </td>
            <td>
              <Shown session={session} value={holds} what={`frame ${hex(mfn)}, offset ${hex(offset)}`} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
