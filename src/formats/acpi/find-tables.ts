import { parseDmar } from './dmar.js';
import { parseIort } from './iort.js';
import { parseIvrs } from './ivrs.js';
import { parseMadt } from './madt.js';
import { type AcpiTable, checksumOf, lengthByHeader, TABLE_HEADER } from './table.js';
import { TableBytes } from './table-bytes.js';

/** Memory that may hold tables: what a memory image offers. */
export interface MemoryPages {
  /** Where there is memory, in order, not overlapping; `end` is exclusive. */
  readonly ram: readonly { readonly start: number; readonly end: number }[];
  /** The 4 KiB page at `frame` as 1024 words, valid until the next call; undefined where there is no memory. */
  page(frame: number): Int32Array | undefined;
}

/** A table that memory holds. */
export interface TableInMemory {
  readonly table: AcpiTable;
  /** Physical byte address. */
  readonly address: number;
  /** `RSDP at 0x…`, or `scan` when only its signature and checksum speak for it. */
  readonly foundBy: string;
  /** Whether Xen has scrambled the signature, so that dom0 does not find the table. */
  readonly hidden: boolean;
}

/**
 * Readers by signature. Xen writes RMAD over DMAR once it has read the table, and back when it gives the units up
 * (vtd/dmar.c, acpi_dmar_zap and acpi_dmar_reinstate); the sum over the bytes stays the same.
 */
const READERS: ReadonlyMap<string, (bytes: TableBytes) => AcpiTable> = new Map([
  ['DMAR', parseDmar],
  ['RMAD', parseDmar],
  ['IVRS', parseIvrs],
  ['IORT', parseIort],
  ['APIC', parseMadt],
]);

/** The kinds of table that the audit reads, for messages. */
export const IOMMU_SIGNATURES = ['DMAR', 'IVRS', 'IORT'] as const;

/**
 * Reads a table by its signature, or by `kind` where that is missing; undefined for tables that say nothing of IOMMUs or
 * I/O APICs.
 */
export function parseTable(bytes: TableBytes, kind = ''): AcpiTable | undefined {
  return READERS.get(bytes.text(0, 4) ?? kind)?.(bytes);
}

/** No table of these is longer; a length beyond is no table's. */
export const TABLE_AT_MOST = 0x10_0000;
/** An RSDT or XSDT has some dozens of entries. */
const ENTRIES_AT_MOST = 4096;
const FOUND_AT_MOST = 64;
/** A scan sums up no more than this for one signature, and no more signatures: memory may be full of them. */
const SCANNED_BYTES_AT_MOST = 0x1_0000;
const SIGNATURES_AT_MOST = 4096;
const PAGE = 4096;

/** Bytes of physical memory, those outside of it marked as missing. */
export function bytesAt(memory: MemoryPages, address: number, length: number): TableBytes {
  const bytes = new Uint8Array(length);
  const known = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const at = address + done;
    const inPage = at % PAGE;
    const take = Math.min(PAGE - inPage, length - done);
    const page = memory.page(Math.floor(at / PAGE));
    if (page !== undefined) {
      bytes.set(new Uint8Array(page.buffer, page.byteOffset + inPage, take), done);
      known.fill(1, done, done + take);
    }
    done += take;
  }
  return new TableBytes(bytes, known);
}

/** The table whose header stands at `address`; undefined when it is none of ours or its length cannot be. */
function tableAt(memory: MemoryPages, address: number, most = TABLE_AT_MOST): AcpiTable | undefined {
  const header = bytesAt(memory, address, TABLE_HEADER.size);
  const length = lengthByHeader(header);
  if (!READERS.has(header.text(0, 4) ?? '')) return undefined;
  if (length === null || length < TABLE_HEADER.size || length > most) return undefined;
  return parseTable(bytesAt(memory, address, length));
}

/** The tables that an RSDP leads to. */
function* tablesOfRsdp(memory: MemoryPages, rsdp: number): Generator<{ table: AcpiTable; address: number }> {
  const root = bytesAt(memory, rsdp, 36);
  const revision = root.number(15, 1) ?? 0;
  const xsdt = revision >= 2 ? Number(root.big(24, 8) ?? 0n) : 0;
  const [list, size] = xsdt > 0 && xsdt < 2 ** 52 ? [xsdt, 8] : [root.number(16, 4) ?? 0, 4];
  const length = lengthByHeader(bytesAt(memory, list, 8)) ?? 0;
  const entries = Math.min(ENTRIES_AT_MOST, Math.floor((length - TABLE_HEADER.size) / size));
  if (entries <= 0) return;
  const pointers = bytesAt(memory, list + TABLE_HEADER.size, entries * size);
  for (let i = 0; i < entries; i++) {
    const address = Number(pointers.big(i * size, size) ?? 0n);
    if (address === 0 || address >= 2 ** 52) continue;
    const table = tableAt(memory, address);
    if (table !== undefined) yield { table, address };
  }
}

/** Whether an RSDP stands at `address`: its first 20 bytes sum to 0. */
const isRsdp = (memory: MemoryPages, address: number): boolean =>
  checksumOf(bytesAt(memory, address, 20), 20) === 0;

/** Addresses in `[start, end)` at which one of the texts stands, at any byte. */
function* occurrences(
  memory: MemoryPages,
  start: number,
  end: number,
  texts: readonly string[],
): Generator<{ text: string; address: number }> {
  const longest = Math.max(...texts.map(({ length }) => length));
  // The last bytes of the page before are looked at again, for what crosses the boundary.
  const window = Buffer.alloc(PAGE + longest - 1);
  let filled = false;
  for (let at = start - (start % PAGE); at < end; at += PAGE) {
    const page = memory.page(at / PAGE);
    if (page === undefined) {
      filled = false;
      continue;
    }
    const keep = filled ? longest - 1 : 0;
    window.copyWithin(0, PAGE, PAGE + longest - 1);
    window.set(new Uint8Array(page.buffer, page.byteOffset, PAGE), longest - 1);
    filled = true;
    for (const text of texts) {
      const first = longest - 1 - Math.min(keep, text.length - 1);
      for (let i = window.indexOf(text, first, 'latin1'); i >= 0; i = window.indexOf(text, i + 1, 'latin1')) {
        const address = at + i - (longest - 1);
        if (address >= start && address < end) yield { text, address };
      }
    }
  }
}

const RSDP = 'RSD PTR ';
/** Where firmware without UEFI leaves the RSDP (ACPI spec 6.5 §5.2.5.1). */
const BIOS = { start: 0xe_0000, end: 0x10_0000 } as const;

/**
 * The DMAR, IVRS, IORT and MADT tables in memory. First what the RSDP leads to, which is sought where BIOSes leave it and
 * then in all memory, for UEFI tells the system alone where it is. When that finds no table of an IOMMU, every place where
 * a signature stands and a checksum is right: such a table may be an old copy.
 */
export function findTables(memory: MemoryPages): TableInMemory[] {
  const found = new Map<number, TableInMemory>();
  const note = (address: number, table: AcpiTable, foundBy: string): void => {
    if (found.size >= FOUND_AT_MOST || found.has(address)) return;
    found.set(address, { table, address, foundBy, hidden: table.signature === 'RMAD' });
  };
  const follow = (rsdp: number): void => {
    if (!isRsdp(memory, rsdp)) return;
    for (const { table, address } of tablesOfRsdp(memory, rsdp)) {
      note(address, table, `RSDP at 0x${rsdp.toString(16)}`);
    }
  };
  for (const { address } of occurrences(memory, BIOS.start, BIOS.end, [RSDP])) {
    if (address % 16 === 0) follow(address);
  }
  if (hasIommu(found)) return [...found.values()];
  const candidates: number[] = [];
  for (const { start, end } of memory.ram) {
    for (const { text, address } of occurrences(memory, start, end, [RSDP, ...READERS.keys()])) {
      if (text === RSDP) {
        if (address % 16 === 0) follow(address);
      } else if (candidates.length < SIGNATURES_AT_MOST) candidates.push(address);
    }
  }
  if (!hasIommu(found)) {
    for (const address of candidates) {
      const table = tableAt(memory, address, SCANNED_BYTES_AT_MOST);
      if (table?.checksumRight === true) note(address, table, 'scan');
    }
  }
  return [...found.values()];
}

function hasIommu(found: ReadonlyMap<number, TableInMemory>): boolean {
  return [...found.values()].some(({ table, hidden }) => {
    return hidden || (IOMMU_SIGNATURES as readonly string[]).includes(table.signature);
  });
}
