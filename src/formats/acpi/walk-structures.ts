import { hex } from '../../text/hex.js';
import {
  type AcpiField,
  type AcpiLayout,
  type AcpiProblem,
  type AcpiStructure,
  STRUCTURES_AT_MOST,
  unknownLayout,
} from './structure.js';
import type { TableBytes } from './table-bytes.js';

/** How structures follow one another: each has a type and a length, and the next one begins where it ends. */
export interface StructureRules {
  /** What they are called in messages: `remapping structure`, `device scope`. */
  readonly what: string;
  readonly manual: string;
  /** Bytes that hold type and length: what a structure has at least. */
  readonly headerSize: number;
  typeAt(bytes: TableBytes, at: number): number | null;
  /** The structure's length; null where bytes are missing, 0 where a type has no known length. */
  lengthAt(bytes: TableBytes, at: number): number | null;
  layoutOf(type: number): AcpiLayout | undefined;
  /** Fields that structures of all types begin with, where others than type and length are of use. */
  readonly head?: readonly AcpiField[];
  /** Whether they are those that {@link TableBytes.starts} tells of. */
  readonly outermost?: boolean;
  /** Where the fields of a structure end, when that is before its own end. */
  bodyOf?(structure: Omit<AcpiStructure, 'children'>): number;
  /** Structures inside one, which end at `end` at the latest. */
  childrenOf?(structure: Omit<AcpiStructure, 'children'>, walk: TableWalk): readonly AcpiStructure[];
}

/** A walk through one table: collects what is wrong and bounds how many structures are read. */
export class TableWalk {
  readonly bytes: TableBytes;
  /** The table's length by its header: where its structures must end. Missing bytes before it are not the table's fault. */
  readonly limit: number;
  readonly problems: AcpiProblem[] = [];
  private count = 0;

  constructor(bytes: TableBytes, limit: number) {
    this.bytes = bytes;
    this.limit = limit;
  }

  problem(code: AcpiProblem['code'], offset: number, message: string): void {
    if (this.problems.length < STRUCTURES_AT_MOST) this.problems.push({ code, offset, message });
  }

  /** Whether one more structure may be read. Says so once when not. */
  admit(at: number): boolean {
    if (this.count++ < STRUCTURES_AT_MOST) return true;
    if (this.count === STRUCTURES_AT_MOST + 1) {
      this.problem('too-many', at, `more than ${STRUCTURES_AT_MOST} structures; the rest was not read`);
    }
    return false;
  }

  /**
   * The structures from `from` to `end`. Ends early where the next one cannot be found: at a length that is missing, too
   * small to get anywhere, or beyond `end`.
   */
  structures(from: number, end: number, rules: StructureRules): AcpiStructure[] {
    const found: AcpiStructure[] = [];
    for (let at = from; at < end && at < this.bytes.length; ) {
      if (!this.admit(at)) break;
      const { what, headerSize } = rules;
      if (end - at < headerSize) {
        const message = `${end - at} bytes are left, too few for a ${what}: they are read by nobody`;
        this.problem('structure-too-short', at, message);
        break;
      }
      const type = rules.typeAt(this.bytes, at);
      const length = rules.lengthAt(this.bytes, at);
      const next = rules.outermost === true ? this.bytes.startAfter(at) : undefined;
      if (type === null) {
        this.problem('bytes-missing', at, `the type of the ${what} is missing`);
        if (next === undefined) break;
        at = next;
        continue;
      }
      const layout = rules.layoutOf(type);
      if (layout === undefined) this.problem('unknown-type', at, `${what} of unknown type ${hex(type)}`);
      const structure = this.structure(at, end, type, length, layout, rules, next);
      const children = rules.childrenOf?.(structure, this) ?? [];
      found.push({ ...structure, children });
      if (length === null) {
        const message = `the length of the ${what} is missing${next === undefined ? ': what follows cannot be found' : ''}`;
        this.problem('bytes-missing', at, message);
        if (next === undefined) break;
        at = next;
        continue;
      }
      if (length < headerSize) {
        const message = `${what} of length ${length}: shorter than its own header of ${headerSize} bytes, so what follows cannot be found`;
        this.problem('length-too-small', at, message);
        break;
      }
      if (length > end - at) break;
      at += length;
    }
    return found;
  }

  /** One structure, cut at `end`, with what is wrong with its length. */
  private structure(
    at: number,
    end: number,
    type: number,
    length: number | null,
    known: AcpiLayout | undefined,
    rules: StructureRules,
    next: number | undefined,
  ): Omit<AcpiStructure, 'children'> {
    const { what, manual, headerSize } = rules;
    const layout = known ?? unknownLayout(what, manual, type, headerSize, rules.head ?? []);
    const assumed = next === undefined ? layout.size : next - at;
    const size = Math.max(0, Math.min(length ?? assumed, end - at));
    if (length !== null && length > end - at) {
      const message = `${layout.name} of ${length} bytes reaches ${length - (end - at)} bytes beyond the end at ${hex(end)} of what contains it`;
      this.problem('structure-overruns', at, message);
    } else if (length !== null && length >= headerSize && length < layout.size) {
      const message = `${layout.name} has ${length} bytes; the manual gives it ${layout.size} at least`;
      this.problem('structure-too-short', at, message);
    }
    const structure = { layout, bytes: this.bytes, offset: at, length, size, body: size, type };
    return { ...structure, body: rules.bodyOf?.(structure) ?? size };
  }
}
