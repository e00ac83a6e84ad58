import { createRequire } from 'node:module';

type Koffi = typeof import('koffi');

/** A file mapped into memory as a whole, to be read. */
export interface Mapping {
  /** The bytes from `offset`. Their array must not be touched after {@link close}. */
  view(offset: number, bytes: number): ArrayBuffer;
  close(): void;
}

const PROT_READ = 1;
const MAP_SHARED = 1;

/** The addon that calls C is an optional dependency: without it, files are read instead of mapped. */
function loadKoffi(): Koffi | undefined {
  try {
    return createRequire(import.meta.url)('koffi') as Koffi;
  } catch {
    return undefined;
  }
}

interface Calls {
  mmap(bytes: number, fd: number): bigint | null;
  munmap(address: bigint, bytes: number): void;
  view(address: bigint, bytes: number): ArrayBuffer;
}

let calls: Calls | undefined | null = null;

function systemCalls(): Calls | undefined {
  if (calls === null) calls = openCalls();
  return calls;
}

function openCalls(): Calls | undefined {
  if (process.platform !== 'linux') return undefined;
  const koffi = loadKoffi();
  if (koffi === undefined) return undefined;
  try {
    const libc = koffi.load('libc.so.6');
    const mmap = libc.func(
      'void *mmap(void *address, size_t bytes, int protection, int flags, int fd, int64_t offset)',
    );
    const munmap = libc.func('int munmap(void *address, size_t bytes)');
    return {
      mmap: (bytes, fd) => mmap(null, bytes, PROT_READ, MAP_SHARED, fd, 0),
      munmap: (address, bytes) => void munmap(address, bytes),
      view: (address, bytes) => koffi.view(address, bytes),
    };
  } catch {
    return undefined;
  }
}

/** Maps the first `bytes` bytes of a file; undefined where it cannot be done, so that the file is to be read. */
export function mapFile(fd: number, bytes: number): Mapping | undefined {
  const system = systemCalls();
  if (system === undefined || bytes === 0) return undefined;
  const address = system.mmap(bytes, fd);
  // MAP_FAILED is -1.
  if (address === null || address === 0xffff_ffff_ffff_ffffn || address < 0n) return undefined;
  return {
    view: (offset, length) => system.view(address + BigInt(offset), length),
    close: () => system.munmap(address, bytes),
  };
}
