import { counted } from '../../src/text/count.js';
import './timeline.css';
import { useState } from 'preact/hooks';
import { marksOf, nearest } from './marks.js';
import type { PanelProps } from './panel.js';
import { type Player, SPEEDS } from './player.js';
import { Strip } from './strip.js';

interface TimelineProps extends PanelProps {
  readonly player: Player;
}

/** The run from its first step to its last, and where in it the page is. */
export function Timeline({ session, player }: TimelineProps) {
  const step = session.step.value;
  const length = session.opened.value?.length ?? 0;
  return (
    <nav class="timeline" aria-label="timeline">
      <div class="toolbar">
        <span class="group">
          <Move label="first" icon="first" to={0} session={session} />
          <Move label="back" icon="back" to={step - 1} session={session} />
          <Play player={player} disabled={length === 0} />
          <Move label="forward" icon="forward" to={step + 1} session={session} />
          <Move label="last" icon="last" to={length} session={session} />
        </span>
        <select
          aria-label="speed"
          value={String(player.speed.value)}
          onChange={({ currentTarget }) => void (player.speed.value = Number(currentTarget.value))}
        >
          {SPEEDS.map((speed) => (
            <option key={speed} value={String(speed)}>
              {speed} / s
            </option>
          ))}
        </select>
        <GoTo session={session} />
        <Legend session={session} />
      </div>
      <div class="lanes">
        <ul class="lane-signs" aria-hidden="true">
          {marksOf(session).map(({ id, sign }) => (
            <li key={id} class={`sign ${id}`}>
              {sign}
            </li>
          ))}
          <li />
        </ul>
        <Strip session={session} />
      </div>
    </nav>
  );
}

/** The number of the step, to be typed. What is typed stands until it is done with, whatever is drawn meanwhile. */
function GoTo({ session }: PanelProps) {
  const [typed, setTyped] = useState<string | undefined>(undefined);
  const length = session.opened.value?.length ?? 0;
  const go = (text: string): void => {
    setTyped(undefined);
    if (text !== '') session.goTo(Number(text));
  };
  return (
    <label class="go-to">
      step{' '}
      <input
        id="go-to"
        type="number"
        min={0}
        max={length}
        value={typed ?? session.step.value}
        onInput={({ currentTarget }) => setTyped(currentTarget.value)}
        onChange={({ currentTarget }) => go(currentTarget.value)}
      />{' '}
      of {length}
    </label>
  );
}

/** What the signs mean, how many of each there are, and buttons that go from one to the next. */
function Legend({ session }: PanelProps) {
  const step = session.step.value;
  const length = session.opened.value?.length ?? 0;
  const { judged } = session.marks.value;
  const loop = session.opened.value?.loops.at(-1);
  return (
    <>
      {marksOf(session).map(({ id, sign, one, many, stepsOf }) => {
        const steps = stepsOf(session)!;
        const [before, after] = [nearest(steps, step, -1), nearest(steps, step, 1)];
        return (
          <span key={id} class="legend">
            <span class={`sign ${id}`} aria-hidden="true">
              {sign}
            </span>{' '}
            {counted(steps.length, one, many)}
            <span class="group">
              <Jump label={`before this: ${one}`} sign="‹" to={before} session={session} />
              <Jump label={`after this: ${one}`} sign="›" to={after} session={session} />
            </span>
          </span>
        );
      })}
      {loop !== undefined && (
        <span class="legend" title="the run goes round for ever">
          <span class="sign loop" aria-hidden="true">
            ↻
          </span>{' '}
          {loop.status} from{' '}
          <button type="button" class="link" onClick={() => session.goTo(loop.from)}>
            step {loop.from}
          </button>
        </span>
      )}
      {session.opened.value !== undefined && judged <= length && (
        <span class="judging">
          <progress max={length + 1} value={judged} aria-label="steps held against the invariants" /> judging
        </span>
      )}
    </>
  );
}

function Jump(props: PanelProps & { label: string; sign: string; to: number | undefined }) {
  const { session, label, sign, to } = props;
  return (
    <button
      type="button"
      class="jump"
      aria-label={label}
      title={label}
      disabled={to === undefined}
      onClick={() => to !== undefined && session.goTo(to)}
    >
      {sign}
    </button>
  );
}

/** Outlines of the buttons' icons in a square of 16. */
const ICONS = {
  first: 'M3 3 v10 M13 3 L6 8 L13 13 z',
  back: 'M11 3 L4 8 L11 13 z',
  play: 'M4 2.5 L13 8 L4 13.5 z',
  pause: 'M5 3 v10 M11 3 v10',
  forward: 'M5 3 L12 8 L5 13 z',
  last: 'M13 3 v10 M3 3 L10 8 L3 13 z',
} as const;

function Icon({ name }: { readonly name: keyof typeof ICONS }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={ICONS[name]} />
    </svg>
  );
}

function Move(props: PanelProps & { label: string; icon: keyof typeof ICONS; to: number }) {
  const { session, label, icon, to } = props;
  const length = session.opened.value?.length ?? 0;
  const stays = Math.min(Math.max(0, to), length) === session.step.value;
  return (
    // Not `disabled`: the keyboard would lose its place at the ends of the run.
    <button
      type="button"
      aria-label={label}
      title={label}
      aria-disabled={stays}
      onClick={() => session.goTo(to)}
    >
      <Icon name={icon} />
    </button>
  );
}

function Play({ player, disabled }: { readonly player: Player; readonly disabled: boolean }) {
  const playing = player.playing.value;
  return (
    <button type="button" class="play" disabled={disabled} onClick={() => player.toggle()}>
      <Icon name={playing ? 'pause' : 'play'} /> {playing ? 'Pause' : 'Play'}
    </button>
  );
}
