import { signal } from '@preact/signals';
import type { StepRow } from '../../src/explore/steps.js';
import type { Session } from './session.js';

/** Rows that are asked for at once. */
const CHUNK = 128;
/** Chunks that are kept: what was looked at longest ago is forgotten. */
const MAX_CHUNKS = 64;

/**
 * The rows of a run's steps, as far as somebody has looked at them. A row is the same wherever the page stands, so that
 * going from step to step asks for nothing.
 */
export class Rows {
  /** Counts what has come. */
  private readonly version = signal(0);
  private readonly chunks = new Map<number, readonly StepRow[]>();
  private readonly asked = new Set<number>();
  private readonly session: Session;
  /** The most blocks that a step seen so far is in. */
  depth = 0;

  constructor(session: Session) {
    this.session = session;
  }

  /** The rows [from, to) of which something is known; the others are asked for. */
  window(from: number, to: number): StepRow[] {
    this.version.value;
    const rows: StepRow[] = [];
    for (let chunk = Math.floor(from / CHUNK); chunk * CHUNK < to; chunk++) {
      const known = this.chunks.get(chunk);
      if (known === undefined) void this.ask(chunk);
      else rows.push(...known.filter(({ step }) => step >= from && step < to));
    }
    return rows;
  }

  private async ask(chunk: number): Promise<void> {
    if (this.asked.has(chunk)) return;
    this.asked.add(chunk);
    const { session } = this;
    try {
      const args = { from: chunk * CHUNK, count: CHUNK };
      const rows = await session.view(session.step.peek(), 'steps', args);
      if (rows === undefined) return;
      this.chunks.set(chunk, rows);
      if (this.chunks.size > MAX_CHUNKS) this.forget();
      for (const { blocks } of rows) this.depth = Math.max(this.depth, blocks.length);
      this.version.value++;
    } finally {
      this.asked.delete(chunk);
    }
  }

  private forget(): void {
    const [oldest] = this.chunks.keys();
    this.chunks.delete(oldest!);
  }
}
