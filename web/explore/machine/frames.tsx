import './frames.css';
import { useCallback, useEffect, useState } from 'preact/hooks';
import type { Flag, FrameRow, FramesArgs, FrameView } from '../../../src/explore/machine/frames.js';
import { Frame } from '../frame.js';
import type { Panel, PanelProps } from '../panel.js';
import { type Session, useView } from '../session.js';
import { Shown } from '../value.js';
import { LongTable, rowAttributes, useLongWindow } from './long-table.js';
import { Marks } from './marks.js';
import { DomainName } from './owner.js';

type Filter = Pick<FramesArgs, 'owner' | 'only' | 'xens' | 'fold' | 'opened'>;

const ALL: Filter = { owner: undefined, only: 'all', xens: false, fold: true, opened: [] };

/** Owners that the filter offers besides domains, as it says them. */
const NOBODY = -1;

function Frames({ session }: PanelProps) {
  const [filter, setFilter] = useState(ALL);
  const window = useLongWindow();
  const picked = session.picked.value;
  const args = { ...filter, from: window.from, count: window.count, find: picked };
  const answer = useView(session, 'frames', args).value;
  useEffect(() => {
    if (picked !== undefined) void showFrame(session, args, picked, window.show);
  }, [picked]);
  const change = (part: Partial<Filter>): void => setFilter((before) => ({ ...before, ...part }));
  // The same at every step, so that a row of which nothing has changed is not drawn again.
  const open = useCallback(
    (mfn: number) => setFilter((before) => ({ ...before, opened: [...before.opened, mfn] })),
    [],
  );
  const rows = answer?.rows ?? [];
  const hasLists = answer?.hasLists === true;
  return (
    <>
      <p class="hint">
        Every frame of RAM by its number (<abbr title="machine frame number">mfn</abbr>): who owns it, what it
        serves as (a type, and how many references hold it to that), who refers to it, and how each domain
        reaches it: by CPU, through its p2m, and by device, through IOMMU tables. Click on a value to learn
        who wrote it.
      </p>
      <Tools session={session} filter={filter} change={change} domains={answer?.domains ?? []} />
      <LongTable
        window={window}
        name="frames"
        label="frames"
        columns={hasLists ? 7 : 6}
        total={answer?.total ?? 0}
        from={answer?.from ?? 0}
        empty="No frame is like that here."
        head={
          <>
            <th scope="col">frame</th>
            <th scope="col">owner</th>
            <th scope="col">type × count</th>
            <th scope="col">
              <abbr title="general references; PGC_allocated holds one of them">references</abbr>
            </th>
            <th scope="col">
              <abbr title="machine to physical: at which gfn its owner has it">M2P</abbr>
            </th>
            {hasLists && <th scope="col">list</th>}
            <th scope="col">domains’ views: CPU | IOMMU</th>
          </>
        }
        rows={rows.map((row, index) => (
          <Row
            key={row.mfn}
            row={row}
            number={answer!.from + index}
            session={session}
            hasLists={hasLists}
            open={open}
          />
        ))}
      />
    </>
  );
}

/** Brings a frame into sight, wherever the filter has put it. */
async function showFrame(
  session: Session,
  args: FramesArgs,
  picked: number,
  show: (row: number) => void,
): Promise<void> {
  const answer = await session.view(session.shown.peek(), 'frames', { ...args, find: picked, count: 0 });
  if (answer?.found !== undefined) show(answer.found);
}

interface RowProps extends PanelProps {
  readonly row: FrameRow;
  readonly number: number;
  readonly hasLists: boolean;
  readonly open: (mfn: number) => void;
}

function Row({ row, number, session, hasLists, open }: RowProps) {
  const { mfn, name, folded, owner, ownerSlot, type, typeCount, typeFlags, references, countFlags, views } =
    row;
  const isPicked = session.picked.value === mfn;
  const wrong = views.some(({ marks }) => marks.some(({ sign }) => sign !== 'pending'));
  const of = `frame ${name}`;
  const looks = [isPicked && 'picked', wrong && 'wrong', row.changed && 'changed', folded > 1 && 'folded'];
  return (
    <tr class={looks.filter(Boolean).join(' ')} aria-selected={isPicked} {...rowAttributes(number)}>
      <th scope="row">
        {folded > 1 ? (
          <button
            type="button"
            class="link mono"
            title={`open these ${folded} frames, which are alike`}
            onClick={() => open(mfn)}
          >
            <span aria-hidden="true">▸ </span>
            {name}
          </button>
        ) : (
          <Frame session={session} mfn={mfn} />
        )}
        {folded > 1 && <span class="dim"> {folded} alike</span>}
        {wrong && (
          <strong class="bad" title="views of it disagree">
            {' ▲'}
            <span class="visually-hidden"> views disagree</span>
          </strong>
        )}
        {row.written && (
          <span class="badge" title="the step wrote into the frame">
            written
          </span>
        )}
      </th>
      <td>
        <span class={ownerSlot >= 0 ? `domain-name owner-${ownerSlot % 8}` : undefined}>
          <Shown session={session} value={owner} what={`owner of ${of}`} />
        </span>
      </td>
      <td>
        <Shown session={session} value={type} what={`type of ${of}`} />
        {' × '}
        <Shown session={session} value={typeCount} what={`type count of ${of}`} />
        <Flags session={session} flags={typeFlags} of={of} />
      </td>
      <td>
        <Shown session={session} value={references} what={`references of ${of}`} />
        <Flags session={session} flags={countFlags} of={of} />
      </td>
      <td>
        <Shown session={session} value={row.gfn} what={`gfn of ${of}`} />
      </td>
      {hasLists && (
        <td>{row.list && <Shown session={session} value={row.list} what={`page list of ${of}`} />}</td>
      )}
      <td>
        {views.map((view) => (
          <View key={`${view.slot} ${view.place}`} session={session} view={view} of={of} />
        ))}
      </td>
    </tr>
  );
}

/** Flags that are set, or that the step has cleared. */
function Flags({
  session,
  flags,
  of,
}: PanelProps & { readonly flags: readonly Flag[]; readonly of: string }) {
  return (
    <span class="flags">
      {flags.map(({ name, value }) => (
        <Shown key={name} session={session} value={value} what={`${name} of ${of}`} />
      ))}
    </span>
  );
}

/** How a domain reaches the frame. */
function View({ session, view, of }: PanelProps & { readonly view: FrameView; readonly of: string }) {
  const { slot, name, place, cpu, iommu, marks } = view;
  return (
    <span class="view">
      <DomainName slot={slot} name={name} />{' '}
      {cpu !== undefined && (
        <>
          {place} <Shown session={session} value={cpu} what={`p2m entry of ${name} for ${of}, ${place}`} />
          <span class="versus">|</span>
        </>
      )}
      <Shown session={session} value={iommu} what={`IOMMU entry of ${name} for ${of}, ${place}`} />{' '}
      <Marks marks={marks} />
    </span>
  );
}

function Tools({
  session,
  filter,
  change,
  domains,
}: PanelProps & {
  readonly filter: Filter;
  readonly change: (part: Partial<Filter>) => void;
  readonly domains: readonly {
    readonly slot: number;
    readonly name: string;
    readonly called: string | undefined;
  }[];
}) {
  const { owner, only, xens, fold } = filter;
  return (
    <div class="toolbar frame-tools">
      <label>
        owner
        <select
          value={String(owner)}
          onChange={({ currentTarget: { value } }) =>
            change({ owner: value === 'undefined' ? undefined : Number(value) })
          }
        >
          <option value="undefined">all</option>
          {domains.map(({ slot, name, called }) => (
            <option key={slot} value={String(slot)}>
              {called === undefined ? name : `${name} (${called})`}
            </option>
          ))}
          <option value={String(NOBODY)}>nobody</option>
        </select>
      </label>
      <label>
        show
        <select
          value={only}
          onChange={({ currentTarget: { value } }) => change({ only: value as Filter['only'] })}
        >
          <option value="all">all</option>
          <option value="changed">changed by this step</option>
          <option value="disagreeing">where views disagree</option>
        </select>
      </label>
      <label>
        <input
          type="checkbox"
          checked={xens}
          onChange={({ currentTarget }) => change({ xens: currentTarget.checked })}
        />
        Xen’s own
      </label>
      <label title="runs of frames that are alike, and that the step left alone, are one row">
        <input
          type="checkbox"
          checked={fold}
          onChange={({ currentTarget }) => change({ fold: currentTarget.checked, opened: [] })}
        />
        fold
      </label>
      <Jump session={session} />
    </div>
  );
}

/** A frame by its number. */
function Jump({ session }: PanelProps) {
  const [text, setText] = useState('');
  const [wrong, setWrong] = useState(false);
  const jump = (event: Event): void => {
    event.preventDefault();
    const mfn = /^(0x[0-9a-f]{1,10}|\d{1,13})$/i.test(text.trim()) ? Number(text.trim()) : Number.NaN;
    setWrong(Number.isNaN(mfn));
    if (!Number.isNaN(mfn)) session.picked.value = mfn;
  };
  return (
    <form class="toolbar" onSubmit={jump}>
      <label>
        frame
        <input
          name="frame"
          class="mono"
          value={text}
          placeholder="0x105"
          aria-invalid={wrong}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
      <button type="submit">go to it</button>
      {session.picked.value !== undefined && (
        <button type="button" onClick={() => void (session.picked.value = undefined)}>
          unpick
        </button>
      )}
      {wrong && <span class="bad">✗ a number, such as 0x105</span>}
    </form>
  );
}

export const framesPanel: Panel = { id: 'frames', title: 'Frames', place: 'Machine', Component: Frames };
