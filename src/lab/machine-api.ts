import type { Call, Hello, Results } from './agent/protocol.js';

/** Physical memory of a machine, 32 bits at a time; `pa` is a byte address, a multiple of 4. */
export interface PhysicalMemory {
  /** Word at `pa`. What is no RAM reads as 0. */
  read32(pa: number): number;
  write32(pa: number, value: number): void;
  /** Fills the 4 KiB page at `pa` with zeros. */
  zeroPage(pa: number): void;
  /** Forgets what was read before: the machine has run since. */
  refresh(): void;
}

/** The agent in dom0, whatever lies between it and us. */
export interface Agent {
  readonly hello: Hello;
  /** Carries out calls one after the other. @throws LabError when the agent does not answer in time. */
  perform<const C extends readonly Call[]>(calls: C): Promise<{ [I in keyof C]: Results[C[I]['call']] }>;
  close(): Promise<void>;
}

/** A booted Xen that can be looked at from outside. */
export interface LabMachine {
  readonly agent: Agent;
  readonly memory: PhysicalMemory;
  readonly iommu: 'vtd' | 'amdvi' | 'none';
  /** What Xen was booted with. */
  readonly xenArguments: string;
  /** Devices to play with, in dom0 from boot. `edu` devices can do DMA at will. */
  readonly devices: readonly { readonly sbdf: number; readonly kind: 'edu' | 'nic' }[];
  /** Physical address of the IOMMU's root table (VT-d) or device table (AMD-Vi), 0 without an IOMMU. */
  readonly rootTable: number;
  /** The file that is its RAM, for whoever looks at it as a file; how it is laid out is QEMU's q35 machine's. */
  readonly ramPath: string;
  /** Stops all vCPUs, and lets them go on. */
  stop(): Promise<void>;
  cont(): Promise<void>;
  /** Asks QEMU's monitor (HMP), for what the memory does not say. */
  monitor(command: string): Promise<string>;
  /** Length of Xen's console log so far, in bytes. */
  consoleLength(): number;
  /** Lines of Xen's console from byte `start`, without `(XEN) `; others are left out. */
  consoleLines(start: number): string[];
  /** Ends it and removes whatever it made but the snapshot. */
  close(): Promise<void>;
}

/** The lab cannot do what it was asked to; `exitCode` is 2 for what the user can mend, 3 for what broke. */
export class LabError extends Error {
  readonly exitCode: 2 | 3;
  readonly hint: string | undefined;

  constructor(message: string, exitCode: 2 | 3, hint?: string) {
    super(message);
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

/** QEMU has failed, or does not answer. */
export const qemuFailed = (message: string): LabError => new LabError(message, 3);
