import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Qmp } from '../../qemu/qmp.js';
import { didYouMean } from '../../text/suggest.js';
import { dommuVersion } from '../image/overlay.js';
import { LabError, qemuFailed } from '../machine-api.js';
import { AgentChannel } from './agent-channel.js';
import { ConsoleLog } from './console-log.js';
import { LAST_LINES, QemuLab, readRootTable } from './lab-machine.js';
import type { LabOptions } from './lab-options.js';
import { planLab } from './lab-plan.js';
import { bringUpLab, type StartedLab } from './lab-start.js';
import { endQemu, openRamOf } from './qemu-process.js';
import { RamFile } from './ram-file.js';
import {
  type LabRecord,
  labFiles,
  labFolder,
  removeLab,
  runningLabs,
  startTicksOf,
  sweep,
} from './run-folder.js';

export type { LabOptions } from './lab-options.js';

const HELLO_SECONDS = 20;

let started = 0;

/**
 * Boots a Xen, or restores one that was booted before, for this process alone: it ends with it.
 * @throws LabError when something is missing, or when Xen, dom0 or the agent do not come up.
 */
export async function startLab(options: LabOptions = {}): Promise<QemuLab> {
  const name = options.name ?? `run-${process.pid}-${++started}`;
  return (await bringUpLab(await planLab(options, name, false))).machine;
}

/** The same for a lab that goes on when this process ends, until {@link endLab} or the end of its lifetime. */
export async function raiseLab(options: LabOptions, name: string): Promise<StartedLab> {
  return bringUpLab(await planLab(options, name, true));
}

/**
 * Connects to a lab that is up; closing lets go of it.
 * @throws LabError when there is none of that name, or somebody else is connected.
 */
export async function attachLab(name: string): Promise<QemuLab> {
  const record = findLab(name);
  if (record.state !== 'ready') throw new LabError(`the lab ${name} is still being started`, 2);
  const folder = labFolder(name);
  const files = labFiles(folder);
  const release = takeTurn(files.client, name);
  const console = new ConsoleLog(files.consoleLog);
  let qmp: Qmp | undefined;
  let agent: AgentChannel | undefined;
  try {
    qmp = await Qmp.connect(files.qmp, { complain: qemuFailed });
    const lastLines = () => console.lastLines(LAST_LINES);
    agent = await AgentChannel.connect(files.agent, {
      version: dommuVersion(),
      helloSeconds: HELLO_SECONDS,
      lastLines,
    });
    const rootTable = await readRootTable(record.shape, qmp);
    const ramPath = openRamOf(files.pid, join(record.scratch, 'ram'));
    const ram = new RamFile(ramPath, record.shape.memoryMib);
    const afterClose = async (): Promise<void> => release();
    return new QemuLab({ shape: record.shape, qmp, agent, ram, ramPath, console, afterClose }, rootTable);
  } catch (error) {
    await agent?.close();
    qmp?.close();
    console.close();
    release();
    throw error;
  }
}

/** The labs that are there, those of other processes of this user included. */
export function listLabs(): LabRecord[] {
  sweep();
  return runningLabs().sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
}

/** @throws LabError when there is no lab of that name. */
export function findLab(name: string): LabRecord {
  const labs = listLabs();
  const found = labs.find((lab) => lab.name === name);
  if (found !== undefined) return found;
  const names = labs.map((lab) => lab.name);
  const hint = names.length === 0 ? 'dommu lab up starts one' : didYouMean(name, names);
  throw new LabError(`no lab named ${name} is running`, 2, hint);
}

/** Ends a lab and removes whatever it made but the snapshot. */
export async function endLab(record: LabRecord): Promise<void> {
  if (record.pid === 0) {
    throw new LabError(
      `the lab ${record.name} is being started by process ${record.starter}`,
      2,
      'end that first',
    );
  }
  await endQemu(record);
  removeLab(labFolder(record.name), record);
}

/** One client at a time: QEMU's sockets serve one. @returns what lets the next one in. */
function takeTurn(path: string, name: string): () => void {
  for (;;) {
    try {
      writeFileSync(path, `${process.pid} ${startTicksOf(process.pid)}`, { flag: 'wx' });
      const release = (): void => {
        process.off('exit', release);
        rmSync(path, { force: true });
      };
      process.once('exit', release);
      return release;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const [pid, ticks] = clientOf(path);
    if (pid !== undefined && startTicksOf(pid) === ticks) {
      throw new LabError(
        `the lab ${name} is in use by process ${pid}`,
        2,
        'wait for it, or start a lab of another name',
      );
    }
    rmSync(path, { force: true });
  }
}

function clientOf(path: string): (number | undefined)[] {
  try {
    return readFileSync(path, 'latin1').split(' ').map(Number);
  } catch {
    return [];
  }
}
