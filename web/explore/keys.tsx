import './keys.css';
import { useEffect, useRef } from 'preact/hooks';
import { MARKS, nearest, nearestOfAny } from './marks.js';
import type { PanelProps } from './panel.js';
import type { Player } from './player.js';
import type { Session } from './session.js';

/** A key and what it does, wherever on the page the keyboard is, but for where letters are typed. */
interface Key {
  /** As `KeyboardEvent.key` has them; all do the same. */
  readonly keys: readonly string[];
  /** How they are called, where that is not what they are. */
  readonly called?: string;
  readonly does: string;
  readonly press: (session: Session, page: { readonly player: Player; readonly help: () => void }) => void;
}

/** Steps that shift makes of one. */
const STRIDE = 10;

const KEYS: readonly Key[] = [
  {
    keys: ['ArrowRight'],
    called: '→',
    does: 'next step',
    press: (session) => session.goTo(session.step.value + 1),
  },
  {
    keys: ['ArrowLeft'],
    called: '←',
    does: 'step before',
    press: (session) => session.goTo(session.step.value - 1),
  },
  {
    keys: ['Shift+ArrowRight'],
    called: 'Shift →',
    does: `${STRIDE} steps on`,
    press: (session) => session.goTo(session.step.value + STRIDE),
  },
  {
    keys: ['Shift+ArrowLeft'],
    called: 'Shift ←',
    does: `${STRIDE} steps back`,
    press: (session) => session.goTo(session.step.value - STRIDE),
  },
  { keys: ['Home'], does: 'the boot', press: (session) => session.goTo(0) },
  { keys: ['End'], does: 'the last step', press: (session) => session.goTo(Infinity) },
  { keys: [' '], called: 'Space', does: 'play, pause', press: (_, { player }) => player.toggle() },
  {
    keys: ['n', ']'],
    does: 'next mark of any kind',
    press: (session) => jump(session, nearestOfAny(session, 1)),
  },
  { keys: ['p', '['], does: 'mark before', press: (session) => jump(session, nearestOfAny(session, -1)) },
  ...MARKS.flatMap(({ key, one, stepsOf }): Key[] => {
    const go = (direction: 1 | -1) => (session: Session) =>
      jump(session, nearest(stepsOf(session) ?? [], session.step.value, direction));
    return [
      { keys: [key], does: `next step: ${one}`, press: go(1) },
      {
        keys: [`Shift+${key.toUpperCase()}`],
        called: `Shift ${key}`,
        does: `step before: ${one}`,
        press: go(-1),
      },
    ];
  }),
  {
    keys: ['w'],
    does: 'why the step was answered as it was',
    press: (session) => session.askErrno(session.step.value),
  },
  { keys: ['g'], does: 'type the number of a step', press: () => selectNumber() },
  { keys: ['?'], does: 'this help', press: (_, { help }) => help() },
];

function jump(session: Session, step: number | undefined): void {
  if (step !== undefined) session.goTo(step);
}

function selectNumber(): void {
  const input = document.querySelector<HTMLInputElement>('#go-to');
  input?.focus();
  input?.select();
}

/** By what the browser calls it; a key with shift is called so where it is a letter or an arrow. */
const BY_NAME = new Map(KEYS.flatMap((key) => key.keys.map((name) => [name, key])));
const nameOf = ({ key, shiftKey }: KeyboardEvent): string =>
  shiftKey && /^(Arrow|[A-Z]$)/.test(key) ? `Shift+${key}` : key;

/** Where letters are typed, or a dialog is open: all keys are theirs. One that was closed has the focus for a moment more. */
const TAKES_ALL =
  'textarea, select, [contenteditable]:not([contenteditable="false"]), dialog[open], input:not([type="range"], [type="checkbox"], [type="radio"], [type="button"])';
/** What moves by arrows itself, and what is pressed by the space bar. */
const TAKES_ARROWS = 'input, [role="tab"], [role="grid"], [role="tree"], [role="radio"]';
const TAKES_SPACE = 'button, input, summary, a, [role="button"], [role="tab"]';

function isTaken(event: KeyboardEvent): boolean {
  const { key, target } = event;
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return true;
  if (!(target instanceof Element)) return false;
  if (target.closest(TAKES_ALL) !== null) return true;
  if (key === ' ') return target.closest(TAKES_SPACE) !== null;
  if (/^Arrow|^Home$|^End$/.test(key)) {
    const scrollsAside = key.startsWith('Arrow') && target.scrollWidth > target.clientWidth + 1;
    return target.closest(TAKES_ARROWS) !== null || (scrollsAside && target !== document.body);
  }
  return false;
}

/** Listens for the keys, and shows which there are. */
export function Keys({ session, player }: PanelProps & { readonly player: Player }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const help = (): void => dialog.current?.showModal();
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const key = BY_NAME.get(nameOf(event));
      if (key === undefined || isTaken(event)) return;
      event.preventDefault();
      key.press(session, { player, help });
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, [session, player]);
  return (
    <>
      <button type="button" title="keys (?)" onClick={help}>
        <span aria-hidden="true">?</span>
        <span class="visually-hidden">keys</span>
      </button>
      <dialog ref={dialog} class="keys" aria-labelledby="keys-title">
        <h2 id="keys-title">Keys</h2>
        <table>
          <tbody>
            {KEYS.map(({ keys, called, does }) => (
              <tr key={does}>
                <th scope="row">
                  {(called === undefined ? keys : [called]).map((name) => (
                    <kbd key={name}>{name}</kbd>
                  ))}
                </th>
                <td>{does}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <p class="dim">Not while you type. The slider, lists, tabs and tables move by arrows of their own.</p>
        <form method="dialog">
          <button type="submit" class="primary">
            Close
          </button>
        </form>
      </dialog>
    </>
  );
}
