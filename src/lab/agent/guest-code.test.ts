import { describe, expect, it } from 'vitest';
import {
  GUEST_CODE,
  guestCodeBytes,
  IDLE,
  MAILBOX,
  MAILBOX_ARGS,
  MAILBOX_BYTES,
  START,
} from './guest-code.js';

/** Offset of each instruction. */
const offsets = [0];
for (const [bytes] of GUEST_CODE) offsets.push(offsets.at(-1)! + bytes.length);
const TARGETS: Readonly<Record<string, number>> = { start: START, idle: IDLE };

/** Numbers of x86-64 registers. */
const REGISTERS = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11'];

/** The bytes of the few forms that the guest uses, put together anew from what is said of them. */
function assemble(text: string): number[] | undefined {
  const number = (name: string): number => REGISTERS.indexOf(name.replace(/^e/, 'r'));
  const memory = /^(mov|cmp) (\w+), \[rbx(?:\+0x(\w+))?\]$/.exec(text);
  const store = /^mov \[rbx\+0x(\w+)\], (\w+)$/.exec(text);
  const [register, displacement, opcode] = memory
    ? [memory[2]!, memory[3], memory[1] === 'cmp' ? 0x3b : 0x8b]
    : [store?.[2] ?? '', store?.[1], 0x89];
  if (memory || store) {
    const wide = register.startsWith('r') ? [0x48 | (number(register) >= 8 ? 4 : 0)] : [];
    const mode = displacement === undefined ? 0 : 0x40;
    const place = mode | ((number(register) & 7) << 3) | 3;
    return [
      ...wide,
      opcode,
      place,
      ...(displacement === undefined ? [] : [Number.parseInt(displacement, 16)]),
    ];
  }
  const xor = /^xor (\w+), \1$/.exec(text);
  if (xor) return [0x31, 0xc0 | (number(xor[1]!) << 3) | number(xor[1]!)];
  const immediate = /^mov eax, (\d+)$/.exec(text);
  if (immediate) return [0xb8, Number(immediate[1]), 0, 0, 0];
  return text === 'syscall' ? [0x0f, 0x05] : undefined;
}

describe('the guest’s code', () => {
  it.each(GUEST_CODE.map(([bytes, text], i) => ({ i, text, bytes })))('$i: $text', ({ i, text, bytes }) => {
    const jump = /^(je|jmp) (\w+)$/.exec(text);
    if (jump === null) {
      expect(bytes).toEqual(assemble(text));
      return;
    }
    expect(bytes).toHaveLength(2);
    expect(bytes[0]).toBe(jump[1] === 'je' ? 0x74 : 0xeb);
    const distance = (bytes[1]! << 24) >> 24;
    expect(offsets[i]! + 2 + distance).toBe(offsets[TARGETS[jump[2]!]!]);
  });

  it('is the instructions one after the other, and fits before the mailbox', () => {
    expect(guestCodeBytes()).toHaveLength(offsets.at(-1)!);
    expect(offsets.at(-1)!).toBeLessThan(0x400);
  });

  it('has a mailbox whose fields do not touch', () => {
    const places = Object.entries(MAILBOX).map(([name, at]) => [at, name === 'args' ? MAILBOX_ARGS * 8 : 8]);
    places.sort(([a], [b]) => a! - b!);
    for (let i = 1; i < places.length; i++)
      expect(places[i - 1]![0]! + places[i - 1]![1]!).toBeLessThanOrEqual(places[i]![0]!);
    expect(places.at(-1)![0]! + 8).toBeLessThanOrEqual(MAILBOX_BYTES);
  });
});
