import { useRef, useState } from 'preact/hooks';
import type { Imagined, When } from '../../src/explore/last-access.js';
import type { AccessPath } from '../../src/explore/path/access-path.js';
import { hex } from '../../src/text/hex.js';
import type { Panel, PanelProps } from './panel.js';
import { type Session, useView } from './session.js';
import { Way } from './way.js';

/** What the tab shows: the last access through the tables of its time or of now, or one that the reader types in. */
type Shown = When | 'walk';

const CHOICES: readonly (readonly [Shown, string, string])[] = [
  ['then', 'as it went', 'through the tables as they stood when the access was made'],
  ['now', 'through the tables of now', 'the same access, through the tables as this step has left them'],
  ['walk', 'walk another', 'any device and address, through the tables of now'],
];

function LastDma({ session }: PanelProps) {
  const [shown, setShown] = useState<Shown>('then');
  const [choice, choose] = useState<ChosenBox | undefined>(undefined);
  const seen = useRef<AccessPath | undefined>(undefined);
  return (
    <div class="last-dma">
      <p class="hint">
        A device puts{' '}
        <abbr title="their frame numbers are called dfn, as those of memory are mfn">bus addresses</abbr> on
        the bus. The IOMMU finds the device’s tables by its requester id and goes through them from left to
        right: each entry leads to the next table, until one maps a page, or ends the access. Click a box to
        see its bits.
      </p>
      <div class="toolbar">
        <span class="group">
          {CHOICES.map(([one, text, title]) => (
            <button
              key={one}
              type="button"
              aria-pressed={one === shown}
              title={title}
              onClick={() => setShown(one)}
            >
              {text}
            </button>
          ))}
        </span>
      </div>
      {shown === 'walk' ? (
        <Walk session={session} choice={choice} choose={choose} seen={seen} />
      ) : (
        <Last session={session} when={shown} choice={choice} choose={choose} seen={seen} />
      )}
    </div>
  );
}

/** The box that the reader looks at, of the access of which step; of another, it is where that one ended. */
interface ChosenBox {
  readonly step: number;
  readonly id: string;
}

interface Choosing {
  readonly session: Session;
  readonly choice: ChosenBox | undefined;
  readonly choose: (choice: ChosenBox) => void;
  /** The last access that was shown: what the reader thinks of begins with it. */
  readonly seen: { current: AccessPath | undefined };
}

/** The access that nobody made is of no step. */
const IMAGINED = 0;

const chosenAt = (choice: ChosenBox | undefined, step: number): string | undefined =>
  choice?.step === step ? choice.id : undefined;

function Last({ session, when, choice, choose, seen }: Choosing & { readonly when: When }) {
  const answer = useView(session, 'lastAccess', { when });
  const last = answer.value;
  if (last === undefined) return <p class="empty">No device has made an access so far.</p>;
  const { step, path, log } = last;
  seen.current = path;
  return (
    <>
      <h3>
        <button type="button" class="link" onClick={() => session.goTo(step)}>
          step {step}
        </button>
        : {path.access}
        {when === 'now' && ', through the tables as they stand now'}
      </h3>
      <Way
        session={session}
        path={path}
        chosen={chosenAt(choice, step)}
        choose={(id) => choose({ step, id })}
      />
      {log.length > 0 && <Log lines={log} what="What Xen logged" />}
    </>
  );
}

function Walk({ session, choice, choose, seen }: Choosing) {
  const devices = useView(session, 'deviceNames', undefined).value ?? [];
  const [chosenDevice, setDevice] = useState<number | undefined>(undefined);
  const [requester, setRequester] = useState<number | undefined>(undefined);
  const [text, setText] = useState(() => (seen.current === undefined ? '' : hex(seen.current.address)));
  const [write, setWrite] = useState(() => seen.current?.write ?? false);
  const first = devices.findIndex(({ name }) => name === seen.current?.device);
  const device = chosenDevice ?? Math.max(0, first);
  const address = addressOf(text);
  const imagined: Imagined | undefined =
    address === undefined
      ? undefined
      : { device, address, write, ...(requester !== undefined && { requester }) };
  const path = useView(session, 'walk', imagined).value;
  const wrong = text !== '' && address === undefined;
  const ids = devices[device]?.requesters ?? [];
  return (
    <>
      <form class="walk-form" onSubmit={(event) => event.preventDefault()}>
        <label>
          device
          <select
            value={device}
            onChange={({ currentTarget }) => {
              setDevice(Number(currentTarget.value));
              setRequester(undefined);
            }}
          >
            {devices.map(({ name }, index) => (
              <option key={name} value={index}>
                {name}
              </option>
            ))}
          </select>
        </label>
        {ids.length > 1 && (
          <label>
            as
            <select
              value={requester ?? ids[0]!.id}
              onChange={({ currentTarget }) => setRequester(Number(currentTarget.value))}
            >
              {ids.map(({ id, text: name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        )}
        <label>
          does
          <select
            value={write ? 'write' : 'read'}
            onChange={({ currentTarget }) => setWrite(currentTarget.value === 'write')}
          >
            <option value="read">read</option>
            <option value="write">write</option>
          </select>
        </label>
        <label>
          bus address, in hex
          <input
            type="text"
            class="mono"
            spellcheck={false}
            placeholder="0x104000"
            value={text}
            aria-invalid={wrong}
            aria-describedby={wrong ? 'walk-problem' : undefined}
            onInput={({ currentTarget }) => setText(currentTarget.value)}
          />
        </label>
        {wrong && (
          <p id="walk-problem" class="bad" role="alert">
            ✗ An address is a hexadecimal number of at most 52 bits, like 0x104000.
          </p>
        )}
      </form>
      {path === undefined || address === undefined ? (
        <p class="empty">Type an address: the access is thought through, and nothing in the run changes.</p>
      ) : (
        <>
          <h3>{path.access}</h3>
          <Way
            session={session}
            path={path}
            chosen={chosenAt(choice, IMAGINED)}
            choose={(id) => choose({ step: IMAGINED, id })}
          />
          {path.log.length > 0 && <Log lines={path.log} what="What Xen would log" />}
        </>
      )}
    </>
  );
}

function Log({ lines, what }: { readonly lines: readonly string[]; readonly what: string }) {
  return (
    <div class="way-beside">
      <h3>{what}</h3>
      <pre class="log">{lines.map((line) => `(XEN) ${line}`).join('\n')}</pre>
    </div>
  );
}

/** A hexadecimal address of at most 52 bits; undefined for anything else. */
function addressOf(text: string): number | undefined {
  const digits = /^\s*(?:0x)?0*([0-9a-f]{0,13})\s*$/i.exec(text)?.[1];
  if (digits === undefined || text.trim() === '' || /^\s*0x\s*$/i.test(text)) return undefined;
  return digits === '' ? 0 : Number.parseInt(digits, 16);
}

export const lastDmaPanel: Panel = {
  id: 'last-dma',
  title: 'From a device to memory',
  place: 'Last DMA',
  Component: LastDma,
};
