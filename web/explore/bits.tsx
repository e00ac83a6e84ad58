import './bits.css';
import { useState } from 'preact/hooks';
import type { PathBox, PathField } from '../../src/explore/path/box.js';
import type { Session } from './session.js';
import { Shown } from './value.js';

/** Bits in a row of the ruler. */
const ROW = 64;

/** A word of a table or a register: all its bits on a ruler, and below it what each of them means. */
export function Bits({ session, box }: { readonly session: Session; readonly box: PathBox }) {
  const [everything, setEverything] = useState(false);
  const [pointed, setPointed] = useState<number | undefined>(undefined);
  const quiet = box.fields.filter(isQuiet).length;
  const shown = everything ? box.fields : box.fields.filter((field) => !isQuiet(field));
  return (
    <>
      {box.bits > 0 && <Ruler session={session} box={box} pointed={pointed} point={setPointed} />}
      {box.fields.length > 0 && (
        <table class="bit-fields">
          <caption>
            {box.layout !== undefined && `${box.layout}: ${box.manual}. `}Click a value to ask who wrote it.
          </caption>
          <thead>
            <tr>
              {box.bits > 0 && <th scope="col">bits</th>}
              <th scope="col">field</th>
              <th scope="col">value</th>
              <th scope="col">meaning</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((field) => (
              <FieldRow
                key={`${field.name}${field.lo}`}
                {...{ session, box, field, pointed }}
                point={setPointed}
              />
            ))}
          </tbody>
        </table>
      )}
      {quiet > 0 && (
        <button
          type="button"
          class="link"
          aria-expanded={everything}
          onClick={() => setEverything(!everything)}
        >
          {everything ? 'hide' : `show ${quiet}`} reserved and ignored fields that are zero
        </button>
      )}
    </>
  );
}

/** Reserved or ignored, zero, and of no consequence: most fields of a long entry. */
const isQuiet = ({ kind, number, value, decides, now }: PathField): boolean =>
  (kind === 'reserved' || kind === 'ignored') &&
  number === 0 &&
  value.was === undefined &&
  !decides &&
  now === undefined;

interface Pointing {
  readonly pointed: number | undefined;
  readonly point: (lo: number | undefined) => void;
}

function FieldRow({
  session,
  box,
  field,
  pointed,
  point,
}: Pointing & { readonly session: Session; readonly box: PathBox; readonly field: PathField }) {
  const { name, lo, hi, value, doc, section, decides, now } = field;
  return (
    <tr
      class={decides ? 'decides' : box.bits > 0 && pointed === lo ? 'pointed' : undefined}
      onMouseEnter={() => point(lo)}
      onMouseLeave={() => point(undefined)}
    >
      {box.bits > 0 && <td class="mono">{lo === hi ? lo : `${hi}–${lo}`}</td>}
      <th scope="row">{name}</th>
      <td>
        <Shown session={session} value={value} what={`${name} of ${box.place}`} />
        {decides && <span class="badge bad">✗ ended the access</span>}
        {now !== undefined && <span class="badge warn">now {now}</span>}
      </td>
      <td>
        {doc}
        {section !== undefined && <span class="dim"> ({section})</span>}
      </td>
    </tr>
  );
}

/** The bits from the highest to the lowest, 64 a row. The table says the same to those who do not see it. */
function Ruler({
  session,
  box,
  pointed,
  point,
}: Pointing & { readonly session: Session; readonly box: PathBox }) {
  const width = Math.min(ROW, box.bits);
  const rows = Array.from({ length: Math.ceil(box.bits / width) }, (_, row) => box.bits - (row + 1) * width);
  return (
    <div class="bit-ruler" aria-hidden="true">
      {rows
        .filter(
          (low) =>
            low === 0 ||
            box.fields.some((field) => field.hi >= low && field.lo < low + width && !isQuiet(field)),
        )
        .map((low) => (
          <div key={low} class="bit-ruler-row" style={{ gridTemplateColumns: `repeat(${width}, 1fr)` }}>
            {box.fields
              .filter(({ lo, hi }) => hi >= low && lo < low + width)
              .map((field) => {
                const hi = Math.min(field.hi, low + width - 1);
                const lo = Math.max(field.lo, low);
                const bits = hi - lo + 1;
                return (
                  <button
                    key={field.lo}
                    type="button"
                    tabIndex={-1}
                    class={segmentClass(field, pointed)}
                    style={{ gridRow: 1, gridColumn: `${low + width - hi} / span ${bits}` }}
                    title={`${field.name}, ${lo === hi ? `bit ${lo}` : `bits ${field.hi}–${field.lo}`}: ${field.value.text}`}
                    onMouseEnter={() => point(field.lo)}
                    onMouseLeave={() => point(undefined)}
                    onClick={() =>
                      field.value.words && session.askWhy(field.value, `${field.name} of ${box.place}`)
                    }
                  >
                    <span class="ends">
                      {bits > 3 && <span>{hi}</span>}
                      <span>{lo}</span>
                    </span>
                    <span class="holds">{shortText(field, bits)}</span>
                    {bits > 6 && <span class="called">{field.name}</span>}
                  </button>
                );
              })}
          </div>
        ))}
    </div>
  );
}

/** What fits in so many bits' room: the value, or its number, or neither. */
function shortText({ value, number }: PathField, bits: number): string {
  return [value.text, String(number)].find((text) => text.length <= bits * 1.2) ?? '…';
}

function segmentClass(
  { kind, number, value, decides, lo, now }: PathField,
  pointed: number | undefined,
): string {
  const classes = ['segment', kind === 'reserved' || kind === 'ignored' ? 'unused' : 'used'];
  if (number !== 0) classes.push('set');
  if (decides) classes.push('decides');
  if (value.was !== undefined || now !== undefined) classes.push('changed');
  if (pointed === lo) classes.push('pointed');
  return classes.join(' ');
}
