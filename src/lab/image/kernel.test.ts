import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { kernelOf } from './kernel.js';

function bzImage(payload: Buffer): Buffer {
  const setupSectors = 3;
  const head = Buffer.alloc((setupSectors + 1) * 512 + 0x40);
  head[0x1f1] = setupSectors;
  head.write('HdrS', 0x202);
  head.writeUInt32LE(0x40, 0x248);
  head.writeUInt32LE(payload.length, 0x24c);
  return Buffer.concat([head, payload, Buffer.from('what follows')]);
}

describe('the kernel of a bzImage', () => {
  it('is unpacked, the size behind it left out', () => {
    const kernel = Buffer.from('\u007fELF and so on');
    expect(kernelOf(bzImage(Buffer.concat([gzipSync(kernel), Buffer.from([16, 0, 0, 0])])))).toEqual(kernel);
  });

  it('is refused when it is packed in another way, or there is none', () => {
    expect(() => kernelOf(bzImage(Buffer.from('unknown packing')))).toThrow(/not known/);
    expect(() => kernelOf(Buffer.alloc(2000))).toThrow('no bzImage');
  });
});
