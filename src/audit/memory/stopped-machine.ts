import type { Qmp } from '../../qemu/qmp.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * A machine that is held while it is looked at. It goes on when it is let go, or when this process is told to end; one that
 * did not run before stays as it was.
 */
export class StoppedMachine {
  private readonly qmp: Qmp;
  private held: boolean;
  private readonly onSignal = (signal: NodeJS.Signals): void => {
    void this.letGo().finally(() => process.kill(process.pid, signal));
  };

  private constructor(qmp: Qmp, held: boolean) {
    this.qmp = qmp;
    this.held = held;
    if (held) for (const signal of SIGNALS) process.on(signal, this.onSignal);
  }

  /** Stops a running machine, unless it is to run on. @throws InputError when QEMU refuses. */
  static async hold(qmp: Qmp, live: boolean): Promise<StoppedMachine> {
    if (live) return new StoppedMachine(qmp, false);
    const status = (await qmp.command('query-status')) as { running?: unknown } | undefined;
    const machine = new StoppedMachine(qmp, status?.running === true);
    try {
      if (machine.held) await qmp.command('stop');
    } catch (error) {
      await machine.letGo();
      throw error;
    }
    return machine;
  }

  /** Lets it go on. Never fails: a QEMU that has ended needs nothing. */
  async letGo(): Promise<void> {
    if (!this.held) return;
    this.held = false;
    for (const signal of SIGNALS) process.off(signal, this.onSignal);
    await this.qmp.command('cont').catch(() => {});
  }
}
