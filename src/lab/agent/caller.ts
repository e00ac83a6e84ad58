import { type FieldValues, readField, type Structure, writeStructure } from './abi/structure.js';
import type { Argument } from './native.js';

/** One who issues hypercalls, dom0 or a guest, with a place for what they point to. */
export interface Caller {
  readonly area: ArgumentArea;
  hypercall(op: number, ...args: Argument[]): number;
}

/** A piece of structure written for a hypercall: where its issuer sees it, and what stands there now. */
export interface Written<Field extends string> {
  readonly address: number;
  get(field: Field): number;
}

/** Memory for arguments. What is put into it stays until {@link clear}. */
export class ArgumentArea {
  readonly address: number;
  readonly view: DataView;
  private used = 0;

  /** `address` is where the issuer sees it, `view` where we do. */
  constructor(address: number, view: DataView) {
    this.address = address;
    this.view = view;
  }

  clear(): void {
    this.used = 0;
  }

  /** Offset of `bytes` fresh bytes, 8-aligned. @throws RangeError when the area is full. */
  reserve(bytes: number): number {
    const at = this.used;
    this.used += (bytes + 7) & ~7;
    if (this.used > this.view.byteLength)
      throw new RangeError(`${bytes} bytes of arguments do not fit any more`);
    return at;
  }

  /** Puts a structure there. */
  put<Field extends string>(structure: Structure<Field>, values: FieldValues<Field>): Written<Field> {
    return this.place(this.reserve(structure.size), structure, values);
  }

  /** Puts a structure at an offset that was reserved. */
  place<Field extends string>(
    at: number,
    structure: Structure<Field>,
    values: FieldValues<Field>,
  ): Written<Field> {
    writeStructure(this.view, at, structure, values);
    return { address: this.address + at, get: (field) => readField(this.view, at, structure, field) };
  }

  /** Puts a list of 64-bit frame numbers there; `read(i)` says what stands in place i. */
  putFrames(frames: readonly number[]): { readonly address: number; read(i: number): number } {
    const at = this.reserve(8 * frames.length);
    frames.forEach((frame, i) => {
      this.view.setBigUint64(at + 8 * i, BigInt(frame), true);
    });
    return {
      address: this.address + at,
      read: (i) => Number(this.view.getBigUint64(at + 8 * i, true)),
    };
  }

  putText(text: string): number {
    const at = this.reserve(text.length + 1);
    for (let i = 0; i < text.length; i++) this.view.setUint8(at + i, text.charCodeAt(i));
    this.view.setUint8(at + text.length, 0);
    return this.address + at;
  }

  readText(address: number, bytes: number): string {
    let text = '';
    for (let at = address - this.address; bytes-- > 0; at++) {
      const code = this.view.getUint8(at);
      if (code === 0) break;
      text += String.fromCharCode(code);
    }
    return text;
  }
}
