import { closeSync, openSync } from 'node:fs';
import { nap } from './nap.js';
import { MAP, type Native, PROT } from './native.js';
import { enableDevice, pciDirectory } from './pci.js';
import type { DmaResult } from './protocol.js';

/** QEMU's educational device (docs/specs/edu): its registers, in bytes from the beginning of its memory. */
const VENDOR = 0x1234;
const DEVICE = 0x11e8;
const REGISTER = { source: 0x80, destination: 0x88, count: 0x90, command: 0x98 } as const;
const START = 1n;
const TO_MEMORY = 2n;
/** Its own buffer, as it addresses it. */
const BUFFER = 0x4_0000;
/** Where reads from memory go: they leave the first word alone. (Up to its very end QEMU takes to be beyond it, and aborts.) */
const READ_AT = BUFFER + 2048;

const TIMEOUT_MS = 3000;
const NAP_MS = 2;
const ENODEV = 19;
const ETIMEDOUT = 110;

/** Registers by device; the mapping stays. */
const registers = new Map<number, BigUint64Array>();

function registersOf(native: Native, sbdf: number): BigUint64Array | undefined {
  const { rc, vendor, device } = enableDevice(sbdf);
  if (rc < 0 || vendor !== VENDOR || device !== DEVICE) return undefined;
  let mapped = registers.get(sbdf);
  if (mapped === undefined) {
    const bar = openSync(`${pciDirectory(sbdf)}/resource0`, 'r+');
    const address = native.map(0, 4096, PROT.read | PROT.write, MAP.shared, bar);
    closeSync(bar);
    // edu takes accesses of 8 bytes here, in one piece: an array of words makes them, a DataView would not.
    mapped = new BigUint64Array(native.view(address, 4096));
    registers.set(sbdf, mapped);
  }
  return mapped;
}

/**
 * Has an edu device copy 4 bytes. Its buffer can be filled by reading memory only, and nobody but the device itself sees
 * it: so a chosen value cannot be written. Writes send the buffer's first word, which is 0 from the start of QEMU (it is
 * not part of a saved machine) and which reads never touch: 0 is what a write writes. What a read brought, nobody knows:
 * -1.
 */
export function dma(native: Native, sbdf: number, write: boolean, address: number): DmaResult {
  const words = registersOf(native, sbdf);
  if (words === undefined) return { rc: -ENODEV, value: -1 };
  const bus = BigInt(address);
  words[REGISTER.source / 8] = write ? BigInt(BUFFER) : bus;
  words[REGISTER.destination / 8] = write ? bus : BigInt(READ_AT);
  words[REGISTER.count / 8] = 4n;
  words[REGISTER.command / 8] = write ? START | TO_MEMORY : START;
  const deadline = performance.now() + TIMEOUT_MS;
  while ((words[REGISTER.command / 8]! & START) !== 0n) {
    if (performance.now() > deadline) return { rc: -ETIMEDOUT, value: -1 };
    nap(NAP_MS);
  }
  return { rc: 0, value: write ? 0 : -1 };
}
