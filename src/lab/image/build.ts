import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { runBounded } from '../bounded-process.js';
import { cacheFolder, cacheKey, makeFolder, prune, touch } from '../cache.js';
import { requireSpace, requireTools } from '../host-tools.js';
import { LabError } from '../machine-api.js';
import { imageContents } from './contents.js';
import { cpio } from './cpio.js';
import { initScript } from './init-script.js';
import { kernelOf } from './kernel.js';
import { type LabRelease, type Recipe, recipeFor, toolDirectory } from './recipe.js';
import { RootTree } from './root-tree.js';

/** Changes when the same packages give another image. */
const IMAGE_FORMAT = 1;

const BUILD_SECONDS = 420;
const KEPT_IMAGES = 4;
const MIB = 2 ** 20;
/** What the archive of the packages and the unpacked packages need while the image is made. */
const ARCHIVE_BYTES = 900 * MIB;
const UNPACKED_BYTES = 1200 * MIB;

/** A built image: Xen, dom0's kernel and its root file system, each a file of its folder. */
export interface LabImage {
  readonly folder: string;
  readonly release: LabRelease;
  /** Xen's version as Debian has it: `4.17.5+…`. */
  readonly xenVersion: string;
  /** What it was made of, `name_version_architecture`. */
  readonly packages: readonly string[];
  /** sha256 over all of its files. */
  readonly digest: string;
  /** Size of kernel and root file system, compressed and not. */
  readonly compressedBytes: number;
  readonly bytes: number;
}

export const imageFiles = (folder: string) => ({
  xen: join(folder, 'xen'),
  kernel: join(folder, 'vmlinux.zst'),
  root: join(folder, 'root.cpio.zst'),
  manifest: join(folder, 'image.json'),
});

export function imageFolder(release: LabRelease): string {
  const recipe = recipeFor(release);
  const { base, programs, libraries, data, modules, spareModules, packages } = recipe;
  const key = cacheKey({
    format: IMAGE_FORMAT,
    release,
    ...(base === release ? {} : { base }),
    packages,
    contents: [...programs, ...libraries, ...data, ...modules, ...spareModules],
    init: initScript(toolDirectory(recipe.xen)),
  });
  return join(cacheFolder(), 'images', `${release}-${key}`);
}

/** The image of a release, when it has been built. */
export function findImage(release: LabRelease): LabImage | undefined {
  const folder = imageFolder(release);
  const { manifest } = imageFiles(folder);
  if (!existsSync(manifest)) return undefined;
  touch(folder);
  return { ...(JSON.parse(readFileSync(manifest, 'utf8')) as Omit<LabImage, 'folder'>), folder };
}

/**
 * Builds the image of a release from Debian's packages, whether or not there is one.
 * @throws LabError when tools, space or the packages are missing.
 */
export async function buildImage(
  release: LabRelease,
  { progress, mirror }: { progress: (text: string) => void; mirror?: string | undefined },
): Promise<LabImage> {
  requireTools(['mmdebstrap', 'timeout', 'setpriv', 'xz', 'zstd']);
  const folder = imageFolder(release);
  makeCacheFolder(join(cacheFolder(), 'images'));
  requireSpace(
    cacheFolder(),
    ARCHIVE_BYTES,
    'building an image',
    'set DOMMU_CACHE to a folder with more space',
  );
  requireSpace(tmpdir(), UNPACKED_BYTES, 'unpacking the packages', 'set TMPDIR to a folder with more space');
  const make = async (work: string): Promise<void> => {
    const recipe = recipeFor(release);
    const archive = join(work, 'packages.tar');
    progress(`fetching ${recipe.packages.length} packages of ${release} and what they depend on`);
    const packages = await fetchPackages(recipe, archive, mirror);
    progress(`making dom0's image from ${packages.length} packages`);
    const made = await assemble(recipe, archive, work);
    rmSync(archive);
    const manifest: Omit<LabImage, 'folder'> = {
      release,
      packages,
      ...made,
      xenVersion: versionOf(recipe, packages),
    };
    writeFileSync(imageFiles(work).manifest, `${JSON.stringify(manifest, null, 2)}\n`);
  };
  await makeFolder(folder, make, { replace: true });
  prune(join(cacheFolder(), 'images'), KEPT_IMAGES);
  return findImage(release)!;
}

function makeCacheFolder(folder: string): void {
  try {
    makeFolders(folder);
  } catch (error) {
    throw new LabError(
      `the cache folder cannot be made: ${(error as Error).message}`,
      2,
      'set DOMMU_CACHE to a folder that you may write to',
    );
  }
}

/** Step by step: Node's own way of making parents does not end in /proc, where there is none to be made. */
function makeFolders(folder: string): void {
  if (existsSync(folder)) return;
  makeFolders(dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Marks the lines that name the packages. */
const MARK = 'dommu-package: ';

async function fetchPackages(recipe: Recipe, archive: string, mirror: string | undefined): Promise<string[]> {
  const { stderr } = await runBounded(
    'mmdebstrap',
    [
      '--variant=extract',
      '--format=tar',
      '--architectures=amd64',
      `--include=${recipe.packages.join(',')}`,
      '--aptopt=Acquire::Languages "none"',
      `--extract-hook=for deb in "$1"/var/cache/apt/archives/*.deb; do echo "${MARK}$(basename "$deb" .deb)" >&2; done`,
      ...(recipe.base === recipe.release ? [] : [`--setup-hook=${alsoFrom(recipe)}`]),
      recipe.base,
      archive,
      ...(mirror === undefined ? [] : [mirror]),
    ],
    BUILD_SECONDS,
  );
  return stderr
    .split('\n')
    .filter((line) => line.startsWith(MARK))
    .map((line) => decodeURIComponent(line.slice(MARK.length)))
    .sort();
}

/** Has apt look into Xen's own release as well as into the base; of what both have, the newer is taken. */
const alsoFrom = ({ release, base }: Recipe): string =>
  `sed 's/ ${base}/ ${release}/' "$1"/etc/apt/sources.list >"$1"/etc/apt/sources.list.d/${release}.list`;

function versionOf({ xen }: Recipe, packages: readonly string[]): string {
  const name = `xen-hypervisor-${xen}-amd64_`;
  return packages.find((entry) => entry.startsWith(name))?.split('_')[1] ?? xen;
}

async function assemble(
  recipe: Recipe,
  archive: string,
  work: string,
): Promise<Pick<LabImage, 'digest' | 'bytes' | 'compressedBytes'>> {
  const files = imageFiles(work);
  const tree = new RootTree(archive);
  try {
    const boot = tree.filesBelow('/boot');
    const only = (what: string, pattern: RegExp): Buffer => {
      const found = boot.filter((path) => pattern.test(path));
      if (found.length !== 1) throw new LabError(`the packages have ${found.length} files for ${what}`, 3);
      return tree.read(found[0]!);
    };
    const root = cpio(imageContents(recipe, tree));
    const xen = gunzipSync(only('Xen', /\/xen-[\d.]+-amd64\.gz$/));
    const kernel = kernelOf(only('the kernel', /\/vmlinuz-/));
    writeFileSync(files.xen, xen);
    for (const [file, content] of [
      [files.kernel, kernel],
      [files.root, root],
    ] as const) {
      const plain = file.replace(/\.zst$/, '');
      writeFileSync(plain, content);
      await runBounded('zstd', ['-9', '-T0', '-q', '--rm', plain, '-o', file], BUILD_SECONDS);
    }
    const digest = createHash('sha256').update(xen).update(kernel).update(root).digest('hex');
    const compressedBytes = statSync(files.kernel).size + statSync(files.root).size;
    return { digest, bytes: kernel.length + root.length, compressedBytes };
  } finally {
    tree.close();
  }
}
