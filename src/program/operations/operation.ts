/** What a parameter stands for. */
export type ParameterKind =
  /** A domain by name: `dom0`, `guest`, `dom_io`, or `dom_invalid` for DOMID_INVALID. */
  | 'domain'
  /** A name the operation gives to the domain it makes. */
  | 'newDomain'
  /** A page by name, or a frame by number. */
  | 'page'
  /** A name for the page that the operation gets, or the number of the frame it must get. */
  | 'newPage'
  /** An address: page or frame number, with an offset: `P+0x148`, `0x8424cb148`. */
  | 'address'
  /** An entry of a table page: `T[3]`. */
  | 'entry'
  | 'device'
  /** A device by name, also one that the machine does not have. */
  | 'anyDevice'
  /** Maptrack handle by name. */
  | 'handle'
  | 'newHandle'
  | 'number'
  | 'name'
  | 'mark'
  | 'newMark'
  /** One of the words in `words`. */
  | 'word'
  /** Any of the words in `words`, in any order. */
  | 'flags';

export interface Parameter {
  readonly name: string;
  readonly kind: ParameterKind;
  readonly doc: string;
  /** Written `name=value` rather than by position. */
  readonly keyed?: boolean;
  readonly optional?: boolean;
  readonly words?: readonly string[];
  /** A number that people read in hexadecimal. */
  readonly hex?: boolean;
}

export interface Operation {
  readonly name: string;
  /** Who acts. */
  readonly actor: 'toolstack' | 'guest' | 'device' | 'program';
  readonly doc: string;
  /** Dossier section, and the hypercall where the name does not say it. */
  readonly source: string;
  readonly parameters: readonly Parameter[];
  /** It runs in steps that others can run between: `begin` starts it. */
  readonly preemptible?: boolean;
  /** The parameter whose thing is gone afterwards: its name can be given again. */
  readonly frees?: string;
}

export const domain: Parameter = { name: 'domain', kind: 'domain', doc: 'the domain' };
export const page: Parameter = { name: 'page', kind: 'page', doc: 'the page' };
export const device: Parameter = { name: 'device', kind: 'anyDevice', doc: 'the device' };
export const rights: Parameter = {
  name: 'rights',
  kind: 'word',
  words: ['rw', 'ro'],
  doc: 'whether writes pass',
};
export const optional = (parameter: Parameter): Parameter => ({ ...parameter, optional: true });
export const keyed = (name: string, kind: ParameterKind, doc: string): Parameter => ({
  name,
  kind,
  doc,
  keyed: true,
  optional: true,
});
export const hex = (parameter: Parameter): Parameter => ({ ...parameter, hex: true });
export const flags = (words: readonly string[], doc: string): Parameter => ({
  name: 'flags',
  kind: 'flags',
  words,
  doc,
  optional: true,
});
