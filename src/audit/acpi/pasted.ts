import { TableBytes } from '../../formats/acpi/table-bytes.js';
import { bareLine, bytesOfGroups, hexLine } from './hex-lines.js';
import { Hexdump } from './hexdump.js';
import { Listing, lacksValue, listingLine, merged } from './listing.js';
import { knownAt, signatureAt } from './signature.js';

/** A table as a text holds it. */
export interface PastedTable {
  readonly bytes: TableBytes;
  readonly source: 'hexdump' | 'iasl listing';
  /** Line at which it begins, from 1. */
  readonly line: number;
  /** Signature by what else is known, for listings that leave it out; empty where nothing is. */
  readonly kind: string;
}

const LINE_AT_MOST = 65_536;
/** A line of a table is wrapped into this many at most. */
const JOINED_AT_MOST = 4;
/** More tables than a machine has; what else looks like one is left alone. */
const TABLES_AT_MOST = 1024;

// biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes of terminals are what is removed
const COLOURS = /\u001b\[[0-9;]{0,16}m/g;
/** What mail programs, diffs and terminals put before a line. */
const QUOTING = /^(?:[>|+-] ?){1,8}(?=[ \t[0-9a-fA-F.*])/;

/** What consoles and kernels put before a line. */
const LOG_PREFIX = /^(?:(?:\(XEN\)|\[ {0,8}[0-9]{1,8}\.[0-9]{1,9}\]|<[0-9]{1,3}>) ?){1,3}/;

const plain = (line: string): string =>
  line
    .slice(0, LINE_AT_MOST)
    .replace(COLOURS, '')
    .replace(/\r$/, '')
    .replace(QUOTING, '')
    .replace(LOG_PREFIX, '');

/** Puts together what hexdumps and listings in a text tell; anything else in it is passed over. */
class Collector {
  readonly tables: PastedTable[] = [];
  private dump: Hexdump | null = null;
  private listing: Listing | null = null;
  /** The last line that belongs to a listing: long fields go on in lines of their own. */
  private listedTo = -1;

  line(text: string, number: number): void {
    if (this.tables.length >= TABLES_AT_MOST) return;
    const listed = listingLine(text);
    if (listed !== null) {
      this.endDump();
      if (this.listing === null || listed.name === 'Signature' || this.listing.rawFollows) {
        this.endListing();
        this.listing = new Listing(number);
      }
      this.listing.add(listed);
      this.listedTo = number;
      return;
    }
    if (text.includes('Raw Table Data')) {
      this.endDump();
      if (this.listing !== null) this.listing.rawFollows = true;
      return;
    }
    const dumped = hexLine(text);
    if (dumped !== null) {
      if (this.dump?.takes(dumped) !== true) this.beginDump(number);
      this.dump!.add(dumped);
      return;
    }
    if (text.trim() === '*') this.dump?.repeat();
    else this.bare(text, number);
  }

  end(): PastedTable[] {
    this.endDump();
    this.endListing();
    return this.tables;
  }

  /** Bytes without an offset: the rest of a wrapped line, or a dump that has none and begins with a signature. */
  private bare(text: string, number: number): void {
    const line = bareLine(text);
    if (line === null || this.dump?.wrapped(line) === true) return;
    if (this.listedTo === number - 1) {
      this.listedTo = number;
      return;
    }
    const start = Uint8Array.from(bytesOfGroups(line.groups, false));
    const goesOn = this.dump?.takes(line) === true;
    // Bytes within a table may look like a signature; only those of a table that is sought end one that lacks bytes.
    const begins =
      goesOn && this.dump!.lacksBytes() ? knownAt(start, 0) : signatureAt(start, 0) !== undefined;
    if (begins) this.beginDump(number);
    if (begins || goesOn) this.dump!.add(line);
  }

  private beginDump(number: number): void {
    this.endDump();
    this.dump = new Hexdump(number);
  }

  private endDump(): void {
    const { dump } = this;
    this.dump = null;
    if (dump === null) return;
    for (const { bytes } of tablesIn(dump.content())) {
      const { listing } = this;
      const whole = listing?.rawFollows ? listing.content() : null;
      const same = whole !== null && [bytes.text(0, 4), null].includes(whole.text(0, 4));
      // The raw bytes are what the listing was made from, so where they are they count.
      if (same) this.listing = null;
      this.add({
        bytes: same ? merged(bytes, whole) : bytes,
        source: 'hexdump',
        line: same ? listing!.line : dump.line,
        kind: '',
      });
    }
  }

  private endListing(): void {
    const { listing } = this;
    this.listing = null;
    if (listing === null) return;
    const { line, kind } = listing;
    this.add({ bytes: listing.content(), source: 'iasl listing', line, kind });
  }

  private add(table: PastedTable): void {
    if (this.tables.length < TABLES_AT_MOST) this.tables.push(table);
  }
}

/** Bytes that a table has whatever its length says. */
const HEADER = 36;

/**
 * The tables in some bytes: at the start, and each behind the one before. Bytes that begin no table are stepped over to
 * the next signature.
 */
export function tablesIn(content: TableBytes): { at: number; bytes: TableBytes }[] {
  const found: { at: number; bytes: TableBytes }[] = [];
  for (let at = 0; at + 4 <= content.length && found.length < TABLES_AT_MOST; ) {
    if (!content.has(at, 4) || signatureAt(content.bytes, at) === undefined) {
      at++;
      continue;
    }
    const length = content.number(at + 4, 4);
    const end = Math.min(content.length, at + (length ?? content.length));
    const bytes = content.bytes.slice(at, Math.max(end, at + HEADER));
    found.push({ at, bytes: new TableBytes(bytes, content.known?.slice(at, at + bytes.length) ?? null) });
    at += bytes.length;
  }
  return found;
}

const isPart = (line: string): boolean => (listingLine(line) ?? hexLine(line)) !== null;

/**
 * Whether a line goes on in the next: mails in quoted-printable end it with `=`. So may the picture in ASCII of a line
 * that is complete; then the next line is one of the dump.
 */
function goesOn(line: string, next: string | undefined): boolean {
  return next !== undefined && line.endsWith('=') && isPart(line) && !isPart(plain(next));
}

/**
 * All tables that a text holds as hexdumps or `iasl -d` listings: acpidump's output, a listing, or a mail or report with
 * one pasted into it, quoted and wrapped as mails are. Linear in the text's length.
 */
export function pastedTables(text: string): PastedTable[] {
  const collector = new Collector();
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const number = i + 1;
    let line = plain(lines[i]!);
    if (lacksValue(line) && i + 1 < lines.length) line = `${line.trimEnd()} ${plain(lines[++i]!).trim()}`;
    for (let joined = 0; joined < JOINED_AT_MOST && goesOn(line, lines[i + 1]); joined++) {
      line = line.slice(0, -1) + lines[++i]!.slice(0, LINE_AT_MOST).replace(/\r$/, '');
    }
    collector.line(line, number);
  }
  return collector.end();
}
