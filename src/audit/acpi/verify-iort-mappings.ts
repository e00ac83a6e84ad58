import { ID_MAPPING, IortType } from '../../formats/acpi/iort.js';
import { type AcpiStructure, numberOf, offsetOf, textOf } from '../../formats/acpi/structure.js';
import { bitsOf } from '../../formats/acpi/units.js';
import { hex } from '../../text/hex.js';
import type { AcpiFindings } from './finding.js';
import { foreignOverlaps, type Interval, overlaps } from './intervals.js';

/** Types of nodes that ids of a node of a type may go to (DEN0049 §3.1.1 and figure 1). */
const LEADS_TO: Readonly<Record<number, readonly number[]>> = {
  [IortType.NAMED]: [IortType.SMMU, IortType.SMMUV3, IortType.ITS],
  [IortType.ROOT_COMPLEX]: [IortType.SMMU, IortType.SMMUV3, IortType.ITS],
  [IortType.SMMU]: [IortType.ITS],
  [IortType.SMMUV3]: [IortType.ITS],
  [IortType.PMCG]: [IortType.ITS],
  [IortType.RMR]: [IortType.SMMU, IortType.SMMUV3],
};
const DEVICES: readonly number[] = [IortType.NAMED, IortType.ROOT_COMPLEX, IortType.RMR];
const SMMUS: readonly number[] = [IortType.SMMU, IortType.SMMUV3];

/** ID mappings: where they lead, and that no id has two outputs and no StreamID two devices. */
export function verifyMappings(
  nodes: readonly AcpiStructure[],
  byOffset: ReadonlyMap<number, AcpiStructure>,
  complete: boolean,
  findings: AcpiFindings,
): void {
  const streams = new Map<number, Interval<AcpiStructure>[]>();
  const segments = new Map<number, AcpiStructure>();
  for (const node of nodes) {
    const mappings = node.children.filter(({ layout }) => layout === ID_MAPPING);
    const { name } = node.layout;
    if (mappings.length === 0 && DEVICES.includes(node.type ?? -1) && numberOf(node, 'mappings') === 0) {
      findings.warning('no-mapping', node.offset, `${name} without a mapping: its devices have no SMMU`);
    }
    if (mappings.length > 0 && node.type === IortType.ITS) {
      findings.warning('mapping-not-allowed', node.offset, 'an ITS group with mappings');
    }
    if (node.type === IortType.ROOT_COMPLEX) verifySegment(node, segments, findings);
    verifyInputs(node, mappings, findings);
    for (const mapping of mappings) {
      const target = verifyReference(node, mapping, byOffset, complete, findings);
      const range = outputOf(mapping);
      // Ranges of an RMR are those of the device that it is for.
      if (target === null || range === null || node.type === IortType.RMR) continue;
      if (!SMMUS.includes(target.type ?? -1)) continue;
      const known = streams.get(target.offset) ?? [];
      known.push({ ...range, owner: node });
      streams.set(target.offset, known);
    }
  }
  for (const [offset, intervals] of streams) verifyStreams(offset, intervals, findings);
}

/** StreamIDs that several nodes send to one SMMU: told once for each pair of nodes. */
function verifyStreams(
  smmu: number,
  intervals: readonly Interval<AcpiStructure>[],
  findings: AcpiFindings,
): void {
  const pairs = new Map<string, { nodes: readonly AcpiStructure[]; id: bigint; count: number }>();
  for (const { first, second } of foreignOverlaps(intervals)) {
    if (first.owner === second.owner) continue;
    const nodes = [first.owner, second.owner].sort((a, b) => a.offset - b.offset);
    const key = nodes.map((node) => node.offset).join();
    const known = pairs.get(key);
    if (known === undefined) pairs.set(key, { nodes, id: second.start, count: 1 });
    else known.count++;
  }
  for (const { nodes, id, count } of pairs.values()) {
    const [a, b] = nodes as [AcpiStructure, AcpiStructure];
    const more = count === 1 ? '' : ` and ${count - 1} more`;
    const names = `${nameOf(a)} and ${nameOf(b)}`;
    const message = `${names} send StreamID ${hex(id)}${more} to the SMMU at offset ${hex(smmu)}`;
    findings.warning('stream-overlap', b.offset, message);
  }
}

const nameOf = (node: AcpiStructure): string => {
  const path = node.type === IortType.NAMED ? textOf(node, 'objectName') : null;
  return path === null ? `the ${node.layout.name} at offset ${hex(node.offset)}` : path;
};

function verifySegment(
  node: AcpiStructure,
  segments: Map<number, AcpiStructure>,
  findings: AcpiFindings,
): void {
  const segment = numberOf(node, 'segment');
  if (segment === null) return;
  const first = segments.get(segment);
  if (first === undefined) segments.set(segment, node);
  else {
    const message = `segment ${segment}, which the root complex at offset ${hex(first.offset)} has already`;
    findings.warning('segment-twice', offsetOf(node, 'segment'), message);
  }
}

const isSingle = (mapping: AcpiStructure): boolean => bitsOf(mapping, 'flags')?.single === 1;

/** Output ids of a mapping; null where bytes are missing. */
function outputOf(mapping: AcpiStructure): { start: bigint; end: bigint } | null {
  const base = numberOf(mapping, 'outputBase');
  const count = numberOf(mapping, 'idCount');
  if (base === null || count === null) return null;
  const end = BigInt(base) + (isSingle(mapping) ? 0n : BigInt(count));
  return { start: BigInt(base), end };
}

function verifyInputs(node: AcpiStructure, mappings: readonly AcpiStructure[], findings: AcpiFindings): void {
  const inputs: Interval<AcpiStructure>[] = [];
  for (const mapping of mappings) {
    const base = numberOf(mapping, 'inputBase');
    const output = numberOf(mapping, 'outputBase');
    const count = numberOf(mapping, 'idCount');
    if (base === null || output === null || count === null) continue;
    if (isSingle(mapping)) {
      if (count > 0) {
        const message = `a single mapping with a count of ${hex(count)}`;
        findings.warning('mapping-range', offsetOf(mapping, 'idCount'), message);
      }
      continue;
    }
    if (base + count > 0xffff_ffff || output + count > 0xffff_ffff) {
      const message = `ids ${hex(base)} and ${hex(count)} more, to ${hex(output)}: beyond 32 bits`;
      findings.error('mapping-range', mapping.offset, message);
    }
    inputs.push({ start: BigInt(base), end: BigInt(base) + BigInt(count), owner: mapping });
  }
  for (const { first, second } of overlaps(inputs)) {
    const byOne = first.end === second.start;
    const hint = byOne ? ': by one id, as when counts are not reduced by 1' : '';
    const message = `${node.layout.name}: input ids ${hex(first.start)}-${hex(first.end)} and ${hex(second.start)}-${hex(second.end)} overlap${hint}`;
    findings.error('mapping-overlap', second.owner.offset, message);
  }
}

/** The node that a mapping leads to; null when there is none, or it is not there. */
function verifyReference(
  node: AcpiStructure,
  mapping: AcpiStructure,
  byOffset: ReadonlyMap<number, AcpiStructure>,
  complete: boolean,
  findings: AcpiFindings,
): AcpiStructure | null {
  const reference = numberOf(mapping, 'outputReference');
  if (reference === null) return null;
  const at = offsetOf(mapping, 'outputReference');
  const target = byOffset.get(reference);
  if (target === undefined) {
    // It may be what is cut off.
    if (complete) {
      const message = `${node.layout.name}: ids lead to offset ${hex(reference)}, where no node begins`;
      findings.error('reference-wrong', at, message);
    }
    return null;
  }
  const allowed = LEADS_TO[node.type ?? -1];
  if (allowed !== undefined && !allowed.includes(target.type ?? -1)) {
    const message = `ids of a ${node.layout.name} lead to a ${target.layout.name}`;
    findings.error('reference-wrong', at, message);
  }
  return target;
}
