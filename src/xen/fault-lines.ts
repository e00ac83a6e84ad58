import { AmdviEvent, AmdviFault } from '../formats/amdvi-events.js';
import type { IommuFault } from '../hardware/iommu.js';
import { sbdfText } from './machine.js';
import type { Xen } from './state.js';

/** What Xen's log says of each VT-d fault reason, by code. The wording has been the same since before 4.11. */
const VTD_REASONS = [
  'Software',
  'Present bit in root entry is clear',
  'Present bit in context entry is clear',
  'Invalid context entry',
  'Access beyond MGAW',
  'PTE Write access is not set',
  'PTE Read access is not set',
  'Next page table ptr is invalid',
  'Root table address invalid',
  'Context table ptr is invalid',
  'non-zero reserved fields in RTP',
  'non-zero reserved fields in CTP',
  'non-zero reserved fields in PTE',
  'Blocked a DMA translation request',
];

const hex = (value: number, digits = 1) => (value >>> 0).toString(16).padStart(digits, '0');

/** The lines that Xen of the machine's edition logs for a fault of a device, without the `(XEN) ` in front (dossier §7). */
export function faultLines(xen: Xen, device: number, fault: IommuFault): string[] {
  const { iommu } = xen.spec;
  if (iommu.kind === 'smmu') return smmuLines(xen, fault, iommu.path);
  if (iommu.kind === 'smmuv3') return smmuV3Lines(fault, iommu.path);
  return iommu.kind === 'amdvi' ? amdviLines(xen, fault) : vtdLines(xen, xen.unitIndex(device), fault);
}

function vtdLines(
  xen: Xen,
  unitIndex: number,
  { requester, address, write, registers }: IommuFault,
): string[] {
  const { vtdFaultLine } = xen.profile;
  const base =
    vtdFaultLine === 'with-register-base' && xen.spec.iommu.kind === 'vtd'
      ? `, iommu reg = ${xen.spec.iommu.units[unitIndex]!.registerBase}`
      : '';
  const unit = vtdFaultLine === 'with-unit' ? ` on iommu:${unitIndex}` : '';
  const reason = registers.reason ?? 0;
  const page = (Math.floor(address / 4096) * 4096).toString(16);
  return [
    `[VT-D]DMAR:[DMA ${write ? 'Write' : 'Read'}] Request device [${sbdfText(requester)}] fault addr ${page}${base}`,
    `[VT-D]DMAR: reason ${hex(reason, 2)} - ${VTD_REASONS[reason] ?? 'Unknown'}${unit}`,
  ];
}

/** The flags of an I/O page fault as Xen names them, in its order. */
const AMDVI_FLAGS: readonly (readonly [mask: number, name: string])[] = [
  [0xe00, '??'],
  [AmdviFault.TRANSLATION, 'TR'],
  [AmdviFault.RESERVED, 'RZ'],
  [AmdviFault.PERMISSION, 'PE'],
  [AmdviFault.WRITE, 'RW'],
  [AmdviFault.PRESENT, 'PR'],
  [AmdviFault.INTERRUPT, 'I'],
  [AmdviFault.USER, 'US'],
  [AmdviFault.EXECUTE, 'NX'],
  [AmdviFault.GUEST, 'GN'],
];

/** The domain id is the tag in the device table entry, printed like a domain's number whatever it stands for (§7.2). */
function amdviLines(xen: Xen, { requester, address, registers }: IommuFault): string[] {
  const { code = 0, flags = 0, did = 0, event0 = 0, event1 = 0, event2 = 0, event3 = 0 } = registers;
  if (code !== AmdviEvent.IO_PAGE_FAULT) {
    const name = code === AmdviEvent.ILLEGAL_DEV_TABLE_ENTRY ? 'ILLEGAL_DEV_TABLE_ENTRY' : 'event';
    return [`${name} ${[event0, event1, event2, event3].map((word) => hex(word, 8)).join(' ')}`];
  }
  if (xen.profile.amdFaultLine === 'device-id') {
    const at = `device id = 0x${hex(requester)}, fault address = 0x${address.toString(16)}`;
    return [`AMD-Vi: IO_PAGE_FAULT: domain = ${did}, ${at}, flags = 0x${hex(flags)}`];
  }
  const names = AMDVI_FLAGS.filter(([mask]) => flags & mask).map(([, name]) => ` ${name}`);
  const at = `addr ${address.toString(16).padStart(16, '0')}`;
  return [
    `AMD-Vi: IO_PAGE_FAULT: ${sbdfText(requester)} d${did} ${at} flags 0x${hex(flags)}${names.join('')}`,
  ];
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
