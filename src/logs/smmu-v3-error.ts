import { describe, getField } from '../formats/layout.js';
import { commandLayout, SMMUV3_COMMAND_ERRORS, SMMUV3_COMMAND_NAMES } from '../formats/smmuv3-commands.js';
import { SMMUV3_CMDQ_CONS, SMMUV3_GERROR } from '../formats/smmuv3-errors.js';
import type { EventDraft } from './event.js';
import type { LogFacts } from './facts.js';
import { ofStream } from './smmu-unit.js';
import { statusBits } from './status-bits.js';

/** Doublewords of a command. */
export const COMMAND_DOUBLEWORDS = 2;

/** CMDQ_CONS of a command queue that has stopped: why. */
export function readCommandQueueError(event: EventDraft, cons: number): void {
  const code = getField(SMMUV3_CMDQ_CONS, 'error', [cons]);
  const known = SMMUV3_COMMAND_ERRORS[code];
  event.reason = {
    code,
    name: known?.name ?? `CERROR ${code}`,
    meaning: known?.meaning ?? 'an error of the command queue that the architecture does not define',
    manual: SMMUV3_CMDQ_CONS.manual,
  };
}

/** The reason where only the command was printed that the SMMU does not take. */
export const COMMAND_SKIPPED = {
  code: 1,
  name: 'CERROR_ILL',
  meaning: SMMUV3_COMMAND_ERRORS[1]!.meaning,
  manual: SMMUV3_CMDQ_CONS.manual,
} as const;

/** The command that failed, or as much of it as was printed. `words` are 32-bit words, the first the lowest. */
export function readFailedCommand(event: EventDraft, facts: LogFacts, words: readonly number[]): void {
  const opcode = words[0]! & 0xff;
  event.details.command = SMMUV3_COMMAND_NAMES[opcode] ?? `opcode 0x${opcode.toString(16)}`;
  const layout = commandLayout(opcode);
  if (layout.fields.some((field) => field.name === 'stream')) ofStream(event, facts, words[1]!);
  if (words.length < layout.words) return;
  event.details.operands = describe(layout, words);
}

/** GERROR against GERRORN: what went wrong outside of any transaction. */
export function readGlobalError(event: EventDraft, gerror: number): void {
  const bits = statusBits(SMMUV3_GERROR, [gerror]);
  event.bits.splice(0, event.bits.length, ...bits);
  event.reason = {
    code: gerror >>> 0,
    name: bits.map((bit) => bit.name).join('+') || 'none',
    meaning: bits.map((bit) => bit.meaning).join('; ') || 'no error that the architecture defines',
    manual: SMMUV3_GERROR.manual,
  };
}

/** One bit of GERROR, of which a line of its own tells, by the manual's name. */
export function readGlobalErrorBit(event: EventDraft, name: string): void {
  const field = SMMUV3_GERROR.fields.find(({ doc }) => doc.startsWith(`${name}: `));
  if (field !== undefined) readGlobalError(event, 1 << field.lo);
}
