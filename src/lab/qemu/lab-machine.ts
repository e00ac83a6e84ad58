import type { Qmp } from '../../qemu/qmp.js';
import { LabError, type LabMachine } from '../machine-api.js';
import { type AgentChannel, withLastLines } from './agent-channel.js';
import type { ConsoleLog } from './console-log.js';
import { DEVICES, type MachineShape, ROOT_REGISTER, sbdfOfSlot } from './machine-shape.js';
import type { RamFile } from './ram-file.js';

/** How much of the console an error shows. */
export const LAST_LINES = 25;

/** What a lab is put together from. */
export interface LabParts {
  readonly shape: MachineShape;
  readonly qmp: Qmp;
  readonly agent: AgentChannel;
  readonly ram: RamFile;
  readonly ramPath: string;
  readonly console: ConsoleLog;
  /** What `close` does after everything here is closed: end the lab, or let go of it. */
  readonly afterClose: () => Promise<void>;
}

/** A Xen under QEMU. */
export class QemuLab implements LabMachine {
  readonly iommu: MachineShape['iommu'];
  readonly xenArguments: string;
  readonly devices: LabMachine['devices'] = DEVICES.map(({ slot, kind }) => ({
    sbdf: sbdfOfSlot(slot),
    kind,
  }));
  readonly rootTable: number;
  private readonly parts: LabParts;
  private continued: Promise<void> = Promise.resolve();
  private closing: Promise<void> | undefined;

  constructor(parts: LabParts, rootTable: number) {
    this.parts = parts;
    this.iommu = parts.shape.iommu;
    this.xenArguments = parts.shape.xenArguments;
    this.rootTable = rootTable;
  }

  get agent(): AgentChannel {
    return this.parts.agent;
  }

  get ramPath(): string {
    return this.parts.ramPath;
  }

  get memory(): RamFile {
    return this.parts.ram;
  }

  async stop(): Promise<void> {
    await this.continued;
    await this.ask('stop');
  }

  /**
   * QEMU's answer is not waited for, which costs as much as a hypercall: commands are carried out in their order, and
   * what is sent to the agent lies there until the machine runs. That it failed is told by the next {@link stop}.
   */
  async cont(): Promise<void> {
    await this.continued;
    this.continued = this.ask('cont');
    this.continued.catch(() => {});
  }

  monitor(command: string): Promise<string> {
    return this.parts.qmp.monitor(command);
  }

  consoleLength(): number {
    return this.parts.console.length();
  }

  consoleLines(start: number): string[] {
    return this.parts.console.xenLines(start);
  }

  close(): Promise<void> {
    this.closing ??= this.shut();
    return this.closing;
  }

  private async ask(command: string): Promise<void> {
    try {
      await this.parts.qmp.command(command);
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      throw withLastLines(error.message, this.parts.console.lastLines(LAST_LINES));
    }
  }

  private async shut(): Promise<void> {
    const { agent, qmp, ram, console, afterClose } = this.parts;
    await agent.close();
    qmp.close();
    try {
      await afterClose();
    } finally {
      ram.close();
      console.close();
    }
  }
}

/** Physical address of the table from which the IOMMU finds a device's page tables; 0 without an IOMMU. */
export async function readRootTable({ iommu }: MachineShape, qmp: Qmp): Promise<number> {
  if (iommu === 'none') return 0;
  const register = await qmp.readPhysical64(ROOT_REGISTER[iommu]);
  // Bits 11:0 hold flags or the table's size; bits 63:52 are reserved.
  return Number(register & 0x000ffffffffff000n);
}
