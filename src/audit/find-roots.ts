import { findTables, type MemoryPages, type TableInMemory } from '../formats/acpi/find-tables.js';
import { hex } from '../text/hex.js';
import { isRam } from './ram.js';
import { rootOfRtaddr } from './root-address.js';
import type { RootFacts } from './root-facts.js';
import { type RootCandidate, searchRoots } from './root-search.js';
import type { FoundRoot } from './roots.js';
import { QEMU_PLACES, rootFromRegisters, type UnitPlace, unitPlaces } from './roots-registers.js';
import type { MemoryImage } from './survey.js';

const PAGE = 4096;

/** What helps to find roots. */
export interface RootHints {
  /** Roots that were given; nothing is sought then. */
  readonly given?: readonly FoundRoot[];
  /** What a log says of them. */
  readonly facts?: RootFacts;
}

/** What was found, and by what. */
export interface RootsFound {
  readonly roots: readonly FoundRoot[];
  /** ACPI tables of IOMMUs and I/O APICs in memory. */
  readonly tables: readonly TableInMemory[];
  /** For people: what was tried in vain, and other candidates. */
  readonly notes: readonly string[];
}

/**
 * Finds the roots of all IOMMU units: those given; else from the units' registers, where the machine can be asked, at the
 * places that its firmware tables name or that QEMU gives them; else what a log says; else by searching memory.
 * @throws InputError when registers cannot be read.
 */
export async function findRoots(image: MemoryImage, hints: RootHints = {}): Promise<RootsFound> {
  const tables = findTables(new ScannedPages(image));
  const { given = [] } = hints;
  if (given.length > 0) return { roots: given, tables, notes: [] };
  // Registers are not where memory is; what says so is no firmware's table.
  const places = unitPlaces(tables).filter(({ registers }) => !isRam(image.ram, registers));
  if (image.registers !== null) return fromRegisters(image, image.registers, places, tables);
  const said = fromLog(image, hints.facts, places);
  if (said.length > 0) return { roots: said, tables, notes: [] };
  return { ...bySearching(image, places, hints), tables };
}

async function fromRegisters(
  image: MemoryImage,
  registers: NonNullable<MemoryImage['registers']>,
  places: readonly UnitPlace[],
  tables: readonly TableInMemory[],
): Promise<RootsFound> {
  const roots: FoundRoot[] = [];
  const notes: string[] = [];
  const anywhere = QEMU_PLACES.filter((place) => !isRam(image.ram, place.registers));
  for (const place of places.length > 0 ? places : anywhere) {
    const root = await rootFromRegisters(registers, place);
    if (root !== undefined) roots.push(root);
    else if (places.length > 0) notes.push(`${place.foundBy}: it was given no table, or does not answer`);
  }
  if (roots.length === 0) notes.push(`${image.name} has no IOMMU that was given tables`);
  return { roots, tables, notes };
}

/** Roots that a log prints as they are. */
function fromLog(
  image: MemoryImage,
  facts: RootFacts | undefined,
  places: readonly UnitPlace[],
): FoundRoot[] {
  const roots: FoundRoot[] = [];
  for (const value of facts?.addresses ?? []) {
    const found = rootOfRtaddr(value);
    if (found === undefined || image.locate(found.table / PAGE, 0) < 0) continue;
    roots.push({ kind: 'vtd', ...placed(places), ...found, foundBy: `RTADDR ${hex(value)} in the log` });
  }
  return roots;
}

/** What is known of a unit that was not asked: its segment and width when all units have the same. */
function placed(
  places: readonly UnitPlace[],
): Pick<FoundRoot, 'segment' | 'registers' | 'enabled' | 'capabilities'> {
  const widths = new Set(places.map(({ addressWidth }) => addressWidth));
  const [width] = widths;
  const segments = new Set(places.map(({ segment }) => segment));
  return {
    segment: segments.size === 1 ? places[0]!.segment : 0,
    registers: places.length === 1 ? places[0]!.registers : null,
    enabled: null,
    ...(widths.size === 1 && width !== undefined ? { capabilities: { hostAddressWidth: width } } : {}),
  };
}

function bySearching(
  image: MemoryImage,
  places: readonly UnitPlace[],
  { facts }: RootHints,
): Omit<RootsFound, 'tables'> {
  const notes: string[] = [];
  const kinds = (['vtd', 'amdvi'] as const).filter(
    (kind) => places.length === 0 || places.some((place) => place.kind === kind),
  );
  if (places.some(({ kind }) => kind === 'smmuv3')) {
    notes.push(
      'the stream table of an SMMUv3 cannot be told from other memory: give --rtaddr smmuv3:BASE/CFG',
    );
  }
  const ranked = searchRoots(image, kinds, notes)
    .map((candidate) => ({ candidate, rank: rankOf(image, candidate, facts) }))
    .sort((a, b) => b.rank.exact - a.rank.exact || b.rank.known - a.rank.known || b.rank.all - a.rank.all);
  const wanted = Math.max(1, places.filter(({ kind }) => kind !== 'smmuv3').length);
  const taken = ranked.slice(0, wanted);
  const others = ranked.slice(wanted, wanted + 8).map(({ candidate }) => hex(candidate.table));
  if (others.length > 0) notes.push(`other tables look like roots, too: ${others.join(', ')}`);
  const roots = taken.map(({ candidate, rank }): FoundRoot => {
    const { kind, table, mode, size } = candidate;
    const of = places.filter((place) => place.kind === kind);
    const foundBy = `found by searching memory, not by its register: ${whyTaken(rank, ranked.length)}`;
    const more = { ...(mode === undefined ? {} : { mode }), ...(size === undefined ? {} : { size }) };
    return { kind, table, ...placed(of), ...more, foundBy };
  });
  if (roots.length === 0) notes.push('no table in memory looks like the root of an IOMMU: give --rtaddr');
  return { roots, notes };
}

interface Rank {
  /** Root entries that the log prints and that stand in it. */
  readonly exact: number;
  /** Devices that are known to be there and have an entry. */
  readonly known: number;
  readonly all: number;
}

function rankOf(
  image: MemoryImage,
  { kind, table, requesters }: RootCandidate,
  facts: RootFacts | undefined,
): Rank {
  const standing = (facts?.entries ?? []).filter(({ bus, entry }) => {
    const at = table + bus * 16;
    const found = (BigInt(image.read32(at + 4) >>> 0) << 32n) | BigInt(image.read32(at) >>> 0);
    return kind === 'vtd' && found === entry;
  });
  let known = 0;
  for (const requester of requesters) if (facts?.requesters.has(requester) === true) known++;
  return { exact: standing.length, known, all: requesters.length };
}

function whyTaken({ exact, known, all }: Rank, candidates: number): string {
  const devices = `${all} ${all === 1 ? 'device has' : 'devices have'} an entry`;
  const reasons = [devices];
  if (exact > 0) reasons.push('its root entries are those that the log prints');
  if (known > 0) reasons.push(`${known} of them named in the log`);
  const rest = candidates === 1 ? 'no other table looks like one' : `the best of ${candidates} candidates`;
  return `${reasons.join(', ')}; ${rest}`;
}

/** Memory page by page for long searches, read in pieces: mapping holes of a file would make pages of them. */
class ScannedPages implements MemoryPages {
  readonly ram: MemoryImage['ram'];
  private readonly image: MemoryImage;
  private readonly words = new Int32Array(16 * 1024);
  private readonly bytes = new Uint8Array(this.words.buffer);
  private group = -1;

  constructor(image: MemoryImage) {
    this.image = image;
    this.ram = image.ram;
  }

  page(frame: number): Int32Array | undefined {
    if (!isRam(this.ram, frame * PAGE)) return undefined;
    const group = Math.floor(frame / 16);
    if (group !== this.group) {
      this.group = -1;
      this.image.copy(group * 16 * PAGE, this.bytes);
      this.group = group;
    }
    const word = (frame % 16) * 1024;
    return this.words.subarray(word, word + 1024);
  }
}
