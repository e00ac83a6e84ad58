import type { Model } from '../src/check/model.js';
import { processSeconds } from '../src/check/node-crew.js';
import { search } from '../src/check/search.js';
import { DEFAULT_ALPHABET } from '../src/program/alphabet-bounds.js';
import { programOfConfigs } from '../src/program/configs-program.js';
import { sceneModel, type VerifyBounds } from '../src/program/verify.js';
import { PAGE_WORDS } from '../src/store/store.js';
import { resolveEdition } from '../src/xen/editions/edition.js';

/** The search against a peer that keeps a copy of every state, on the same model. */
export interface SearchFigures {
  readonly states: number;
  readonly transitions: number;
  readonly perCpuSecond: number;
  /** The peer's rate, on as many states as it was given. */
  readonly peerPerCpuSecond: number;
  readonly ratio: number;
}

const BOUNDS: VerifyBounds = { ...DEFAULT_ALPHABET, pages: 2, search: {} };
/** States that the peer expands: it is slow. */
const PEER_STATES = 100;

function defaultModel(): Model & { readonly words: () => Int32Array; restore(words: Int32Array): void } {
  const edition = resolveEdition('4.17');
  const config = new URL('../examples/guest-pv-nic.cfg', import.meta.url).pathname;
  const host = { arch: 'x86', iommu: 'vtd', dom0Mode: 'relaxed', sharept: true, quarantine: true } as const;
  const { program } = programOfConfigs([config], host, BOUNDS, edition);
  const { model, xen } = sceneModel(program, edition, BOUNDS);
  return Object.assign(model, {
    words: () => xen.store.words.slice(0, xen.store.pageCount * PAGE_WORDS),
    // Pages that came later hold zeros in the older state.
    restore: (words: Int32Array) => {
      for (let i = 0; i < xen.store.pageCount * PAGE_WORDS; i++) xen.store.write(i, words[i] ?? 0);
      xen.store.forget();
    },
  });
}

/** Breadth-first with a copy of each state and a set of states as strings: what one writes without a journal. */
function copyingSearch(
  model: ReturnType<typeof defaultModel>,
  limit: number,
): { states: number; transitions: number } {
  // Pages of zeros at the end are no difference.
  const key = (words: Int32Array) => {
    const end = words.findLastIndex((word) => word !== 0) + 1;
    return Buffer.from(words.buffer, 0, end * 4).toString('latin1');
  };
  const queue = [model.words()];
  const seen = new Set(queue.map(key));
  let transitions = 0;
  for (let at = 0; at < queue.length && at < limit; at++) {
    const words = queue[at]!;
    const from = key(words);
    for (let action = 0; action < model.actionCount; action++) {
      model.restore(words);
      if (!model.perform(action)) continue;
      const next = model.words();
      const to = key(next);
      if (to === from) continue;
      transitions++;
      if (seen.has(to)) continue;
      seen.add(to);
      for (const property of model.properties) property.violation();
      queue.push(next);
    }
  }
  return { states: seen.size, transitions };
}

function cpuSecondsOf(work: () => void): number {
  const before = processSeconds();
  work();
  return processSeconds() - before;
}

/** The default machine of `dommu verify`, searched to the end; the peer is given a part of it. */
export async function benchSearch(): Promise<SearchFigures> {
  const { states, transitions, cpuSeconds } = await search(defaultModel(), {
    bounds: {},
    cpuClock: processSeconds,
  });
  const peerModel = defaultModel();
  let peer = 0;
  const peerSeconds = cpuSecondsOf(() => {
    peer = copyingSearch(peerModel, PEER_STATES).transitions;
  });
  const perCpuSecond = transitions / cpuSeconds;
  const peerPerCpuSecond = peer / peerSeconds;
  return { states, transitions, perCpuSecond, peerPerCpuSecond, ratio: perCpuSecond / peerPerCpuSecond };
}

export function searchReport({
  states,
  transitions,
  perCpuSecond,
  peerPerCpuSecond,
  ratio,
}: SearchFigures): string {
  const number = (value: number) => Math.round(value).toLocaleString('en-US');
  return [
    `Search of the default machine: ${number(states)} states, ${number(transitions)} transitions`,
    `  ${number(perCpuSecond)} transitions per CPU second on one core`,
    `  ${number(peerPerCpuSecond)} by a search that copies states (ratio ${number(ratio)})`,
  ].join('\n');
}
