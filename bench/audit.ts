import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { openImage } from '../src/audit/memory/open.js';
import type { AddressSpace } from '../src/audit/survey.js';
import { Allowance, walkSpace } from '../src/audit/walk-space.js';
import { R, W } from '../src/formats/address.js';
import { VTD_SECOND_LEVEL } from '../src/formats/vtd.js';

/** The tables of a domain, walked and coalesced by dommu and by a walker in C from the same file. */
export interface AuditFigures {
  /** 4 KiB leaf entries, holes included. */
  readonly entries: number;
  readonly ranges: number;
  readonly cpuSeconds: number;
  /** What C takes; undefined, with a reason, where there is no C compiler. */
  readonly peer: { readonly cpuSeconds: number; readonly ratio: number } | string;
  /** Whether the file was mapped, or read because koffi is missing. */
  readonly mapped: boolean;
  /** MB of the process that are not the mapped file, after the walk. */
  readonly beyondMapMb: number;
}

/** Entries of a domain of 1 TiB in 4 KiB pages. */
const ENTRIES = 2 ** 28;
const ROUNDS = 3;
const PAGE_ENTRIES = 512;
/** Leaf tables that are made and written at a time. */
const TABLES_A_CHUNK = 1024;
const ROOT = 1;

/** A small random generator, so that every run makes the same tables. */
class Random {
  private state = 0x2545f491;

  below(limit: number): number {
    let { state } = this;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.state = state;
    return (state >>> 0) % limit;
  }
}

/**
 * Writes four levels of tables for `entries` pages: frames mostly run on, with a break every few hundred pages, some of
 * which are read-only and some of which are not mapped. Returns the length of the file.
 */
function writeTables(fd: number, entries: number): number {
  const leaves = Math.ceil(entries / PAGE_ENTRIES);
  const seconds = Math.ceil(leaves / PAGE_ENTRIES);
  const thirds = Math.ceil(seconds / PAGE_ENTRIES);
  const firstThird = ROOT + 1;
  const firstSecond = firstThird + thirds;
  const firstLeaf = firstSecond + seconds;
  const bytes = (firstLeaf + leaves) * 4096;
  ftruncateSync(fd, bytes);
  const pointers = (frame: number, to: number, count: number): void => {
    const table = new BigUint64Array(Math.ceil(count / PAGE_ENTRIES) * PAGE_ENTRIES);
    for (let i = 0; i < count; i++) table[i] = (BigInt(to + i) << 12n) | 3n;
    writeSync(fd, table, 0, table.byteLength, frame * 4096);
  };
  pointers(ROOT, firstThird, thirds);
  pointers(firstThird, firstSecond, seconds);
  pointers(firstSecond, firstLeaf, leaves);
  writeLeaves(fd, firstLeaf, leaves);
  return bytes;
}

function writeLeaves(fd: number, firstLeaf: number, leaves: number): void {
  const random = new Random();
  const words = new Int32Array(TABLES_A_CHUNK * 1024);
  let frame = 0;
  let left = 0;
  let rights = 0;
  for (let table = 0; table < leaves; table += TABLES_A_CHUNK) {
    const count = Math.min(TABLES_A_CHUNK, leaves - table);
    for (let i = 0; i < count * PAGE_ENTRIES; i++) {
      if (left === 0) {
        left = 64 + random.below(2048);
        // Below 16 TiB, so that the low word overflows now and then.
        frame = random.below(2 ** 32);
        const kind = random.below(16);
        rights = kind === 0 ? 0 : kind === 1 ? R : R | W;
      }
      words[2 * i] = rights === 0 ? 0 : (frame << 12) | rights;
      words[2 * i + 1] = rights === 0 ? 0 : (frame / 0x10_0000) | 0;
      frame++;
      left--;
    }
    writeSync(fd, words, 0, count * 4096, (firstLeaf + table) * 4096);
  }
}

function checksum({ ranges }: AddressSpace): number {
  let sum = 0;
  const mix = (value: number): void => {
    sum = Math.imul(sum ^ (value | 0), 0x9e3779b1);
    sum = Math.imul(sum ^ (Math.floor(value / 0x1_0000_0000) | 0), 0x9e3779b1);
    sum ^= sum >>> 15;
  };
  for (let i = 0; i < ranges.length; i++) {
    mix(ranges.input(i));
    mix(ranges.count(i));
    mix(ranges.frame(i));
    mix(ranges.rights(i));
  }
  return sum >>> 0;
}

/** CPU seconds of the process so far. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** MB of the process in memory that is nobody else's: neither mapped files nor shared memory. */
function anonymousMb(): number {
  const kb = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Number(kb) / 1024;
}

interface Walked {
  readonly line: string;
  readonly ranges: number;
  readonly mapped: boolean;
  readonly cpuSeconds: number;
  readonly beyondMapMb: number;
}

/** Opens the file, walks and sums up; all of it counts. */
async function walked(path: string): Promise<Walked> {
  const before = cpuSeconds();
  const image = await openImage(`raw:${path}`, { layout: 'linear' });
  const space = walkSpace(
    VTD_SECOND_LEVEL,
    image,
    ROOT,
    { topLevel: 4, concatenated: 1 },
    R | W,
    new Allowance(),
  );
  const line = `${space.ranges.length} ${space.pages} ${checksum(space)} ${space.problems.length}`;
  const used = cpuSeconds() - before;
  const beyondMapMb = anonymousMb();
  const mapped = 'mapped' in image && image.mapped === true;
  await image.close();
  if (!space.complete) throw new Error(space.incompleteBecause ?? 'the walk was cut off');
  return { line, ranges: space.ranges.length, mapped, cpuSeconds: used, beyondMapMb };
}

/** Compiles the peer into `folder`; a reason when it cannot be. */
function compilePeer(folder: string): { program: string } | string {
  const source = fileURLToPath(new URL('audit-peer.c', import.meta.url));
  const program = join(folder, 'audit-peer');
  try {
    execFileSync('gcc', ['-O2', '-o', program, source], { stdio: ['ignore', 'ignore', 'pipe'] });
    return { program };
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return missing ? 'gcc is not installed' : `gcc fails: ${(error as Error).message}`;
  }
}

/** Where files are memory, if anywhere: the disk is not what is measured. */
const temporary = (): string => (existsSync('/dev/shm') ? '/dev/shm' : tmpdir());

/** Walks the tables of a domain with so many pages; the best of some rounds, dommu and the peer in turn. */
export async function benchAudit(entries = ENTRIES): Promise<AuditFigures> {
  const folder = mkdtempSync(join(temporary(), 'dommu-bench-'));
  try {
    const path = join(folder, 'memory');
    const fd = openSync(path, 'w');
    writeTables(fd, entries);
    closeSync(fd);
    const peer = compilePeer(folder);
    let own = Number.POSITIVE_INFINITY;
    let other = Number.POSITIVE_INFINITY;
    let last: Walked | undefined;
    let beyondMapMb = 0;
    for (let round = 0; round < ROUNDS; round++) {
      last = await walked(path);
      own = Math.min(own, last.cpuSeconds);
      beyondMapMb = Math.max(beyondMapMb, last.beyondMapMb);
      if (typeof peer === 'string') continue;
      const said = execFileSync(peer.program, [path, String(ROOT), '4'], { encoding: 'utf8' }).trim();
      const at = said.lastIndexOf(' ');
      if (said.slice(0, at) !== last.line) throw new Error(`the walkers differ: ${last.line} and ${said}`);
      other = Math.min(other, Number(said.slice(at + 1)));
    }
    const { ranges, mapped } = last!;
    const compared = typeof peer === 'string' ? peer : { cpuSeconds: other, ratio: other / own };
    return { entries, ranges, cpuSeconds: own, peer: compared, mapped, beyondMapMb };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The figures as lines of text. */
export function auditReport(figures: AuditFigures): string {
  const { entries, ranges, peer, mapped, beyondMapMb } = figures;
  const how = mapped ? 'mapped' : 'read, as koffi is missing';
  const rate = `${(entries / figures.cpuSeconds / 1e6).toFixed(0)} M entries a CPU second`;
  const compared =
    typeof peer === 'string'
      ? `no peer in C: ${peer}`
      : `C takes ${peer.cpuSeconds.toFixed(2)} s: ${peer.ratio.toFixed(2)} times its speed, the same ranges`;
  return [
    `audit: tables of 2^${Math.log2(entries)} entries, ${ranges} ranges, in ${figures.cpuSeconds.toFixed(2)} s (${rate}; ${how})`,
    `  ${compared}; the process has ${beyondMapMb.toFixed(0)} MB beyond the mapped file`,
  ].join('\n');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const bits = Number(process.argv[2] ?? Math.log2(ENTRIES));
  if (!(Number.isInteger(bits) && bits >= 18 && bits <= 28)) throw new Error('usage: audit.ts [18 to 28]');
  console.log(auditReport(await benchAudit(2 ** bits)));
}
