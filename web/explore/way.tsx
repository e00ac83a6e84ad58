import './way.css';
import type { AccessPath } from '../../src/explore/path/access-path.js';
import type { PathBox } from '../../src/explore/path/box.js';
import { hex } from '../../src/text/hex.js';
import { Bits } from './bits.js';
import { Frame } from './frame.js';
import type { Session } from './session.js';

/** Which box is looked at, and how another is chosen. */
export interface Choice {
  readonly chosen: string | undefined;
  readonly choose: (id: string) => void;
}

/** The way of an access from a device to memory, from left to right, and the box of it that is looked at. */
export function Way({
  session,
  path,
  chosen,
  choose,
}: Choice & { readonly session: Session; readonly path: AccessPath }) {
  const all = [...path.boxes, ...(path.tables?.boxes ?? []), ...path.faults];
  const box = all.find(({ id }) => id === chosen) ?? defaultBox(path);
  const choice = { chosen: box.id, choose };
  const refused = path.frame === undefined;
  return (
    <div class="way-and-word">
      <p class={`way-verdict ${path.rule.fits ? (refused ? 'warn' : 'good') : 'bad'}`}>
        <span aria-hidden="true">{refused ? '✗' : '✓'}</span> {path.says}
      </p>
      <p class="way-rule">
        <span class={path.rule.fits ? 'badge good' : 'badge bad'}>
          {path.rule.fits ? '✓ as it should be' : '✗ not as it should be'}
        </span>{' '}
        {path.rule.text}
      </p>
      <Boxes label="the way of the access" boxes={path.boxes} unreached={refused} {...choice} />
      <AddressRuler path={path} {...choice} />
      {path.tables !== undefined && (
        <div class="way-beside">
          <h3>
            What the tables say, which were not asked{' '}
            <span class={path.tables.same ? 'badge good' : 'badge bad'}>
              {path.tables.same ? '✓ the same' : '✗ stale'}
            </span>
          </h3>
          <p class="hint">{path.tables.says}</p>
          <Boxes label="what the tables say" boxes={path.tables.boxes} {...choice} />
        </div>
      )}
      <Word session={session} box={box} />
      {path.faults.length > 0 && (
        <div class="way-beside">
          <h3>What the unit records of it</h3>
          <Boxes label="fault registers" boxes={path.faults} apart {...choice} />
        </div>
      )}
    </div>
  );
}

/** What there is to be looked at first: where the access ended, or the entry that maps the page. */
function defaultBox({ boxes, frame }: AccessPath): PathBox {
  if (frame === undefined) return boxes.at(-1)!;
  return boxes.findLast(({ kind }) => kind === 'entry' || kind === 'remembered') ?? boxes.at(-1)!;
}

function Boxes({
  label,
  boxes,
  unreached = false,
  apart = false,
  chosen,
  choose,
}: Choice & {
  readonly label: string;
  readonly boxes: readonly PathBox[];
  /** Memory, to which they were to lead, is not reached. */
  readonly unreached?: boolean;
  /** None leads to the next. */
  readonly apart?: boolean;
}) {
  const onKeyDown = (event: KeyboardEvent & { currentTarget: HTMLElement }): void => {
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    const buttons = [...event.currentTarget.querySelectorAll('button')];
    const next = buttons[buttons.indexOf(document.activeElement as HTMLButtonElement) + by];
    if (by === 0 || next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    next.focus();
    next.click();
  };
  return (
    <ol class={apart ? 'way apart' : 'way'} aria-label={label} onKeyDown={onKeyDown}>
      {boxes.map((box) => (
        <li key={box.id}>
          <button
            type="button"
            class={`box ${box.kind} ${box.state}`}
            aria-current={box.id === chosen ? 'true' : undefined}
            title={`${box.place}: ${box.says}`}
            onClick={() => choose(box.id)}
          >
            <strong>{box.title}</strong>
            {box.which !== '' && <span class="mono which">{box.which.replace(/^0000:/, '')}</span>}
            {box.kind === 'entry' && box.mfn !== undefined && <span class="mono dim">in {hex(box.mfn)}</span>}
            {(box.kind === 'frame' || box.kind === 'fault') && <span class="dim">{box.says}</span>}
            {box.kind !== 'fault' && (
              <span class="sign">
                {box.state === 'ended' ? '✗ ends here' : '✓'}
                {box.rights !== undefined && box.state !== 'ended' && <span class="mono"> {box.rights}</span>}
              </span>
            )}
          </button>
        </li>
      ))}
      {unreached && (
        <li>
          <span class="unreached">memory: not reached</span>
        </li>
      )}
    </ol>
  );
}

/** The bus address cut into the numbers by which the tables are entered. */
function AddressRuler({ path, chosen, choose }: Choice & { readonly path: AccessPath }) {
  const levels = [...path.boxes, ...(path.tables?.boxes ?? [])].filter(
    ({ addressBits }) => addressBits !== undefined,
  );
  if (levels.length === 0) return null;
  return (
    <div class="way-address">
      <span>
        The address <code>{hex(path.address)}</code>:
      </span>
      <ul>
        {levels.map(({ id, title, addressBits }) => (
          <li key={id}>
            <button type="button" class={id === chosen ? 'link chosen' : 'link'} onClick={() => choose(id)}>
              bits {addressBits!.high}–{addressBits!.low} = <code>{hex(addressBits!.index)}</code>, entry of{' '}
              {title}
            </button>
          </li>
        ))}
        <li>
          bits 11–0 = <code>{hex(path.address % 4096)}</code>, offset in the page
        </li>
      </ul>
    </div>
  );
}

/** The box that is looked at, with all its bits. */
function Word({ session, box }: { readonly session: Session; readonly box: PathBox }) {
  return (
    <div class={`way-word ${box.state}`}>
      <h3>
        {box.title} {box.which}
        {box.state === 'ended' && box.kind !== 'fault' && (
          <span class="badge bad">✗ the access ends here</span>
        )}
      </h3>
      <p>{sentence(box.says)}</p>
      <p class="dim">
        {sentence(box.place)} {box.chosenBy !== undefined && <>Chosen by {box.chosenBy}. </>}
        {box.rights !== undefined && (
          <>
            Lets through so far: <code>{box.rights}</code>.{' '}
          </>
        )}
        {box.mfn !== undefined && (
          <>
            Pick frame <Frame session={session} mfn={box.mfn} />.{' '}
          </>
        )}
        {box.raw !== undefined && (
          <>
            It holds <code class="raw">{box.raw.text}</code>.
          </>
        )}
      </p>
      {box.unseen !== undefined && (
        <p class="warn">
          ⚠ Memory holds <code>{box.unseen}</code> already: the write is still on its way, and the unit does
          not see it.
        </p>
      )}
      <Bits session={session} box={box} />
    </div>
  );
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
