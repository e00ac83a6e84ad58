import { IortType, itsIdentifiers } from '../../formats/acpi/iort.js';
import { type AcpiStructure, addressOf, isWhole, numberOf, offsetOf } from '../../formats/acpi/structure.js';
import type { AcpiTable } from '../../formats/acpi/table.js';
import { bitsOf } from '../../formats/acpi/units.js';
import { hex } from '../../text/hex.js';
import type { AcpiFindings } from './finding.js';
import type { Surroundings } from './surroundings.js';
import { ramText, ramWithin } from './surroundings.js';
import { verifyMappings } from './verify-iort-mappings.js';
import { verifyReservedRanges } from './verify-iort-ranges.js';

/** Alignment of an SMMU's registers: pages of 64 KiB for version 3, 4 KiB at least for others. */
const ALIGNED: Readonly<Record<number, bigint>> = {
  [IortType.SMMU]: 0x1000n,
  [IortType.SMMUV3]: 0x1_0000n,
  [IortType.PMCG]: 0x1000n,
};

/** What an IORT table says, held against the specification and the machine. */
export function verifyIort(table: AcpiTable, around: Surroundings, findings: AcpiFindings): void {
  const { structures, header, readToEnd: complete } = table;
  findings.info('xen-ignores-iort', 0, 'Xen takes SMMUs from the device tree, and not from this table');
  const count = numberOf(header, 'nodes');
  if (count !== null && complete && count !== structures.length) {
    const message = `the header says ${count} nodes; ${structures.length} are there`;
    findings.error('node-count', offsetOf(header, 'nodes'), message);
  }
  const nodes = new Map(structures.map((node) => [node.offset, node]));
  verifyUnits(structures, around, findings);
  for (const node of structures) verifyNode(node, nodes, complete, findings);
  verifyMappings(structures, nodes, complete, findings);
  verifyReservedRanges(structures, around, findings);
}

function verifyUnits(nodes: readonly AcpiStructure[], around: Surroundings, findings: AcpiFindings): void {
  const seen = new Map<bigint, AcpiStructure>();
  for (const node of nodes) {
    const aligned = ALIGNED[node.type ?? -1];
    if (aligned === undefined) continue;
    const base = addressOf(node, 'base');
    if (base === null) continue;
    const at = offsetOf(node, 'base');
    const { name } = node.layout;
    if (base === 0n) findings.error('unit-address', at, `${name} at address 0`);
    else if (base % aligned !== 0n) {
      findings.error(
        'unit-address',
        at,
        `${name} at ${hex(base)}: not ${Number(aligned) / 1024} KiB aligned`,
      );
    } else if (base >> 52n !== 0n) {
      findings.error(
        'unit-address',
        at,
        `${name} at ${hex(base)}: no processor has more than 52 address bits`,
      );
    }
    if (node.type === IortType.SMMU && addressOf(node, 'span') === 0n) {
      findings.error('unit-address', offsetOf(node, 'span'), `${name} at ${hex(base)} has a span of 0 bytes`);
    }
    const ram = ramWithin(around, base, base + aligned);
    if (ram !== undefined) findings.error('unit-address', at, `${name} at ${hex(base)}: ${ramText(ram)}`);
    if (node.type === IortType.PMCG || base === 0n) continue;
    const twin = seen.get(base);
    if (twin !== undefined) {
      const message = `${name} at ${hex(base)}: the node at offset ${hex(twin.offset)} has the same registers`;
      findings.error('unit-duplicate', at, message);
    }
    seen.set(base, node);
  }
}

function verifyNode(
  node: AcpiStructure,
  nodes: ReadonlyMap<number, AcpiStructure>,
  complete: boolean,
  findings: AcpiFindings,
): void {
  switch (node.type) {
    case IortType.ITS: {
      const count = numberOf(node, 'count');
      if (count === 0) findings.warning('its-group', node.offset, 'an ITS group without an ITS');
      else if (
        count !== null &&
        node.size === node.length &&
        itsIdentifiers(node).length < count &&
        complete
      ) {
        const message = `the ITS group says ${count} ITSs; its ${node.size} bytes have ${itsIdentifiers(node).length}`;
        findings.error('its-group', offsetOf(node, 'count'), message);
      }
      break;
    }
    case IortType.NAMED:
    case IortType.ROOT_COMPLEX:
      verifyCoherency(node, findings);
      break;
    case IortType.SMMU:
      verifyInterrupts(node, findings);
      break;
    case IortType.SMMUV3:
      verifySmmuv3(node, findings);
      break;
    case IortType.PMCG:
      verifyMonitored(node, nodes, complete, findings);
      break;
  }
}

function verifyCoherency(node: AcpiStructure, findings: AcpiFindings): void {
  const coherent = numberOf(node, 'cacheCoherency');
  const flags = bitsOf(node, 'memoryFlags');
  if (coherent === null || flags === null) return;
  const at = offsetOf(node, 'cacheCoherency');
  if (coherent > 1) {
    findings.warning(
      'coherency-contradiction',
      at,
      `${node.layout.name}: CCA ${coherent}; 0 and 1 are defined`,
    );
  } else if (coherent === 1 && flags.coherentPath === 0) {
    findings.warning('coherency-contradiction', at, `${node.layout.name}: CCA is 1 and CPM is 0`);
  }
}

/** Interrupts of an SMMU stand in its own node: 16 bytes of global ones, 8 for each other. */
function verifyInterrupts(node: AcpiStructure, findings: AcpiFindings): void {
  const arrays = [
    ['globalOffset', 2, 'global interrupts'],
    ['contextOffset', numberOf(node, 'contexts'), 'context interrupts'],
    ['pmuOffset', numberOf(node, 'pmus'), 'PMU interrupts'],
  ] as const;
  for (const [field, count, what] of arrays) {
    const from = numberOf(node, field);
    if (from === null || count === null || count === 0 || !isWhole(node)) continue;
    if (from >= node.layout.size && from + 8 * count <= node.size) continue;
    const message = `${count} ${what} at offset ${from} lie outside the node of ${node.size} bytes`;
    findings.error('interrupts-outside', offsetOf(node, field), message);
  }
}

function verifySmmuv3(node: AcpiStructure, findings: AcpiFindings): void {
  const flags = bitsOf(node, 'flags');
  if (flags === null) return;
  const at = offsetOf(node, 'flags');
  if (flags.coherencyOverride === 0) {
    findings.info('coherency-not-told', at, 'the SMMUv3’s coherency is what its IDR0 says: no override');
  }
  const mappings = numberOf(node, 'mappings');
  const index = numberOf(node, 'deviceIdMapping');
  // Since revision 5 of the node a flag says whether the index means anything; before, missing wired interrupts do.
  const revision = numberOf(node, 'revision') ?? 0;
  if (revision < 5 || flags.deviceIdValid === 0 || mappings === null || index === null) return;
  if (index >= mappings) {
    const message = `DeviceID mapping index ${index}; the node has ${mappings} mappings`;
    findings.error('device-id-mapping', offsetOf(node, 'deviceIdMapping'), message);
  }
}

function verifyMonitored(
  node: AcpiStructure,
  nodes: ReadonlyMap<number, AcpiStructure>,
  complete: boolean,
  findings: AcpiFindings,
): void {
  const reference = numberOf(node, 'nodeReference');
  if (reference === null || nodes.has(reference) || !complete) return;
  const message = `the PMCG counts for a node at offset ${hex(reference)}, where none begins`;
  findings.error('reference-wrong', offsetOf(node, 'nodeReference'), message);
}
