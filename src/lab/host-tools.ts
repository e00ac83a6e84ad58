import { accessSync, constants, statfsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { LabError } from './machine-api.js';

/** Programs that the lab runs, and Debian's package of each. */
const PACKAGES = {
  'qemu-system-x86_64': 'qemu-system-x86',
  mmdebstrap: 'mmdebstrap',
  setpriv: 'util-linux',
  timeout: 'coreutils',
  xz: 'xz-utils',
  zstd: 'zstd',
} as const;

export type HostTool = keyof typeof PACKAGES;

/** @throws LabError that names the tools that are missing and the command that installs them. */
export function requireTools(tools: readonly HostTool[], path = process.env.PATH ?? ''): void {
  const missing = tools.filter((tool) => !isOnPath(tool, path));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((tool) => PACKAGES[tool]))];
  throw new LabError(
    `the lab needs ${missing.join(', ')}, which ${missing.length === 1 ? 'is' : 'are'} not installed`,
    2,
    `apt-get install -y ${packages.join(' ')}`,
  );
}

function isOnPath(tool: string, path: string): boolean {
  return path.split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, tool), constants.X_OK);
      return directory !== '';
    } catch {
      return false;
    }
  });
}

const MIB = 2 ** 20;

/** @throws LabError when the file system that holds `directory` has less than `bytes` left. */
export function requireSpace(directory: string, bytes: number, what: string, hint: string): void {
  const { bavail, bsize } = statfsSync(directory);
  const free = bavail * bsize;
  if (free >= bytes) return;
  const mib = (count: number) => `${Math.ceil(count / MIB)} MiB`;
  throw new LabError(`${what} needs ${mib(bytes)} in ${directory}, which has ${mib(free)} left`, 2, hint);
}
