import { signal } from '@preact/signals';
import type { Session } from './session.js';

/** Steps a second that a run can be played at. */
export const SPEEDS = [1, 2, 5, 20, 100, 1000, 10_000] as const;

/**
 * Plays the run. A step is gone on from when it has been drawn, so that a slow machine shows fewer steps and not older ones.
 * A run that ends in a loop goes round in it until it is told to pause.
 */
export class Player {
  readonly playing = signal(false);
  readonly speed = signal(2);
  private readonly session: Session;
  /** When the last frame was, and the steps that are due since the last that were made. */
  private last = 0;
  private due = 0;

  constructor(session: Session) {
    this.session = session;
  }

  toggle(): void {
    if (this.playing.value) this.pause();
    else this.play();
  }

  pause(): void {
    this.playing.value = false;
  }

  private play(): void {
    const { session } = this;
    const length = session.opened.value?.length ?? 0;
    if (length === 0) return;
    if (session.step.value === length) session.goTo(this.afterEnd ?? 0);
    this.playing.value = true;
    this.last = performance.now();
    this.due = 0;
    requestAnimationFrame((now) => this.frame(now));
  }

  /** Where the run goes on from its last step: where it ends in a loop. */
  private get afterEnd(): number | undefined {
    const opened = this.session.opened.value;
    return opened?.loops.find(({ end }) => end === opened.length)?.from;
  }

  private frame(now: number): void {
    if (!this.playing.value) return;
    const { session } = this;
    const length = session.opened.value?.length ?? 0;
    this.due += (Math.max(0, now - this.last) / 1000) * this.speed.value;
    this.last = now;
    if (session.shown.value === session.step.value && this.due >= 1) {
      const step = session.step.value;
      const steps = Math.floor(this.due);
      this.due -= steps;
      if (step < length) session.goTo(step + steps);
      else if (this.afterEnd !== undefined) session.goTo(this.afterEnd);
      else {
        this.pause();
        return;
      }
    }
    requestAnimationFrame((next) => this.frame(next));
  }
}
