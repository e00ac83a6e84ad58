/**
 * Frames of Xen's own that devices are led to: the scratch pages of quarantine. Which of the real ones stands for which of
 * the model's is learnt where both are first met, and has to hold from then on.
 */
export class XensFrames {
  private readonly mfns = new Map<number, number>();
  private readonly frames = new Map<number, number>();

  /** Whether `mfn` stands for `frame`, which it does when neither has been met before. */
  match(frame: number, mfn: number): boolean {
    if (!this.mfns.has(frame) && !this.frames.has(mfn)) {
      this.mfns.set(frame, mfn);
      this.frames.set(mfn, frame);
    }
    return this.mfns.get(frame) === mfn;
  }
}

/**
 * Which frame of the real machine stands for which frame of the model. The model's heap hands out its lowest free frame,
 * Xen's whatever it likes: frames are alike only up to this renaming, which is one of the few things that a comparison
 * leaves open.
 */
export class Bindings {
  private readonly mfns = new Map<number, number>();
  private readonly frames = new Map<number, number>();
  /** Frames that have ever stood for something: entries and grants may still name them. */
  private readonly named = new Set<number>();

  /** From now on `mfn` stands for `frame`, and for no other. */
  bind(frame: number, mfn: number): void {
    const frameBefore = this.frames.get(mfn);
    if (frameBefore !== undefined) this.mfns.delete(frameBefore);
    const mfnBefore = this.mfns.get(frame);
    if (mfnBefore !== undefined) this.frames.delete(mfnBefore);
    this.named.add(frame);
    this.mfns.set(frame, mfn);
    this.frames.set(mfn, frame);
  }

  /** Whether nothing can name the frame. */
  isFresh(frame: number): boolean {
    return !this.named.has(frame);
  }

  /** From now on `mfn` stands for nothing: whatever still names its frame has to make do with another. */
  release(mfn: number): void {
    const frame = this.frames.get(mfn);
    if (frame === undefined) return;
    this.frames.delete(mfn);
    this.mfns.delete(frame);
  }

  mfn(frame: number): number | undefined {
    return this.mfns.get(frame);
  }

  /** The model's frame for an MFN, or undefined for one that the program knows nothing of. */
  frame(mfn: number): number | undefined {
    return this.frames.get(mfn);
  }

  /** Pairs of the model's frame and the MFN that stands for it. */
  [Symbol.iterator](): IterableIterator<[frame: number, mfn: number]> {
    return this.mfns[Symbol.iterator]();
  }
}
