import './owner.css';

/** How many grounds there are to tell owners apart. */
const GROUNDS = 8;

/** A domain's name on the ground that is its everywhere in these tables. */
export function DomainName({ slot, name }: { readonly slot: number; readonly name: string }) {
  return <span class={`domain-name owner-${slot % GROUNDS}`}>{name}</span>;
}
