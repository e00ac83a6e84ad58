import { decode, type EntryLayout } from '../formats/layout.js';
import {
  SMMU_CB_FSR,
  SMMU_CB_FSYNR0,
  SMMU_CBFRSYNRA,
  SMMU_GFSR,
  SMMU_GFSYNR0,
  SMMU_GFSYNR1,
} from '../formats/smmuv2.js';
import type { EventDraft, EventReason, StatusBit } from './event.js';
import type { LogFacts } from './facts.js';
import { ofStream } from './smmu-unit.js';
import { statusBits } from './status-bits.js';

/** Kinds of fault that a status register shows, as one reason: `TF`, or `TF+MULTI`'s kinds `TF+PF` where there are several. */
function reasonOf(register: EntryLayout, value: number, kinds: readonly StatusBit[]): EventReason {
  const { manual } = register;
  if (kinds.length === 0) {
    return { code: value, name: 'none', meaning: `${register.name} shows no fault`, manual };
  }
  const name = kinds.map((kind) => kind.name).join('+');
  return { code: value, name, meaning: kinds.map((kind) => kind.meaning).join('; '), manual };
}

/** Replaces the bits of one register among those of an event. */
function put(event: EventDraft, register: EntryLayout, bits: readonly StatusBit[]): void {
  const names = new Set(register.fields.map((field) => field.doc.replace(/:.*/, '')));
  const others = event.bits.filter((bit) => !names.has(bit.name));
  event.bits.splice(0, event.bits.length, ...others, ...bits);
}

/** FSR says no more than that it is a fault, or which: neither a kind. */
const NO_KIND = new Set(['FORMAT', 'SS', 'MULTI']);

/** SMMU_CBn_FSR: why the context bank refused. */
export function readFsr(event: EventDraft, fsr: number): void {
  const bits = statusBits(SMMU_CB_FSR, [fsr], ['format']);
  put(event, SMMU_CB_FSR, bits);
  event.reason = reasonOf(
    SMMU_CB_FSR,
    fsr >>> 0,
    bits.filter((bit) => !NO_KIND.has(bit.name)),
  );
  nameLevel(event);
}

/** The reason of a fault whose line has no FSR (Xen before 4.12). */
export const CONTEXT_FAULT: EventReason = {
  code: null,
  name: 'context-fault',
  meaning: 'a context bank refused an access; the line does not show its status register, which says why',
  manual: SMMU_CB_FSR.manual,
};

/** SMMU_CBn_FSYNR0: what the access was, and the level of the table at which the walk ended. */
export function readFsynr0(event: EventDraft, fsynr0: number): void {
  put(event, SMMU_CB_FSYNR0, statusBits(SMMU_CB_FSYNR0, [fsynr0], ['level', 'write', 'stage1Bank']));
  event.access = decode(SMMU_CB_FSYNR0, [fsynr0]).write === 1 ? 'write' : 'read';
  nameLevel(event);
}

const LEVEL_PROBLEMS: Readonly<Record<string, string>> = {
  TF: 'no valid descriptor for the address',
  AFF: 'the descriptor’s access flag is clear',
  PF: 'the descriptor does not permit the access',
  ASF: 'the descriptor’s address is wider than what is configured',
  EF: 'the access to the table or through it was aborted',
};

/** The level once both registers are known, or only the syndrome. */
function nameLevel(event: EventDraft): void {
  const level = event.bits.find((bit) => bit.name === 'PLVL');
  if (level === undefined) return;
  const problems = Object.keys(LEVEL_PROBLEMS).filter((kind) => event.bits.some((bit) => bit.name === kind));
  const known = event.bits.some((bit) => bit.name === 'FORMAT');
  if (known && problems.length === 0) return;
  const problem = problems.map((kind) => LEVEL_PROBLEMS[kind]).join('; ') || 'the walk ended here';
  event.level = { name: `level ${level.value}`, entry: null, problem };
}

/** SMMU_CBFRSYNRAn: whose access it was. */
export function readCbfrsynra(event: EventDraft, facts: LogFacts, cbfrsynra: number): void {
  ofStream(event, facts, decode(SMMU_CBFRSYNRA, [cbfrsynra]).stream!);
}

/** The reason of a global fault until its registers are read. */
export const GLOBAL_FAULT: EventReason = {
  code: null,
  name: 'global-fault',
  meaning: 'the SMMU refused a transaction before any context bank was found for it',
  manual: SMMU_GFSR.manual,
};

/** SMMU_sGFSR, SMMU_sGFSYNR0 and SMMU_sGFSYNR1: why, what and whose a transaction without context bank was. */
export function readGlobal(
  event: EventDraft,
  facts: LogFacts,
  registers: Readonly<Record<'gfsr' | 'gfsynr0' | 'gfsynr1', number | null>>,
): void {
  const { gfsr, gfsynr0, gfsynr1 } = registers;
  if (gfsr !== null) {
    const bits = statusBits(SMMU_GFSR, [gfsr]);
    put(event, SMMU_GFSR, bits);
    event.reason = reasonOf(
      SMMU_GFSR,
      gfsr >>> 0,
      bits.filter((bit) => bit.name !== 'MULTI'),
    );
  }
  if (gfsynr0 !== null) {
    put(event, SMMU_GFSYNR0, statusBits(SMMU_GFSYNR0, [gfsynr0], ['write']));
    event.access = decode(SMMU_GFSYNR0, [gfsynr0]).write === 1 ? 'write' : 'read';
  }
  if (gfsynr1 !== null) ofStream(event, facts, decode(SMMU_GFSYNR1, [gfsynr1]).stream!);
}

/** A stream id that no stream mapping knows, as Linux says it before the registers. */
export const UNKNOWN_STREAM: EventReason = {
  code: null,
  name: 'USF',
  meaning: 'no stream mapping for the stream id, and streams without one are blocked',
  manual: SMMU_GFSR.manual,
};
