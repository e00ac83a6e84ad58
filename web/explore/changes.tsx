import './changes.css';
import { type ComponentChildren, Fragment } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ChangedLine, ChangedThing, ChangedThings } from '../../src/explore/changed-things.js';
import type { Value } from '../../src/explore/value.js';
import { LeadsTo } from './frame.js';
import { useRoving } from './machine/roving.js';
import type { PanelProps } from './panel.js';

/** Lines that the keys for a page move by. */
const PAGE = 10;

/** Lines that get their buttons together. */
const CHUNK = 40;

/** One stop of the tab key, with a name. */
const GROUP = { role: 'group', 'aria-label': 'what changed: arrow keys go from one to the next' } as const;

interface ChangesProps extends PanelProps {
  readonly changes: readonly ChangedThings[];
  /** Whether each kind of thing has a heading. */
  readonly grouped: boolean;
  readonly showAll: () => void;
}

/** What changed, a line a thing: a name picks the frame that it leads to, and what became different can be asked about. */
export function Changes({ session, changes, grouped, showAll }: ChangesProps) {
  const list = useRef<HTMLDivElement>(null);
  const groups = grouped ? changes : [{ kind: '', lines: changes.flatMap(({ lines }) => lines), count: 0 }];
  const drawn = changes.reduce((sum, { lines }) => sum + lines.length, 0);
  const near = useNear(list, drawn);
  const show = (row: number) =>
    list.current?.querySelector(`[data-row="${row}"]`)?.scrollIntoView({ block: 'nearest' });
  const keys = { ...GROUP, onKeyDown: useRoving(list, drawn, PAGE, show) };
  let row = 0;
  return (
    <>
      <div class="changes" ref={list} {...keys}>
        {groups.map(({ kind, lines, count }) => (
          <div key={kind}>
            {grouped && (
              <h4>
                {kind} <span class="dim">({count})</span>
              </h4>
            )}
            {chunksOf(lines).map((chunk) => {
              const first = row;
              row += chunk.length;
              return <Chunk key={first} session={session} lines={chunk} first={first} near={near(first)} />;
            })}
          </div>
        ))}
      </div>
      <Rest changes={changes} showAll={showAll} />
    </>
  );
}

/** Says of each chunk, by its first row, whether it is in sight or not far from it, or ever was: only these have buttons. */
function useNear(list: { readonly current: HTMLElement | null }, drawn: number): (first: number) => boolean {
  const [seen, setSeen] = useState<ReadonlySet<number>>(new Set());
  useEffect(() => {
    const scroller = list.current!.closest('.body');
    const watch = new IntersectionObserver(
      (entries) => {
        const near = entries.filter(({ isIntersecting }) => isIntersecting);
        if (near.length === 0) return;
        const rows = near.map(({ target }) => Number((target as HTMLElement).dataset.first));
        setSeen((before) => new Set([...before, ...rows]));
      },
      { root: scroller, rootMargin: '100%' },
    );
    for (const chunk of list.current!.querySelectorAll('[data-first]')) watch.observe(chunk);
    return () => watch.disconnect();
  }, [drawn]);
  return (first) => first < CHUNK || seen.has(first);
}

const chunksOf = (lines: readonly ChangedLine[]): (readonly ChangedLine[])[] =>
  Array.from({ length: Math.ceil(lines.length / CHUNK) }, (_, i) => lines.slice(i * CHUNK, (i + 1) * CHUNK));

interface ChunkProps extends PanelProps {
  readonly lines: readonly ChangedLine[];
  readonly first: number;
  readonly near: boolean;
}

/** Lines that follow each other: text only, while they are far from what can be seen. */
const Chunk = ({ session, lines, first, near }: ChunkProps) => (
  <ul data-first={first}>
    {lines.map((line, index) =>
      near ? (
        <Line key={index} session={session} line={line} row={first + index} />
      ) : (
        <li key={index} data-row={first + index}>
          {textOf(line)}
        </li>
      ),
    )}
  </ul>
);

const textOf = ({ kind, things, count, fields }: ChangedLine): string => {
  const { values } = things[0]!;
  const names = things.map(({ name }) => name).join(', ');
  const became = fields.map((field, i) => becameText(field, values[i]!)).join(', ');
  return `${kind}${names}${moreText(count - things.length)}: ${became}`;
};

const becameText = (field: string, { was, text }: Value): string => `${field} ${was} → ${text}`;

const moreText = (count: number): string => (count > 0 ? ` and ${count.toLocaleString('en')} more` : '');

/** The way to what is not listed. */
function Rest({ changes, showAll }: Pick<ChangesProps, 'changes' | 'showAll'>) {
  const count = changes.reduce((sum, group) => sum + group.count, 0);
  const fewLines = changes.some(({ lines, count }) => lines.length < count);
  const fewThings = changes.some(({ lines }) => lines.some(({ things, count }) => things.length < count));
  if (!fewLines && !fewThings) return null;
  return (
    <p>
      <button type="button" class="link" onClick={showAll}>
        {fewLines ? `all ${count.toLocaleString('en')} lines` : 'all names'}
      </button>
    </p>
  );
}

interface LineProps extends PanelProps {
  readonly line: ChangedLine;
  readonly row: number;
}

function Line({ session, line: { kind, things, count, fields }, row }: LineProps) {
  // Of several that changed in the same way, the one that the reader has picked is asked about.
  const picked = session.picked.value;
  const asked = things.find(({ mfn }) => mfn !== undefined && mfn === picked) ?? things[0]!;
  return (
    <li data-row={row}>
      <span class="what">
        {count > 1 && kind}
        {things.map((thing, index) => (
          <Fragment key={index}>
            {index > 0 && ', '}
            <Name session={session} thing={thing} kind={kind} alone={count === 1} />
          </Fragment>
        ))}
        {moreText(count - things.length)}:
      </span>{' '}
      {fields.map((field, index) => (
        <Fragment key={index}>
          {index > 0 && ', '}
          <Became
            session={session}
            what={`${field} of ${kind}${asked.name}`}
            field={field}
            value={asked.values[index]!}
          />
        </Fragment>
      ))}
    </li>
  );
}

interface NameProps extends PanelProps {
  readonly thing: ChangedThing;
  readonly kind: string;
  /** Whether the line is about nothing else: then the name has all of its words. */
  readonly alone: boolean;
}

/** A thing's name, which picks the frame that it leads to; of several things that lead to none, what became different of it. */
function Name({ session, thing: { name, mfn, values }, kind, alone }: NameProps) {
  const what = `${kind}${name}`;
  if (mfn !== undefined) return <LeadsTo session={session} mfn={mfn} name={alone ? what : name} />;
  if (alone) return what;
  const [first, ...others] = values;
  const words = [...new Set(values.flatMap(({ words = [] }) => words))].sort((a, b) => a - b);
  const value = others.length === 0 ? first! : { text: what, words };
  return (
    <Ask session={session} value={value} what={what}>
      <span class="field">{name}</span>
    </Ask>
  );
}

interface AskProps extends PanelProps {
  readonly value: Value;
  readonly what: string;
}

/** What a field was and is now. */
const Became = ({ session, value, what, field }: AskProps & { readonly field: string }) => (
  <Ask session={session} value={value} what={what}>
    <span class="field">{field}</span> {value.was} → {value.text}
  </Ask>
);

const Ask = ({ session, value, what, children }: AskProps & { readonly children: ComponentChildren }) => (
  <button type="button" class="became" title={`who set ${what}?`} onClick={() => session.askWhy(value, what)}>
    {children}
  </button>
);
