/** What of a 64-bit little-endian ELF file matters for copying a program with all that it needs. */
export interface ElfFile {
  /** DT_NEEDED: names of libraries. */
  readonly needed: readonly string[];
  /** DT_RUNPATH, or DT_RPATH, one directory each. */
  readonly searchPath: readonly string[];
  /** PT_INTERP: the dynamic loader. */
  readonly interpreter: string | undefined;
}

const MAGIC = 0x464c457f;
const PT_DYNAMIC = 2;
const PT_LOAD = 1;
const PT_INTERP = 3;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_RPATH = 15;
const DT_RUNPATH = 29;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
}

/** ELFCLASS64, ELFDATA2LSB. */
export function isElf64(bytes: Buffer): boolean {
  return bytes.length >= 64 && bytes.readUInt32LE(0) === MAGIC && bytes[4] === 2 && bytes[5] === 1;
}

/** @throws Error when it is none. */
export function readElf(bytes: Buffer): ElfFile {
  if (!isElf64(bytes)) throw new Error('not a 64-bit little-endian ELF file');
  const segments = segmentsOf(bytes);
  const interpreter = segments.find(({ type }) => type === PT_INTERP);
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  const tags = dynamic === undefined ? [] : dynamicTags(bytes, dynamic);
  const names = tags.find(([tag]) => tag === DT_STRTAB)?.[1] ?? 0;
  const strings = (wanted: number): string[] =>
    tags
      .filter(([tag]) => tag === wanted)
      .map(([, value]) => stringAt(bytes, fileOffset(segments, names) + value));
  const runpath = strings(DT_RUNPATH);
  return {
    needed: strings(DT_NEEDED),
    searchPath: (runpath.length > 0 ? runpath : strings(DT_RPATH)).flatMap((paths) => paths.split(':')),
    interpreter: interpreter === undefined ? undefined : stringAt(bytes, interpreter.offset),
  };
}

/** `KEY=VALUE` strings of a kernel module's `.modinfo` section: values by key. */
export function moduleInfo(bytes: Buffer): Map<string, string[]> {
  if (!isElf64(bytes)) throw new Error('not a kernel module');
  const info = new Map<string, string[]>();
  for (const text of section(bytes, '.modinfo').toString('latin1').split('\0')) {
    const equals = text.indexOf('=');
    if (equals < 0) continue;
    const key = text.slice(0, equals);
    info.set(key, [...(info.get(key) ?? []), text.slice(equals + 1)]);
  }
  return info;
}

function segmentsOf(bytes: Buffer): Segment[] {
  const start = word(bytes, 32);
  const size = bytes.readUInt16LE(54);
  return Array.from({ length: bytes.readUInt16LE(56) }, (_, i) => {
    const at = start + i * size;
    return {
      type: bytes.readUInt32LE(at),
      offset: word(bytes, at + 8),
      address: word(bytes, at + 16),
      fileSize: word(bytes, at + 32),
    };
  });
}

function dynamicTags(bytes: Buffer, { offset, fileSize }: Segment): [tag: number, value: number][] {
  const tags: [number, number][] = [];
  for (let at = offset; at + 16 <= offset + fileSize; at += 16) {
    const tag = word(bytes, at);
    if (tag === 0) break;
    tags.push([tag, word(bytes, at + 8)]);
  }
  return tags;
}

function section(bytes: Buffer, wanted: string): Buffer {
  const start = word(bytes, 40);
  const size = bytes.readUInt16LE(58);
  const header = (index: number) => {
    const at = start + index * size;
    return { name: bytes.readUInt32LE(at), offset: word(bytes, at + 24), length: word(bytes, at + 32) };
  };
  const names = header(bytes.readUInt16LE(62)).offset;
  for (let i = 0; i < bytes.readUInt16LE(60); i++) {
    const { name, offset, length } = header(i);
    if (stringAt(bytes, names + name) === wanted) return bytes.subarray(offset, offset + length);
  }
  return Buffer.alloc(0);
}

/** Where in the file lies what is loaded at `address`. */
function fileOffset(segments: readonly Segment[], address: number): number {
  const holder = segments.find(
    ({ type, address: start, fileSize }) =>
      type === PT_LOAD && address >= start && address < start + fileSize,
  );
  if (holder === undefined) throw new Error(`no segment of the file has address 0x${address.toString(16)}`);
  return address - holder.address + holder.offset;
}

function stringAt(bytes: Buffer, at: number): string {
  return bytes.toString('utf8', at, bytes.indexOf(0, at));
}

/** 64 bits; addresses and sizes of files stay below 2^53, tags of vendors may not and are of no interest. */
function word(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}
