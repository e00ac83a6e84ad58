import { execFileSync } from 'node:child_process';
import { posix } from 'node:path';
import type { CpioEntry } from './cpio.js';
import { isElf64, moduleInfo, readElf } from './elf.js';
import { initScript, MODULE_LIST } from './init-script.js';
import { LIBRARY_DIRECTORY, type Recipe, toolDirectory } from './recipe.js';
import type { RootTree } from './root-tree.js';

/** Where glibc looks for libraries (ld.so(8)) on Debian. */
const LIBRARY_PATH = ['/lib/x86_64-linux-gnu', LIBRARY_DIRECTORY, '/lib', '/usr/lib'];

/** Everything that dom0's image has, in an order that depends on the packages only. */
export function imageContents(recipe: Recipe, tree: RootTree): CpioEntry[] {
  const files = new Set<string>([...programFiles(recipe, tree), ...dataFiles(recipe, tree)]);
  const { modules, loadOrder } = modulesOf(recipe, tree);
  return [
    ...['/dev', '/mnt', '/proc', '/root', '/run', '/sys', '/var/lib/xen', '/var/lib/xenstored'].map(
      directory,
    ),
    { path: '/tmp', kind: 'directory', mode: 0o1777 },
    // The kernel opens it for /init before anything is mounted.
    { path: '/dev/console', kind: 'character device', mode: 0o600, major: 5, minor: 1 },
    ...['bin', 'sbin', 'lib', 'lib64'].map((name) => symlink(`/${name}`, `usr/${name}`)),
    ...['/usr/bin', '/usr/sbin', '/usr/lib', '/usr/lib64'].map(directory),
    symlink('/var/run', '../run'),
    symlink('/var/lock', '../run/lock'),
    text('/etc/passwd', 'root:x:0:0:root:/root:/bin/bash\n'),
    text('/etc/group', 'root:x:0:\n'),
    text('/init', initScript(toolDirectory(recipe.xen)), 0o755),
    ...[...files].sort().map((path) => copy(tree, path)),
    ...modules,
    text(MODULE_LIST, loadOrder.map((path) => `${path}\n`).join('')),
  ];
}

/** Programs and libraries, and all that they need, by the names they are needed under. */
function programFiles({ programs, libraries }: Recipe, tree: RootTree): Set<string> {
  const found = new Set<string>();
  const add = (path: string): void => {
    if (found.has(path)) return;
    found.add(path);
    const bytes = tree.read(path);
    if (!isElf64(bytes)) return;
    const { needed, searchPath, interpreter } = readElf(bytes);
    const origin = posix.dirname(tree.resolve(path)!);
    const own = searchPath.map((directory) => directory.replace(/\$\{?ORIGIN\}?/g, origin));
    if (interpreter !== undefined) add(interpreter);
    for (const name of needed) add(findLibrary(tree, name, own, path));
    if (needed.length > 0) for (const script of builtinScripts(bytes)) if (tree.has(script)) add(script);
  };
  for (const path of programs) add(path);
  for (const name of libraries) add(findLibrary(tree, name, [], 'the agent'));
  return found;
}

function findLibrary(tree: RootTree, name: string, own: readonly string[], user: string): string {
  const place = [...own, ...LIBRARY_PATH]
    .map((directory) => `${directory}/${name}`)
    .find((path) => tree.has(path));
  if (place === undefined) throw new Error(`${user} needs ${name}, which the packages do not have`);
  return place;
}

const BUILTIN_SCRIPTS = Buffer.from('/usr/share/nodejs/');

/** Debian's Node takes some of its built-in modules from files, whose names stand in its library. */
function builtinScripts(bytes: Buffer): string[] {
  const found: string[] = [];
  for (let at = bytes.indexOf(BUILTIN_SCRIPTS); at >= 0; at = bytes.indexOf(BUILTIN_SCRIPTS, at + 1)) {
    const name = bytes.toString('latin1', at, bytes.indexOf(0, at));
    if (/^[\w/.@-]+\.js$/.test(name)) found.push(name);
  }
  return found;
}

function dataFiles({ data }: Recipe, tree: RootTree): string[] {
  return data
    .flatMap((path) => (tree.has(path) ? [path] : tree.filesBelow(path)))
    .filter((path) => tree.has(path));
}

/** Modules with what they need, and the order in which `modules` of the recipe are loaded. */
function modulesOf(recipe: Recipe, tree: RootTree): { modules: CpioEntry[]; loadOrder: string[] } {
  const byName = new Map<string, string>();
  for (const path of tree.filesBelow('/lib/modules')) {
    const name = /([^/]+)\.ko(\.xz)?$/.exec(path)?.[1];
    if (name !== undefined) byName.set(moduleName(name), path);
  }
  const builtin = builtinModules(tree);
  const contents = new Map<string, Buffer>();
  const add = (name: string): void => {
    const path = byName.get(moduleName(name));
    if (path === undefined) {
      if (builtin.has(moduleName(name))) return;
      throw new Error(`the kernel has no module ${name}`);
    }
    const target = merged(path.replace(/\.xz$/, ''));
    if (contents.has(target)) return;
    const bytes = path.endsWith('.xz') ? unxz(tree.read(path)) : tree.read(path);
    const depends = moduleInfo(bytes).get('depends') ?? [];
    for (const other of depends.flatMap((list) => list.split(',')).filter((other) => other !== ''))
      add(other);
    contents.set(target, bytes);
  };
  for (const name of recipe.modules) add(name);
  const loadOrder = [...contents.keys()];
  for (const name of recipe.spareModules) add(name);
  const modules = [...contents].map(
    ([path, content]): CpioEntry => ({ path, kind: 'file', mode: 0o644, content }),
  );
  return { modules, loadOrder };
}

function builtinModules(tree: RootTree): Set<string> {
  const lists = tree.filesBelow('/lib/modules').filter((path) => path.endsWith('/modules.builtin'));
  const paths = lists.flatMap((path) => tree.read(path).toString('utf8').split('\n'));
  return new Set(paths.map((path) => moduleName(posix.basename(path, '.ko'))));
}

/** The kernel takes - and _ for the same. */
function moduleName(name: string): string {
  return name.replaceAll('-', '_');
}

function unxz(bytes: Buffer): Buffer {
  return execFileSync('xz', ['-dc'], { input: bytes, maxBuffer: 2 ** 28 });
}

/** One directory for /bin and /usr/bin, and so on: unpacked packages of bookworm have two. */
function merged(path: string): string {
  return path.replace(/^\/(bin|sbin|lib|lib64)\//, '/usr/$1/');
}

function copy(tree: RootTree, path: string): CpioEntry {
  return { path: merged(path), kind: 'file', mode: tree.mode(path), content: tree.read(path) };
}

function directory(path: string): CpioEntry {
  return { path, kind: 'directory', mode: 0o755 };
}

function symlink(path: string, target: string): CpioEntry {
  return { path, kind: 'symlink', target };
}

function text(path: string, content: string, mode = 0o644): CpioEntry {
  return { path, kind: 'file', mode, content: Buffer.from(content) };
}
