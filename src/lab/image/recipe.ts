/** A release of Debian, and the Xen that it has. */
export interface Recipe {
  readonly release: LabRelease;
  readonly xen: string;
  /** The release that all else is from, when Xen's own has a Node that is too old for the agent; both are asked then. */
  readonly base: LabRelease;
  /** What is asked for; what these depend on comes with them. */
  readonly packages: readonly string[];
  /** Programs that dom0 needs, with all libraries they need. */
  readonly programs: readonly string[];
  /** Libraries that are opened by name at run time. */
  readonly libraries: readonly string[];
  /** Files and directories that are read at run time. */
  readonly data: readonly string[];
  /** Kernel modules to load, in this order and each after what it needs. */
  readonly modules: readonly string[];
  /** Modules that are there to be loaded on demand. */
  readonly spareModules: readonly string[];
}

export const LAB_RELEASES = ['bullseye', 'bookworm', 'trixie'] as const;
export type LabRelease = (typeof LAB_RELEASES)[number];

const XEN_OF: Readonly<Record<LabRelease, string>> = {
  bullseye: '4.14',
  bookworm: '4.17',
  trixie: '4.20',
};

/** Debian 11 has Node 12, which cannot load the agent's addon: kernel, Node and C library come from the next release. */
const BASE_OF: Readonly<Partial<Record<LabRelease, LabRelease>>> = { bullseye: 'bookworm' };

export const LIBRARY_DIRECTORY = '/usr/lib/x86_64-linux-gnu';

/** What dom0's image of a release is made from. */
export function recipeFor(release: LabRelease): Recipe {
  const xen = XEN_OF[release];
  const tools = toolDirectory(xen);
  return {
    release,
    xen,
    base: BASE_OF[release] ?? release,
    packages: [
      'bash',
      'busybox-static',
      'kmod',
      'linux-image-amd64',
      'nodejs',
      'pciutils',
      `xen-hypervisor-${xen}-amd64`,
      `xen-utils-${xen}`,
      'xen-utils-common',
      'xenstore-utils',
    ],
    programs: [
      '/bin/bash',
      '/bin/busybox',
      '/bin/kmod',
      '/usr/bin/lspci',
      '/usr/bin/node',
      '/usr/bin/setpci',
      '/usr/bin/xenstore-ls',
      '/usr/bin/xenstore-read',
      '/usr/bin/xenstore-rm',
      '/usr/bin/xenstore-write',
      ...['libxl-save-helper', 'xen-init-dom0', 'xenconsole', 'xenconsoled', 'xenstored', 'xl'].map(
        (name) => `${tools}/${name}`,
      ),
    ],
    libraries: [
      // pthread_cancel() opens it, and aborts xl where it is missing.
      'libgcc_s.so.1',
      // What the agent opens.
      'libc.so.6',
      'libxencall.so.1',
      `libxenctrl.so.${xen}`,
      'libxendevicemodel.so.1',
      'libxenevtchn.so.1',
      'libxenforeignmemory.so.1',
      'libxengnttab.so.1',
      'libxentoolcore.so.1',
      'libxentoollog.so.1',
    ],
    data: ['/etc/xen'],
    modules: [
      'xenfs',
      'xen-privcmd',
      'xen-gntdev',
      'xen-gntalloc',
      'xen-evtchn',
      'xen-pciback',
      'virtio_pci',
      'virtio_console',
    ],
    spareModules: ['e1000e'],
  };
}

/** Where Debian keeps the tools that belong to one version of Xen. */
export function toolDirectory(xen: string): string {
  return `/usr/lib/xen-${xen}/bin`;
}
