import type { IommuFault } from '../hardware/iommu.js';
import { amdviFaultLines } from './amdvi-fault-lines.js';
import type { Xen } from './state.js';
import { vtdFaultLines } from './vtd-fault-lines.js';

const hex = (value: number, digits = 1) => (value >>> 0).toString(16).padStart(digits, '0');

/** The lines that Xen of the machine's edition logs for a fault of a device, without the `(XEN) ` in front (dossier §7). */
export function faultLines(xen: Xen, device: number, fault: IommuFault): string[] {
  const { iommu } = xen.spec;
  if (iommu.kind === 'smmu') return smmuLines(xen, fault, iommu.path);
  if (iommu.kind === 'smmuv3') return smmuV3Lines(fault, iommu.path);
  return iommu.kind === 'amdvi'
    ? amdviFaultLines(xen, fault)
    : vtdFaultLines(xen, xen.unitIndex(device), fault);
}

function smmuLines(xen: Xen, { address, registers }: IommuFault, path: string): string[] {
  const { fsr = 0, fsynr0 = 0, cb = -1 } = registers;
  if (cb < 0) {
    const { gfsr = 0, gfsynr0 = 0, gfsynr1 = 0, gfsynr2 = 0 } = registers;
    const syndromes = [gfsynr0, gfsynr1, gfsynr2].map((word, i) => `GFSYNR${i} 0x${hex(word, 8)}`);
    return [
      `smmu: ${path}: Unexpected global fault, this could be serious`,
      `smmu: ${path}: \tGFSR 0x${hex(gfsr, 8)}, ${syndromes.join(', ')}`,
    ];
  }
  const status = xen.profile.smmuFaultLine === 'with-fsr' ? `fsr=0x${hex(fsr)}, ` : '';
  const iova = address.toString(16).padStart(8, '0');
  return [
    `smmu: ${path}: Unhandled context fault: ${status}iova=0x${iova}, fsynr=0x${hex(fsynr0)}, cb=${cb}`,
  ];
}

/** An event record: its number, and its four doublewords as they are. An access that left no record leaves no line. */
function smmuV3Lines({ registers }: IommuFault, path: string): string[] {
  const { event = 0 } = registers;
  if (event === 0) return [];
  const doubleword = (i: number) =>
    `0x${hex(registers[`event${2 * i + 1}`] ?? 0, 8)}${hex(registers[`event${2 * i}`] ?? 0, 8)}`;
  return [
    `SMMUv3: ${path}: event 0x${hex(event, 2)} received:`,
    ...[0, 1, 2, 3].map((i) => `SMMUv3: ${path}: \t${doubleword(i)}`),
  ];
}
