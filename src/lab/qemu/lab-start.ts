import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Qmp } from '../../qemu/qmp.js';
import { runBounded } from '../bounded-process.js';
import { imageFiles } from '../image/build.js';
import { dommuVersion } from '../image/overlay.js';
import { LabError, qemuFailed } from '../machine-api.js';
import { AgentChannel, withLastLines } from './agent-channel.js';
import { bootFailure } from './boot-failure.js';
import { ConsoleLog } from './console-log.js';
import { LAST_LINES, QemuLab, readRootTable } from './lab-machine.js';
import { type LabPlan, SHARED_MEMORY } from './lab-plan.js';
import { bootArguments, fileArguments, hardwareArguments } from './machine-shape.js';
import {
  endMessage,
  endQemu,
  isRunning,
  openRamOf,
  type QemuProcess,
  signal,
  startQemu,
} from './qemu-process.js';
import { RamFile } from './ram-file.js';
import {
  claimFolder,
  type LabFiles,
  type LabRecord,
  labFiles,
  removeLab,
  startTicksOf,
  writeRecord,
} from './run-folder.js';
import { dropSnapshot, findSnapshot, layOut, restore, type Snapshot, saveSnapshot } from './snapshot.js';

const QMP_SECONDS = 20;
const UNPACK_SECONDS = 60;
const WATCH_MS = 200;
const RESTORED_HELLO_SECONDS = 20;

/** A lab that is up. */
export interface StartedLab {
  readonly machine: QemuLab;
  readonly record: LabRecord;
  /** Whether it was restored rather than booted. */
  readonly restored: boolean;
}

/** Brings a lab up: from its snapshot, or else by booting it, after which there is a snapshot. */
export async function bringUpLab(plan: LabPlan): Promise<StartedLab> {
  const start = new LabStart(plan);
  try {
    const snapshot = plan.snapshotKey === undefined ? undefined : findSnapshot(plan.snapshotKey);
    const restored = snapshot !== undefined && (await start.tryRestoring(snapshot));
    if (!restored) {
      await start.boot();
      if (plan.snapshotKey !== undefined) await start.save(plan.snapshotKey);
    }
    return { ...(await start.finish()), restored };
  } catch (error) {
    await start.abandon();
    throw error;
  }
}

/** Of a QEMU that runs, what has been opened so far. */
interface Opened {
  readonly qemu: QemuProcess;
  readonly console: ConsoleLog;
  qmp?: Qmp;
  agent?: AgentChannel;
}

const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'syscall' in error;

class LabStart {
  private readonly plan: LabPlan;
  private readonly folder: string;
  private readonly files: LabFiles;
  private record: LabRecord;
  private opened: Opened | undefined;
  /** What must not stay when the process ends: a lab that is not up yet, or is ours alone. */
  private readonly removeAtExit = (): void => {
    if (this.opened !== undefined) signal(this.opened.qemu.pid, 'SIGTERM');
    removeLab(this.folder, this.record);
  };

  constructor(plan: LabPlan) {
    this.plan = plan;
    const now = Date.now();
    this.record = {
      name: plan.name,
      state: 'starting',
      pid: 0,
      startTicks: startTicksOf(process.pid) ?? 0,
      starter: process.pid,
      ephemeral: !plan.outlivesUs,
      shape: plan.shape,
      release: plan.image.release,
      ...(plan.xenPath === undefined ? {} : { xen: plan.xenPath }),
      scratch: mkdtempSync(join(SHARED_MEMORY, 'dommu-')),
      startedAt: new Date(now).toISOString(),
      endsAt: new Date(now + plan.lifetimeSeconds * 1000).toISOString(),
    };
    try {
      this.folder = claimFolder(this.record);
    } catch (error) {
      rmSync(this.record.scratch, { recursive: true, force: true });
      throw error;
    }
    this.files = labFiles(this.folder);
    process.once('exit', this.removeAtExit);
  }

  /** Boots Xen, dom0 and the agent. */
  async boot(): Promise<void> {
    const { plan } = this;
    plan.progress('booting Xen and dom0');
    const scratch = (name: string) => join(this.record.scratch, name);
    const { kernel, root } = imageFiles(plan.image.folder);
    const boot = { xen: scratch('xen'), kernel: scratch('vmlinux'), root: scratch('root.cpio') };
    writeFileSync(boot.xen, plan.xen);
    await runBounded('zstd', ['-dqf', kernel, '-o', boot.kernel], UNPACK_SECONDS);
    await runBounded('zstd', ['-dqf', root, '-o', boot.root], UNPACK_SECONDS);
    appendFileSync(boot.root, plan.overlay);
    await this.launch(bootArguments(plan.shape, boot));
    await this.meetAgent(plan.bootSeconds);
  }

  /** Whether the snapshot could be restored. One that cannot is dropped. */
  async tryRestoring(snapshot: Snapshot): Promise<boolean> {
    const { shape, progress } = this.plan;
    try {
      await layOut(snapshot, { ram: this.ram, consoleLog: this.files.consoleLog }, shape.memoryMib);
      const { qmp } = await this.launch(['-incoming', 'defer']);
      await restore(snapshot, qmp, this.files.migration);
      await this.meetAgent(RESTORED_HELLO_SECONDS);
      return true;
    } catch (error) {
      // Whatever is wrong with it, a file missing or no room for it: a boot needs none of it.
      if (!(error instanceof LabError || isSystemError(error))) throw error;
      progress(`the snapshot cannot be used (${error.message.split(';')[0]}); booting instead`);
      await this.end();
      rmSync(this.ram, { force: true });
      rmSync(this.files.consoleLog, { force: true });
      dropSnapshot(snapshot);
      return false;
    }
  }

  async save(key: string): Promise<void> {
    this.plan.progress('saving a snapshot');
    const { qmp } = this.opened!;
    const { consoleLog, migration } = this.files;
    try {
      await saveSnapshot(key, { qmp: qmp!, ram: this.ram, consoleLog, socket: migration });
    } catch (error) {
      // The lab is up all the same.
      this.plan.progress(`no snapshot could be saved: ${(error as Error).message}`);
    }
  }

  /** Hands the lab over, as one that other processes see as ready. */
  async finish(): Promise<{ machine: QemuLab; record: LabRecord }> {
    const { plan, opened } = this;
    const { qemu, qmp, agent, console } = opened!;
    const rootTable = await readRootTable(plan.shape, qmp!);
    const ramPath = openRamOf(this.files.pid, this.ram);
    const ram = new RamFile(ramPath, plan.shape.memoryMib);
    // QEMU has all of it open or read.
    rmSync(this.record.scratch, { recursive: true, force: true });
    this.remember({ state: 'ready' });
    if (plan.outlivesUs) process.off('exit', this.removeAtExit);
    const afterClose = async (): Promise<void> => {
      if (plan.outlivesUs) return;
      await endQemu(qemu);
      this.opened = undefined;
      process.off('exit', this.removeAtExit);
      this.removeAtExit();
    };
    const parts = { shape: plan.shape, qmp: qmp!, agent: agent!, ram, ramPath, console, afterClose };
    return { machine: new QemuLab(parts, rootTable), record: this.record };
  }

  /** Leaves nothing behind. */
  async abandon(): Promise<void> {
    await this.end();
    process.off('exit', this.removeAtExit);
    this.removeAtExit();
  }

  private get ram(): string {
    return join(this.record.scratch, 'ram');
  }

  private async launch(more: readonly string[]): Promise<{ qmp: Qmp }> {
    const { shape, lifetimeSeconds, outlivesUs } = this.plan;
    const args = [
      ...hardwareArguments(shape),
      ...fileArguments(shape, { ...this.files, ram: this.ram }),
      ...more,
    ];
    const qemu = await startQemu(args, { lifetimeSeconds, outlivesUs, log: this.files.qemuLog });
    this.opened = { qemu, console: new ConsoleLog(this.files.consoleLog) };
    this.remember(qemu);
    this.opened.qmp = await this.connectQmp(qemu);
    return { qmp: this.opened.qmp };
  }

  private async connectQmp(qemu: QemuProcess): Promise<Qmp> {
    for (let waited = 0; ; waited += 10) {
      try {
        return await Qmp.connect(this.files.qmp, { seconds: QMP_SECONDS, complain: qemuFailed });
      } catch (error) {
        if (!isRunning(qemu)) throw new LabError(endMessage(this.files.qemuLog), 3);
        if (waited > QMP_SECONDS * 1000) throw error;
        await sleep(10);
      }
    }
  }

  /** Waits for the agent's hello for as long as there is hope. */
  private async meetAgent(seconds: number): Promise<void> {
    const { qemu, console } = this.opened!;
    const abort = new AbortController();
    const start = console.length();
    const watch = setInterval(() => {
      const why = isRunning(qemu) ? bootFailure(console.text(start)) : endMessage(this.files.qemuLog);
      if (why !== undefined) abort.abort(why);
    }, WATCH_MS);
    try {
      this.opened!.agent = await AgentChannel.connect(this.files.agent, {
        version: dommuVersion(),
        helloSeconds: seconds,
        lastLines: () => console.lastLines(LAST_LINES),
        abort: abort.signal,
      });
    } catch (error) {
      if (!abort.signal.aborted) throw error;
      // What explains a panic comes after its first line.
      await sleep(WATCH_MS);
      throw withLastLines(`the lab does not come up: ${abort.signal.reason}`, console.lastLines(LAST_LINES));
    } finally {
      clearInterval(watch);
    }
  }

  private async end(): Promise<void> {
    const { opened } = this;
    this.opened = undefined;
    if (opened === undefined) return;
    await opened.agent?.close();
    opened.qmp?.close();
    opened.console.close();
    await endQemu(opened.qemu);
  }

  private remember(change: Partial<LabRecord>): void {
    this.record = { ...this.record, ...change };
    writeRecord(this.folder, this.record);
  }
}
