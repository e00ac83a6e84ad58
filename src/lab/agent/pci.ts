import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import type { DeviceResult } from './protocol.js';

const COMMAND = 4;
const BAR0 = 0x10;
const MEMORY_AND_BUS_MASTER = 6;
const ENODEV = 19;

/** Where Linux has a device: `0000:00:04.0`. */
export function pciDirectory(sbdf: number): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
  const [segment, bus, device] = [sbdf >>> 16, (sbdf >>> 8) & 0xff, (sbdf >>> 3) & 0x1f];
  return `/sys/bus/pci/devices/${hex(segment, 4)}:${hex(bus, 2)}:${hex(device, 2)}.${sbdf & 7}`;
}

/**
 * Identifies a device and switches it on. A device that QEMU does not save with a machine's state has forgotten where its
 * memory is when the machine was restored; Linux remembers.
 */
export function enableDevice(sbdf: number): DeviceResult {
  const directory = pciDirectory(sbdf);
  let config: number;
  try {
    config = openSync(`${directory}/config`, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return { rc: -ENODEV, vendor: -1, device: -1 };
  }
  try {
    const head = Buffer.alloc(20);
    readSync(config, head, 0, head.length, 0);
    const place = firstResource(directory);
    const bar = head.readUInt32LE(BAR0);
    if (place !== 0 && (bar & 1) === 0 && (bar & ~0xf) >>> 0 !== place) {
      head.writeUInt32LE(place, BAR0);
      writeSync(config, head, BAR0, 4, BAR0);
    }
    const command = head.readUInt16LE(COMMAND);
    if ((command & MEMORY_AND_BUS_MASTER) !== MEMORY_AND_BUS_MASTER) {
      head.writeUInt16LE(command | MEMORY_AND_BUS_MASTER, COMMAND);
      writeSync(config, head, COMMAND, 2, COMMAND);
    }
    return { rc: 0, vendor: head.readUInt16LE(0), device: head.readUInt16LE(2) };
  } finally {
    closeSync(config);
  }
}

/** Address of a device's first memory region, when it lies below 4 GiB; otherwise 0. */
function firstResource(directory: string): number {
  const start = Number(readFileSync(`${directory}/resource`, 'utf8').split(' ')[0]);
  return start < 2 ** 32 ? start : 0;
}
