import { useEffect, useState } from 'preact/hooks';
import type { Possible, PossiblePart } from '../../../src/explore/possible.js';
import type { ViewArgs } from '../../../src/explore/views.js';
import type { PanelProps } from '../panel.js';
import { insertionAfter, insertionAtEnd } from './insertion.js';
import { WhatIf } from './state.js';

/** Milliseconds of one question: the worker hears others in between. */
const SLICE = 6;
/** Rows of a group that are shown before the reader asks for more by the filter. */
const ROWS = 40;

interface Found {
  readonly step: number;
  readonly all: readonly Possible[];
  readonly progress: number | undefined;
}

/** What actors can try now; choosing one puts it into the program behind the step that is shown. */
export function AddStep({ session }: PanelProps) {
  const whatIf = WhatIf.of(session);
  const [isOpen, setOpen] = useState(false);
  const [wanted, setWanted] = useState('');
  const [withRefused, setRefused] = useState(false);
  const [inSteps, setInSteps] = useState(false);
  const [where, setWhere] = useState<'here' | 'end'>('here');
  const shown = session.shown.value;
  const found = usePossible({ session }, isOpen);
  const meant = (found?.all ?? []).filter(
    (one) =>
      (withRefused || one.effect === 'changes') &&
      wanted.split(/\s+/).every((word) => `${one.actor} ${one.statement} ${one.status}`.includes(word)),
  );
  const groups = groupsOf(meant);
  const add = (one: Possible) => {
    const begun = inSteps && one.inSteps;
    void addStatement(whatIf, begun ? `begin ${one.statement}` : one.statement, where);
  };
  return (
    <details class="add-step" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <strong>Add a step</strong>{' '}
        <span class="dim">behind step {shown}: what can be tried there, and what it would answer</span>
      </summary>
      <div class="toolbar">
        <label>
          find{' '}
          <input
            type="search"
            value={wanted}
            placeholder="dma, guest grant, EBUSY …"
            onInput={({ currentTarget }) => setWanted(currentTarget.value)}
          />
        </label>
        <label>
          <input
            type="checkbox"
            checked={withRefused}
            onChange={({ currentTarget }) => setRefused(currentTarget.checked)}
          />{' '}
          also what is refused or changes nothing
        </label>
        <label title="Others can run before it ends; its next steps are `step` and `finish`.">
          <input
            type="checkbox"
            checked={inSteps}
            onChange={({ currentTarget }) => setInSteps(currentTarget.checked)}
          />{' '}
          only begin what runs in steps
        </label>
        <label>
          put it{' '}
          <select
            value={where}
            onChange={({ currentTarget }) => setWhere(currentTarget.value as 'here' | 'end')}
          >
            <option value="here">behind this step</option>
            <option value="end">at the end</option>
          </select>
        </label>
      </div>
      {found !== undefined && (
        <p role="status" class="dim">
          {found.progress === undefined
            ? `${meant.length} of ${found.all.length} that were tried`
            : `being tried, ${Math.round(found.progress * 100)} %`}
        </p>
      )}
      {whatIf.isChanged.value && (
        <p class="warn">
          The text has been changed since it was run: run it first, to see what is possible then.
        </p>
      )}
      {groups.map(({ actor, ops }) => (
        <section key={actor}>
          <h4>{actor}</h4>
          {ops.map(({ op, rows }) => (
            <details key={op} open={meant.length <= ROWS}>
              <summary>
                <code>{op}</code> <span class="dim">{rows.length}</span>
              </summary>
              <ul>
                {rows.slice(0, ROWS).map((one) => (
                  <li key={one.statement}>
                    <button
                      type="button"
                      class="link"
                      disabled={whatIf.isChanged.value}
                      onClick={() => add(one)}
                    >
                      <code>{inSteps && one.inSteps ? `begin ${one.statement}` : one.statement}</code>
                    </button>{' '}
                    → <strong class={one.effect === 'refused' ? 'warn' : ''}>{one.status}</strong>
                    {one.effect === 'refused' && <span class="dim"> refused</span>}
                    {one.effect === 'nothing' && <span class="dim"> changes nothing</span>}
                  </li>
                ))}
                {rows.length > ROWS && <li class="dim">and {rows.length - ROWS} more: say above which</li>}
              </ul>
            </details>
          ))}
        </section>
      ))}
    </details>
  );
}

/** What is possible at the step that is shown, asked for bit by bit as long as the list is open. */
function usePossible({ session }: PanelProps, isOpen: boolean): Found | undefined {
  const [found, setFound] = useState<Found | undefined>(undefined);
  const step = session.shown.value;
  const opened = session.opened.value;
  const picked = session.picked.value;
  useEffect(() => {
    if (!isOpen || opened === undefined) return;
    let isOver = false;
    const ask = async (): Promise<void> => {
      const all: Possible[] = [];
      for (let from: number | undefined = 0; from !== undefined && !isOver; ) {
        const args: ViewArgs<'possible'> = {
          from,
          milliseconds: SLICE,
          ...(picked !== undefined && { picked }),
        };
        const part: PossiblePart | undefined = await session.view(step, 'possible', args);
        if (isOver || part === undefined) return;
        all.push(...part.found);
        from = part.next;
        if (from === undefined || all.length === part.found.length)
          setFound({ step, all: [...all], progress: from === undefined ? undefined : from / part.total });
      }
    };
    // A reader who goes on wants to know of the step that is stopped at.
    const timer = setTimeout(() => ask().catch((error) => !isOver && session.fail(error)), 120);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [isOpen, step, opened, picked]);
  return isOpen && found?.step === step ? found : undefined;
}

interface Group {
  readonly actor: string;
  readonly ops: readonly { readonly op: string; readonly rows: readonly Possible[] }[];
}

/** By who acts and what it is, in the order in which they come. */
function groupsOf(all: readonly Possible[]): Group[] {
  const actors = new Map<string, Map<string, Possible[]>>();
  for (const one of all) {
    const ops = actors.get(one.actor) ?? new Map<string, Possible[]>();
    actors.set(one.actor, ops);
    const rows = ops.get(one.op) ?? [];
    ops.set(one.op, rows);
    rows.push(one);
  }
  return [...actors].map(([actor, ops]) => ({ actor, ops: [...ops].map(([op, rows]) => ({ op, rows })) }));
}

/** Puts a statement into the text, runs it, and goes to its step. */
async function addStatement(whatIf: WhatIf, statement: string, where: 'here' | 'end'): Promise<void> {
  const { session } = whatIf;
  const editor = whatIf.editor.peek();
  if (editor === undefined) return;
  const lines = editor.lines();
  const step = session.shown.value;
  const place = await session.view(step, 'placeInText', undefined);
  if (place === undefined) return;
  const { line, indent, note } = where === 'end' ? insertionAtEnd(lines) : insertionAfter(place, lines);
  editor.insertLine(line, `${indent}${statement}`);
  if (!(await whatIf.runEditor())) return;
  const added = await session.view(session.step.value, 'stepOfLine', { line });
  if (added !== undefined) session.goTo(added);
  whatIf.told.value = `Added \`${statement}\` as line ${line}.${note === undefined ? '' : ` ${note}`}`;
}
