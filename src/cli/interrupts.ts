/** A second signal within this time is the first one, delivered twice. */
const SIGNAL_ECHO_MS = 1000;

/**
 * Ctrl-C, the end asked for by SIGTERM, or the time that was given: the campaign ends after the programs under way and is
 * reported. Ctrl-C once more ends the process; its machines end with it.
 */
export function watchInterrupts(timeout: number | undefined): { isOver: () => boolean; end: () => void } {
  let interrupted: number | undefined;
  const onSignal = () => {
    if (interrupted !== undefined && performance.now() - interrupted > SIGNAL_ECHO_MS) process.exit(130);
    interrupted ??= performance.now();
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  const deadline = timeout === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeout * 1000;
  return {
    isOver: () => interrupted !== undefined || performance.now() > deadline,
    end: () => {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}
