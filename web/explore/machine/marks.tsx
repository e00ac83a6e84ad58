import './marks.css';
import type { Mark } from '../../../src/explore/machine/marks.js';
import type { SignName } from '../../../src/explore/machine/standing.js';

/** A shape for each sign, beside its words. */
export const SHAPES: Readonly<Record<SignName, string>> = {
  missing: '✗',
  excess: '▲',
  differs: '≠',
  stale: '↺',
  pending: '…',
};

/** What a word says before it explains itself: `missing: devices fault`, `stale in an IOTLB`. */
const short = (word: string): string => word.split(/:| from | in /, 1)[0]!;

/** Signs of what disagrees, each with a word; the facts are told when the pointer rests on it, or in the list above. */
export function Marks({ marks }: { readonly marks: readonly Mark[] }) {
  return (
    <>
      {marks.map(({ sign, word, text }) => (
        <span key={sign} class={`disagreement ${sign}`} title={text}>
          <span aria-hidden="true">{SHAPES[sign]}</span> {short(word)}
        </span>
      ))}
    </>
  );
}
