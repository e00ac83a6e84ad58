import { execFileSync } from 'node:child_process';

const MAX_KERNEL_BYTES = 2 ** 28;

/** How compressed kernels begin, and what unpacks them. */
const UNPACKERS = [
  {
    magic: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]),
    program: 'xz',
    args: ['-dc', '--single-stream'],
  },
  { magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), program: 'zstd', args: ['-dcq'] },
  { magic: Buffer.from([0x1f, 0x8b]), program: 'gzip', args: ['-dcq'] },
] as const;

/**
 * The kernel inside a bzImage (Documentation/arch/x86/boot.rst). Xen would unpack it itself; under emulation that takes
 * seconds of every boot.
 * @throws Error when it is none.
 */
export function kernelOf(bzImage: Buffer): Buffer {
  if (bzImage.length < 0x250 || bzImage.toString('latin1', 0x202, 0x206) !== 'HdrS') {
    throw new Error('the kernel is no bzImage');
  }
  const start = ((bzImage[0x1f1]! || 4) + 1) * 512 + bzImage.readUInt32LE(0x248);
  // The payload ends with the size that it has unpacked.
  const payload = bzImage.subarray(start, start + bzImage.readUInt32LE(0x24c) - 4);
  const unpacker = UNPACKERS.find(({ magic }) => payload.subarray(0, magic.length).equals(magic));
  if (unpacker === undefined) throw new Error('the kernel is packed in a way that is not known here');
  const { program, args } = unpacker;
  return execFileSync(program, args, {
    input: payload,
    maxBuffer: MAX_KERNEL_BYTES,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
}
