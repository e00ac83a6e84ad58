/**
 * The smallest kernel that Xen’s domain builder takes: an ELF file with one segment, a loop without end, and the notes
 * that a PV kernel and a PVH kernel have (xen/include/public/elfnote.h). It is made for `xl create -p`: nobody runs it.
 */

const LOAD_ADDRESS = 0x10_0000;
/** Where the file's one segment starts. */
const CODE_OFFSET = 0x1000;
const NOTES_OFFSET = 0x400;

/** XEN_ELFNOTE_* */
const NOTE = {
  entry: 1,
  hypercallPage: 2,
  virtBase: 3,
  paddrOffset: 4,
  xenVersion: 5,
  guestOs: 6,
  loader: 8,
  paeMode: 9,
  features: 10,
  phys32Entry: 18,
} as const;

const quad = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
const text = (value: string): Buffer => Buffer.from(`${value}\0`, 'latin1');

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);

function note(type: number, value: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt32LE(4, 0);
  head.writeUInt32LE(value.length, 4);
  head.writeUInt32LE(type, 8);
  return Buffer.concat([head, text('Xen'), padded(value)]);
}

/** The ELF file. */
export function smallestKernel(): Buffer {
  const notes = Buffer.concat([
    note(NOTE.guestOs, text('dommu')),
    note(NOTE.xenVersion, text('xen-3.0')),
    note(NOTE.loader, text('generic')),
    note(NOTE.paeMode, text('yes')),
    note(NOTE.virtBase, quad(0)),
    note(NOTE.paddrOffset, quad(0)),
    note(NOTE.entry, quad(LOAD_ADDRESS)),
    note(NOTE.hypercallPage, quad(LOAD_ADDRESS + 0x1000)),
    note(NOTE.features, text('!writable_page_tables|pae_pgdir_above_4gb')),
    note(NOTE.phys32Entry, quad(LOAD_ADDRESS).subarray(0, 4)),
  ]);
  const file = Buffer.alloc(CODE_OFFSET + 0x2000);
  elfHeader(file);
  segment(file, 0x40, {
    type: 1,
    flags: 7,
    offset: CODE_OFFSET,
    address: LOAD_ADDRESS,
    size: 0x2000,
    align: 0x1000,
  });
  segment(file, 0x78, { type: 4, flags: 4, offset: NOTES_OFFSET, address: 0, size: notes.length, align: 4 });
  notes.copy(file, NOTES_OFFSET);
  file.set([0xeb, 0xfe], CODE_OFFSET); // jmp to itself
  return file;
}

function elfHeader(file: Buffer): void {
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], 0);
  file.writeUInt16LE(2, 16); // ET_EXEC
  file.writeUInt16LE(62, 18); // EM_X86_64
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(BigInt(LOAD_ADDRESS), 24);
  file.writeBigUInt64LE(0x40n, 32); // program headers
  file.writeUInt16LE(64, 52); // size of this header
  file.writeUInt16LE(56, 54); // and of a program header
  file.writeUInt16LE(2, 56); // of which there are two
}

interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
  readonly align: number;
}

function segment(file: Buffer, at: number, { type, flags, offset, address, size, align }: Segment): void {
  file.writeUInt32LE(type, at);
  file.writeUInt32LE(flags, at + 4);
  [offset, address, address, size, size, align].forEach((value, i) => {
    file.writeBigUInt64LE(BigInt(value), at + 8 + 8 * i);
  });
}
