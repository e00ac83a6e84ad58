import { describe, expect, it } from 'vitest';
import { smallestKernel } from './pv-kernel.js';

/** What readelf would say: the header, program headers and notes, read back by the offsets of the ELF-64 specification. */
function readElf(file: Buffer) {
  const quad = (at: number) => Number(file.readBigUInt64LE(at));
  const [table, size, count] = [quad(32), file.readUInt16LE(54), file.readUInt16LE(56)];
  const segments = Array.from({ length: count }, (_, i) => {
    const at = table + i * size;
    const [offset, virtual, physical, fileSize, memorySize, align] = [8, 16, 24, 32, 40, 48].map((more) =>
      quad(at + more),
    ) as [number, number, number, number, number, number];
    const [type, flags] = [file.readUInt32LE(at), file.readUInt32LE(at + 4)];
    return { type, flags, offset, virtual, physical, fileSize, memorySize, align };
  });
  return {
    magic: file.toString('latin1', 0, 4),
    ident: [...file.subarray(4, 7)],
    type: file.readUInt16LE(16),
    machine: file.readUInt16LE(18),
    entry: quad(24),
    headerSize: file.readUInt16LE(52),
    segments,
  };
}

function readNotes(bytes: Buffer): Map<number, Buffer> {
  const notes = new Map<number, Buffer>();
  for (let at = 0; at < bytes.length; ) {
    const [nameSize, size, type] = [0, 4, 8].map((more) => bytes.readUInt32LE(at + more)) as [
      number,
      number,
      number,
    ];
    expect(bytes.toString('latin1', at + 12, at + 12 + nameSize)).toBe('Xen\0');
    const start = at + 12 + ((nameSize + 3) & ~3);
    notes.set(type, bytes.subarray(start, start + size));
    at = start + ((size + 3) & ~3);
  }
  return notes;
}

describe('the smallest kernel', () => {
  const file = smallestKernel();
  const elf = readElf(file);
  const [load, notes] = [elf.segments[0]!, elf.segments[1]!];

  it('is an executable for x86-64', () => {
    expect(elf).toMatchObject({
      magic: '\u007fELF',
      ident: [2, 1, 1],
      type: 2,
      machine: 62,
      headerSize: 64,
    });
    expect(elf.segments).toHaveLength(2);
  });

  it('has one segment to load, all of it in the file, that begins at the entry point with a loop', () => {
    expect(load).toMatchObject({ type: 1, flags: 7, virtual: elf.entry, physical: elf.entry, align: 0x1000 });
    expect(load.offset + load.fileSize).toBe(file.length);
    expect(load.memorySize).toBe(load.fileSize);
    expect([...file.subarray(load.offset, load.offset + 2)]).toEqual([0xeb, 0xfe]);
  });

  it('has the notes that Xen’s domain builder asks for', () => {
    expect(notes).toMatchObject({ type: 4, align: 4 });
    expect(notes.offset + notes.fileSize).toBeLessThanOrEqual(load.offset);
    const read = readNotes(file.subarray(notes.offset, notes.offset + notes.fileSize));
    const text = (type: number) => read.get(type)!.toString('latin1').replace('\0', '');
    const quad = (type: number) => Number(read.get(type)!.readBigUInt64LE());
    expect([text(6), text(5), text(8), text(9)]).toEqual(['dommu', 'xen-3.0', 'generic', 'yes']);
    expect([quad(1), quad(3), quad(4)]).toEqual([elf.entry, 0, 0]);
    // The hypercall page is written by Xen: a page of the segment that is not the first.
    expect(quad(2)).toBe(load.virtual + 0x1000);
    expect(text(10)).toMatch(/^!writable_page_tables/);
    expect(read.get(18)!.readUInt32LE()).toBe(elf.entry);
    expect(read.get(18)).toHaveLength(4);
  });
});
