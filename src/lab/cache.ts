import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where images and snapshots are kept: $DOMMU_CACHE, or dommu's folder where caches belong (XDG base directories). */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if ((env.DOMMU_CACHE ?? '') !== '') return env.DOMMU_CACHE!;
  const base = (env.XDG_CACHE_HOME ?? '').startsWith('/') ? env.XDG_CACHE_HOME! : join(homedir(), '.cache');
  return join(base, 'dommu');
}

/** A name for what is made from `inputs`: equal for equal inputs, whatever the order of their names. */
export function cacheKey(inputs: Readonly<Record<string, string | number | readonly string[]>>): string {
  const sorted = Object.entries(inputs).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 20);
}

let madeFolders = 0;

/**
 * Has `make` fill a folder, which then becomes `folder` at once: whoever looks sees all of it or nothing. When there is
 * one already, because another process was faster, that is kept, unless it is to be replaced.
 */
export async function makeFolder(
  folder: string,
  make: (workFolder: string) => Promise<void>,
  { replace = false } = {},
): Promise<void> {
  const work = `${folder}.${process.pid}-${++madeFolders}.part`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  try {
    await make(work);
    if (replace) rmSync(folder, { recursive: true, force: true });
    try {
      renameSync(work, folder);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Notes that a folder is in use, for {@link prune}. */
export function touch(folder: string): void {
  const now = new Date();
  utimesSync(folder, now, now);
}

/** Removes all but the `keep` folders of `parent` that were used last, and what broken-off makers left a day ago. */
export function prune(parent: string, keep: number): void {
  const folders = readdirSync(parent).map((name) => {
    const path = join(parent, name);
    return { path, used: statSync(path).mtimeMs, part: name.endsWith('.part') };
  });
  const day = Date.now() - 86_400_000;
  const old = folders.filter(({ part }) => !part).sort((a, b) => b.used - a.used);
  for (const { path } of [...old.slice(keep), ...folders.filter(({ part, used }) => part && used < day)]) {
    rmSync(path, { recursive: true, force: true });
  }
}
