/**
 * The whole kernel of a guest: it waits for a request in its mailbox, carries out the hypercall that stands there, leaves
 * the result, and lets others run. RBX holds the address of the mailbox throughout; hypercalls keep it.
 */

/** Fields of the mailbox, bytes from its beginning; 8 bytes each. */
export const MAILBOX = {
  /** Number of the last request made, and of the last one carried out. */
  requested: 0x00,
  done: 0x08,
  op: 0x18,
  args: 0x20,
  result: 0x48,
} as const;
export const MAILBOX_ARGS = 5;
export const MAILBOX_BYTES = 0x50;

/** One instruction: its bytes, and what they mean to whoever reads this. */
type Instruction = readonly [bytes: readonly number[], assembler: string];

/** Jump targets, by the number of the instruction. */
export const START = 0;
export const IDLE = 13;

export const GUEST_CODE: readonly Instruction[] = [
  [[0x48, 0x8b, 0x03], 'mov rax, [rbx]'], // requested
  [[0x48, 0x3b, 0x43, MAILBOX.done], 'cmp rax, [rbx+0x08]'],
  [[0x74, 0x24], 'je idle'],
  [[0x48, 0x8b, 0x7b, MAILBOX.args], 'mov rdi, [rbx+0x20]'],
  [[0x48, 0x8b, 0x73, MAILBOX.args + 8], 'mov rsi, [rbx+0x28]'],
  [[0x48, 0x8b, 0x53, MAILBOX.args + 16], 'mov rdx, [rbx+0x30]'],
  [[0x4c, 0x8b, 0x53, MAILBOX.args + 24], 'mov r10, [rbx+0x38]'],
  [[0x4c, 0x8b, 0x43, MAILBOX.args + 32], 'mov r8, [rbx+0x40]'],
  [[0x8b, 0x43, MAILBOX.op], 'mov eax, [rbx+0x18]'],
  [[0x0f, 0x05], 'syscall'],
  [[0x48, 0x89, 0x43, MAILBOX.result], 'mov [rbx+0x48], rax'],
  [[0x48, 0x8b, 0x03], 'mov rax, [rbx]'],
  [[0x48, 0x89, 0x43, MAILBOX.done], 'mov [rbx+0x08], rax'],
  [[0xb8, 0x1d, 0x00, 0x00, 0x00], 'mov eax, 29'], // idle: sched_op
  [[0x31, 0xff], 'xor edi, edi'], // yield
  [[0x31, 0xf6], 'xor esi, esi'],
  [[0x0f, 0x05], 'syscall'],
  [[0xeb, 0xc6], 'jmp start'],
];

export const guestCodeBytes = (): Uint8Array => Uint8Array.from(GUEST_CODE.flatMap(([bytes]) => bytes));
