/** What of a lab is hardware, and what its software is told at boot. Everything that a snapshot depends on but files. */
export interface MachineShape {
  readonly iommu: 'vtd' | 'amdvi' | 'none';
  readonly memoryMib: number;
  readonly xenArguments: string;
  readonly dom0Arguments: string;
}

/** Devices to play with: the slots are the same whatever the IOMMU. */
export const DEVICES = [
  { slot: 2, kind: 'nic' },
  { slot: 3, kind: 'nic' },
  { slot: 4, kind: 'edu' },
  { slot: 5, kind: 'edu' },
] as const;

const AGENT_SLOT = 6;

/** The name of the agent's port. */
const AGENT_PORT = 'dommu';

/** `seg << 16 | bus << 8 | devfn` of a slot on the first bus. */
export function sbdfOfSlot(slot: number): number {
  return slot << 3;
}

/**
 * CPUs that QEMU 7.2's TCG brings Xen and dom0 up on. `rdrand`: without it libxl waits for entropy. The EPYC masks:
 * smap, whose emulation kills a PV dom0; rdtscp and monitor, which Xen's HVM code trips over.
 */
const CPU: Readonly<Record<MachineShape['iommu'], string>> = {
  vtd: 'Nehalem,+rdrand',
  amdvi: 'EPYC,-smap,-rdtscp,-monitor,+rdrand',
  none: 'Nehalem,+rdrand',
};

const IOMMU_DEVICE: Readonly<Record<MachineShape['iommu'], readonly string[]>> = {
  vtd: ['-device', 'intel-iommu,intremap=on,caching-mode=off'],
  amdvi: ['-device', 'amd-iommu,intremap=on'],
  none: [],
};

/** Physical address of the register that holds the root table's address (VT-d §11.4.6, AMD-Vi MMIO 0x0). */
export const ROOT_REGISTER = { vtd: 0xfed90020, amdvi: 0xfed80000, none: 0 } as const;

/** QEMU's options for the hardware. No files, no sockets. */
export function hardwareArguments({ iommu, memoryMib }: MachineShape): string[] {
  return [
    ...[
      '-machine',
      'q35,accel=tcg,memory-backend=ram',
      '-cpu',
      CPU[iommu],
      '-m',
      `${memoryMib}M`,
      '-smp',
      '1',
    ],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-vga', 'none', '-no-reboot'],
    ...IOMMU_DEVICE[iommu],
    ...DEVICES.flatMap(({ slot, kind }) =>
      kind === 'edu'
        ? ['-device', `edu,addr=${slot},dma_mask=0xffffffffffffffff`]
        : [
            '-netdev',
            `user,id=net${slot},restrict=on`,
            '-device',
            `e1000e,netdev=net${slot},addr=${slot},romfile=`,
          ],
    ),
    ...['-device', `virtio-serial-pci,addr=${AGENT_SLOT},ioeventfd=off`],
    ...['-device', `virtserialport,chardev=agent,name=${AGENT_PORT}`],
    ...['-serial', 'chardev:console'],
  ];
}

/** Where QEMU finds and leaves what it needs. */
export interface MachineFiles {
  readonly ram: string;
  readonly qmp: string;
  readonly agent: string;
  readonly console: string;
  readonly consoleLog: string;
  readonly pid: string;
}

/** QEMU's options for where things are. */
export function fileArguments({ memoryMib }: MachineShape, files: MachineFiles): string[] {
  const listen = (path: string) => `socket,path=${escaped(path)},server=on,wait=off`;
  return [
    ...['-object', `memory-backend-file,id=ram,size=${memoryMib}M,mem-path=${escaped(files.ram)},share=on`],
    ...['-chardev', `${listen(files.agent)},id=agent`],
    ...['-chardev', `${listen(files.console)},id=console,logfile=${escaped(files.consoleLog)},logappend=on`],
    ...['-qmp', `unix:${escaped(files.qmp)},server=on,wait=off`],
    ...['-pidfile', files.pid],
  ];
}

/** What QEMU loads for a cold boot: Xen, and dom0's kernel and root file system as its modules. No blanks in names. */
export interface BootFiles {
  readonly xen: string;
  readonly kernel: string;
  readonly root: string;
}

/** QEMU's options for a cold boot. */
export function bootArguments(shape: MachineShape, { xen, kernel, root }: BootFiles): string[] {
  const modules = [`${kernel} ${shape.dom0Arguments}`, root].map(escaped).join(',');
  return ['-kernel', xen, '-append', shape.xenArguments, '-initrd', modules];
}

/** A comma ends an option's value, two are one. */
function escaped(path: string): string {
  return path.replaceAll(',', ',,');
}
