import { execFileSync } from 'node:child_process';
import { existsSync, openSync, readdirSync, readFileSync, readSync, writeSync } from 'node:fs';
import { nap } from './nap.js';
import type { Channel } from './serve.js';

const PORTS = '/sys/class/virtio-ports';
const READ_BYTES = 65_536;
const AWAY_NAP_MS = 20;

/** The device of the virtio port with that name, made when it is missing; undefined when there is no such port. */
export function findPort(name: string): string | undefined {
  const ports = existsSync(PORTS) ? readdirSync(PORTS) : [];
  const port = ports.find((one) => {
    const label = `${PORTS}/${one}/name`;
    return existsSync(label) && readFileSync(label, 'utf8').trim() === name;
  });
  if (port === undefined) return undefined;
  const path = `/dev/${port}`;
  if (!existsSync(path)) {
    const [major, minor] = readFileSync(`${PORTS}/${port}/dev`, 'utf8').trim().split(':');
    execFileSync('mknod', [path, 'c', major!, minor!]);
  }
  return path;
}

/** A virtio port: the host may come and go; while it is away, reads give nothing. */
export function portChannel(path: string): Channel {
  const port = openSync(path, 'r+');
  const buffer = Buffer.alloc(READ_BYTES);
  return {
    read() {
      let count = 0;
      try {
        count = readSync(port, buffer, 0, buffer.length, null);
      } catch (error) {
        if (!isTransient(error)) throw error;
      }
      if (count === 0) nap(AWAY_NAP_MS);
      return buffer.subarray(0, count);
    },
    write: (bytes) => writeAll(port, bytes),
  };
}

/** Standard input and output; the end of input is the end. */
export function stdioChannel(): Channel {
  const buffer = Buffer.alloc(READ_BYTES);
  return {
    read() {
      for (;;) {
        try {
          const count = readSync(0, buffer, 0, buffer.length, null);
          return count === 0 ? undefined : buffer.subarray(0, count);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'EOF') return undefined;
          if (!isTransient(error)) throw error;
          nap(1);
        }
      }
    },
    write: (bytes) => writeAll(1, bytes),
  };
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let sent = 0; sent < bytes.length; ) {
    try {
      sent += writeSync(fd, bytes, sent, bytes.length - sent);
    } catch (error) {
      if (!isTransient(error)) throw error;
      nap(1);
    }
  }
}

const isTransient = (error: unknown): boolean =>
  ['EAGAIN', 'EINTR'].includes((error as NodeJS.ErrnoException).code ?? '');
