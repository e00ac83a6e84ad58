import { EntryType, SpecialVariety } from '../../formats/acpi/ivhd-entries.js';
import { type AcpiStructure, isWhole, numberOf } from '../../formats/acpi/structure.js';
import type { AcpiTable } from '../../formats/acpi/table.js';
import { sbdfText } from '../../formats/requester.js';
import { hex } from '../../text/hex.js';
import type { AcpiFindings } from './finding.js';
import type { Surroundings } from './surroundings.js';

/** Where the I/O APIC of the south bridge is in all AMD systems: 00:14.0. */
const SOUTH_BRIDGE = 0xa0;

/** I/O APICs and HPETs: each of them must be there, for their interrupts are remapped by the device they appear as. */
export function verifySpecialDevices(
  table: AcpiTable,
  blocks: readonly AcpiStructure[],
  { ioApicIds }: Surroundings,
  findings: AcpiFindings,
): void {
  const ioApics = new Map<number, number>();
  let hpets = 0;
  let southBridge = false;
  for (const block of blocks) {
    const segment = numberOf(block, 'segment') ?? 0;
    for (const entry of block.children) {
      if (entry.type !== EntryType.SPECIAL) continue;
      const variety = numberOf(entry, 'variety');
      const handle = numberOf(entry, 'handle');
      const device = numberOf(entry, 'alias');
      if (variety === null || handle === null || device === null) continue;
      const sbdf = sbdfText(device, segment);
      if (variety === SpecialVariety.HPET) hpets++;
      else if (variety !== SpecialVariety.IOAPIC) {
        const message = `special device of variety ${variety}: neither I/O APIC nor HPET`;
        findings.error('special-variety', entry.offset, message, sbdf);
      } else {
        const earlier = ioApics.get(handle);
        if (earlier !== undefined && earlier !== device) {
          const message = `I/O APIC ${hex(handle)} is ${sbdfText(earlier)} and ${sbdf}`;
          findings.error('ioapic-conflict', entry.offset, message, sbdf);
        }
        ioApics.set(handle, device);
        if (segment === 0 && device === SOUTH_BRIDGE) southBridge = true;
        if (ioApicIds !== null && !ioApicIds.includes(handle)) {
          const has = ioApicIds.map(hex).join(', ') || 'none';
          const message = `I/O APIC ${hex(handle)} is not in the MADT, which has ${has}`;
          findings.error('ioapic-unknown', entry.offset, message, sbdf);
        }
      }
    }
  }
  verifyAllThere(table, blocks, ioApics, ioApicIds, findings);
  // What is cut off may have them; with the blocks themselves whole, it does not.
  if (blocks.length === 0 || !blocks.every(isWhole)) return;
  const [{ offset }] = blocks as [AcpiStructure];
  if (ioApics.size > 0 && !southBridge) {
    findings.error(
      'ioapic-south-bridge',
      offset,
      'no special device entry is for an I/O APIC at 0000:00:14.0',
    );
  }
  if (hpets === 0) findings.info('hpet-missing', offset, 'no special device entry is for an HPET');
}

function verifyAllThere(
  table: AcpiTable,
  blocks: readonly AcpiStructure[],
  ioApics: ReadonlyMap<number, number>,
  ioApicIds: readonly number[] | null,
  findings: AcpiFindings,
): void {
  // Another IOMMU's block, further on, may have the others.
  if (!table.readToEnd || blocks.length === 0) return;
  const [{ offset }] = blocks as [AcpiStructure];
  if (ioApicIds === null) {
    if (ioApics.size > 0) return;
    findings.error('ioapic-missing', offset, 'no special device entry is for an I/O APIC');
    return;
  }
  for (const id of ioApicIds) {
    if (ioApics.has(id)) continue;
    findings.error('ioapic-missing', offset, `I/O APIC ${hex(id)} of the MADT has no special device entry`);
  }
}
