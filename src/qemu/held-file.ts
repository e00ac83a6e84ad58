import { readdirSync, readlinkSync } from 'node:fs';

/** The file of a name that a process holds open, with or without the name: a path to open it by, or undefined. (proc(5)) */
export function heldBy(pid: number, name: string): string | undefined {
  const folder = `/proc/${pid}/fd`;
  return entries(folder)
    .map((fd) => `${folder}/${fd}`)
    .find((path) => linkTarget(path).replace(/ \(deleted\)$/, '') === name);
}

/** The same of any process that we may look at. */
export function heldBySomebody(name: string): string | undefined {
  for (const entry of entries('/proc')) {
    const path = /^\d+$/.test(entry) ? heldBy(Number(entry), name) : undefined;
    if (path !== undefined) return path;
  }
  return undefined;
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function linkTarget(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
