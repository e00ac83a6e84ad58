import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';

/** Memory outside of JavaScript's: an address, and its bytes in place. */
export interface Pages {
  readonly address: number;
  readonly bytes: ArrayBuffer;
}

/** What the agent needs of the machine below it. Numbers below 0 are -errno. */
export interface Native {
  /** Issues a hypercall as it is; `op` is its number. */
  hypercall(op: number, a: Argument, b: Argument, c: Argument, d: Argument, e: Argument): number;
  /** Pages that Xen may read and write during a hypercall. */
  hypercallPages(count: number): Pages;
  /** Has the kernel map a frame of a resource of a domain, whatever the domain is; -errno when it cannot. */
  mapResource(domid: number, type: number, id: number, frame: number): MappedResource | number;
  /** mmap(2); `address` 0 is anywhere, otherwise exactly there. @throws Error */
  map(address: number, bytes: number, protection: number, flags: number, fd: number): number;
  /** The bytes at an address. */
  view(address: number, bytes: number): ArrayBuffer;
}

export interface MappedResource {
  readonly bytes: ArrayBuffer;
  close(): void;
}

export type Argument = number | bigint;

/** mmap(2)'s constants on Linux/x86. */
export const PROT = { none: 0, read: 1, write: 2 } as const;
export const MAP = { shared: 1, private: 2, fixed: 0x10, anonymous: 0x20, noreserve: 0x4000 } as const;

const PAGE_BYTES = 4096;

type Koffi = typeof import('koffi');

/**
 * The addon that calls C. Beside the bundle it is one file, `koffi.node`; where dommu is installed it is the package.
 * @throws Error when neither is there.
 */
function loadKoffi(): Koffi {
  const script = resolve(process.argv[1] ?? 'agent.cjs');
  const require = createRequire(script);
  try {
    return require(join(dirname(script), 'koffi.node'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
  }
  return require('koffi');
}

/** @throws Error that names the library when it is not there. */
function loadLibrary(koffi: Koffi, name: string): ReturnType<Koffi['load']> {
  try {
    return koffi.load(name);
  } catch (error) {
    throw new Error(
      `${name} cannot be loaded: is this a dom0 with Xen’s tools? (${(error as Error).message})`,
    );
  }
}

/** What maps resources, opened when it is first needed. */
function openForeignMemory(koffi: Koffi): Native['mapResource'] {
  const library = loadLibrary(koffi, 'libxenforeignmemory.so.1');
  const open = library.func('void *xenforeignmemory_open(void *logger, unsigned int flags)');
  const map = library.func(
    'void *xenforeignmemory_map_resource(void *h, uint16_t dom, unsigned int type, unsigned int id, unsigned long frame, unsigned long count, void *address, int prot, int flags)',
  );
  const unmap = library.func('int xenforeignmemory_unmap_resource(void *h, void *resource)');
  const handle: bigint | null = open(null, 0);
  return (domid, type, id, frame) => {
    if (handle === null) return -koffi.errno();
    const address = new BigUint64Array(1);
    const resource: bigint | null = map(
      handle,
      domid,
      type,
      id,
      frame,
      1,
      address,
      PROT.read | PROT.write,
      0,
    );
    if (resource === null) return -koffi.errno();
    return { bytes: koffi.view(address[0]!, PAGE_BYTES), close: () => void unmap(handle, resource) };
  };
}

/** Opens Xen's libraries. @throws Error when this is no Xen domain with its tools. */
export function openNative(): Native {
  const koffi = loadKoffi();
  const call = loadLibrary(koffi, 'libxencall.so.1');
  const libc = loadLibrary(koffi, 'libc.so.6');

  const xencallOpen = call.func('void *xencall_open(void *logger, unsigned int flags)');
  const xencall5 = call.func(
    'int xencall5(void *h, unsigned int op, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)',
  );
  const allocatePages = call.func('void *xencall_alloc_buffer_pages(void *h, size_t count)');
  const mmap = libc.func(
    'void *mmap(void *address, size_t bytes, int protection, int flags, int fd, int64_t offset)',
  );

  const opened = (handle: bigint | null, what: string): bigint => {
    if (handle === null) throw new Error(`${what} cannot be opened (errno ${koffi.errno()}); is this dom0?`);
    return handle;
  };
  const xencall = opened(xencallOpen(null, 0), 'the hypercall interface');
  const view = (address: number | bigint, bytes: number): ArrayBuffer => koffi.view(BigInt(address), bytes);

  let mapResource: Native['mapResource'] | undefined;
  return {
    hypercall(op, a, b, c, d, e) {
      const result: number = xencall5(xencall, op, a, b, c, d, e);
      return result < 0 ? -koffi.errno() : result;
    },
    hypercallPages(count) {
      const pages = opened(allocatePages(xencall, count), 'a hypercall buffer');
      return { address: Number(pages), bytes: view(pages, count * PAGE_BYTES) };
    },
    mapResource(domid, type, id, frame) {
      mapResource ??= openForeignMemory(koffi);
      return mapResource(domid, type, id, frame);
    },
    map(address, bytes, protection, flags, fd) {
      const where: bigint | null = mmap(
        address === 0 ? null : BigInt(address),
        bytes,
        protection,
        flags,
        fd,
        0,
      );
      if (where === null || where === 0xffff_ffff_ffff_ffffn || where < 0n)
        throw new Error(`mmap of ${bytes} bytes fails with errno ${koffi.errno()}`);
      return Number(where);
    },
    view,
  };
}
