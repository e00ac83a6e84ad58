import { useCallback, useEffect, useState } from 'preact/hooks';
import type { DomainEntriesArgs, DomainEntry } from '../../../src/explore/machine/domain-entries.js';
import type { DomainSummary } from '../../../src/explore/machine/domains.js';
import type { PanelProps } from '../panel.js';
import { useView } from '../session.js';
import { Shown } from '../value.js';
import { LongTable, rowAttributes, useLongWindow } from './long-table.js';
import { Marks } from './marks.js';

type Only = DomainEntriesArgs['only'];

/** What a domain reaches at each of its input frames: by CPU, by device, and by right. */
export function Entries({ session, domain }: PanelProps & { readonly domain: DomainSummary }) {
  const { slot, name, translated, context, meaning } = domain;
  const [only, setOnly] = useState<Only>('all');
  const [fold, setFold] = useState(true);
  const [opened, setOpened] = useState<readonly number[]>([]);
  const window = useLongWindow();
  const picked = session.picked.value;
  const args = { slot, only, fold, opened, from: window.from, count: window.count, find: picked };
  const answer = useView(session, 'domainEntries', args).value;
  // The same at every step, so that a row of which nothing has changed is not drawn again.
  const open = useCallback((input: number) => setOpened((before) => [...before, input]), []);
  const marked = (answer?.rows ?? []).filter(({ frame, folded }) => folded === 1 && frame === (picked ?? -1));
  useEffect(() => {
    if (picked === undefined) return;
    void session
      .view(session.shown.peek(), 'domainEntries', { ...args, count: 0 })
      .then((answer) => answer?.found !== undefined && window.show(answer.found));
  }, [picked]);
  return (
    <>
      <h3>What {name} reaches</h3>
      <p class="domain-meaning">
        {meaning} {context === 'shared' && <strong>Both columns below are the same entries.</strong>}
      </p>
      <div class="toolbar">
        <label>
          show{' '}
          <select value={only} onChange={({ currentTarget: { value } }) => setOnly(value as Only)}>
            <option value="all">all entries</option>
            <option value="changed">changed by this step</option>
            <option value="disagreeing">where views disagree</option>
          </select>
        </label>
        <label>
          <input
            type="checkbox"
            checked={fold}
            onChange={({ currentTarget }) => {
              setFold(currentTarget.checked);
              setOpened([]);
            }}
          />{' '}
          fold
        </label>
      </div>
      <LongTable
        window={window}
        name="entries"
        label={`what ${name} reaches`}
        columns={5}
        total={answer?.total ?? 0}
        from={answer?.from ?? 0}
        empty={only === 'all' ? 'It has no memory, and its tables are empty.' : 'No entry is like that here.'}
        head={
          <>
            <th scope="col">
              {translated ? (
                <abbr title="guest frame number; its devices use the same">gfn = dfn</abbr>
              ) : (
                <abbr title="a PV domain’s devices use machine addresses">mfn = dfn</abbr>
              )}
            </th>
            <th scope="col">here</th>
            <th scope="col">{translated ? 'CPU: p2m' : 'CPU: type of the page'}</th>
            <th scope="col">IOMMU tables</th>
            <th scope="col">the rule permits</th>
          </>
        }
        rows={(answer?.rows ?? []).map((entry, index) => (
          <Row
            key={entry.input}
            entry={entry}
            number={answer!.from + index}
            session={session}
            name={name}
            open={open}
          />
        ))}
      />
      {marked.map(({ place, permitted, ground }) => (
        <p key={place} class="marked-entry">
          At <code>{place}</code> the rule permits {name}’s devices <code>{permitted}</code>
          {ground.startsWith('and ') ? ' ' : ': '}
          {ground}.
        </p>
      ))}
    </>
  );
}

interface RowProps extends PanelProps {
  readonly entry: DomainEntry;
  readonly number: number;
  readonly name: string;
  readonly open: (input: number) => void;
}

function Row({ entry, number, session, name, open }: RowProps) {
  const { place, folded, frame, cpu, iommu, permitted, ground, marks, changed } = entry;
  const picked = session.picked.value;
  const isPicked = frame !== undefined && picked === frame && folded === 1;
  const wrong = marks.some(({ sign }) => sign !== 'pending');
  const looks = [isPicked && 'picked', wrong && 'wrong', changed && 'changed', folded > 1 && 'folded'];
  const at = `${name} at ${place}`;
  const label = (
    <>
      {folded > 1 && <span aria-hidden="true">▸ </span>}
      {place}
    </>
  );
  return (
    <tr class={looks.filter(Boolean).join(' ')} aria-selected={isPicked} {...rowAttributes(number)}>
      <th scope="row">
        {folded === 1 && frame === undefined ? (
          <span class="mono">{label}</span>
        ) : (
          <button
            type="button"
            class="link mono"
            title={
              folded > 1
                ? `open these ${folded} entries, which are alike`
                : 'mark the frame wherever it is shown'
            }
            onClick={() =>
              folded > 1 ? open(entry.input) : void (session.picked.value = isPicked ? undefined : frame)
            }
          >
            {label}
          </button>
        )}
        {folded > 1 && <span class="dim"> {folded} alike</span>}
      </th>
      <td>{marks.length === 0 ? <span class="good">✓ agree</span> : <Marks marks={marks} />}</td>
      <td>
        <Shown session={session} value={cpu} what={`what the CPUs of ${at} have`} />
      </td>
      <td>
        <Shown session={session} value={iommu} what={`IOMMU entry of ${at}`} />
      </td>
      <td class="rule" title={ground}>
        <div>
          <span class="mono">{permitted}</span> <span class="ground">{ground}</span>
        </div>
      </td>
    </tr>
  );
}
