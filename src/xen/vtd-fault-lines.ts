import { FOUR_LEVELS, THREE_LEVELS } from '../formats/radix.js';
import { sbdfText } from '../formats/requester.js';
import { contextWidth, entryFrame, entryPresent, levelsOfWidth, VTD_ENTRY_BYTES } from '../formats/vtd.js';
import type { IommuFault } from '../hardware/iommu.js';
import type { Xen } from './state.js';

/** What Xen's log says of each fault reason of DMA, by code. The wording has been the same since before 4.11. */
const DMA_REASONS = [
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

/** The same of interrupts, whose codes begin at 0x20. */
const INTERRUPT_REASONS = [
  'Detected reserved fields in the decoded interrupt-remapped request',
  'Interrupt index exceeded the interrupt-remapping table size',
  'Present field in the IRTE entry is clear',
  'Error accessing interrupt-remapping table pointed by IRTA_REG',
  'Detected reserved fields in the IRTE entry',
  'Blocked a compatibility format interrupt request',
  'Blocked an interrupt request due to source-id verification failure',
];
const FIRST_INTERRUPT_REASON = 0x20;

const hex = (value: number, digits = 1) => (value >>> 0).toString(16).padStart(digits, '0');

/** A 64-bit entry from its words, as %lx prints it. */
export const hex64 = (lo: number, hi: number): string => (hi === 0 ? hex(lo) : hex(hi) + hex(lo, 8));

/** What is said of a reason: what was remapped, and the words (iommu_get_fault_reason). */
function describeReason(reason: number): { kind: 'DMAR' | 'INTR-REMAP' | 'UNKNOWN'; words: string } {
  const interrupt = INTERRUPT_REASONS[reason - FIRST_INTERRUPT_REASON];
  if (interrupt !== undefined) return { kind: 'INTR-REMAP', words: interrupt };
  const dma = DMA_REASONS[reason];
  return dma === undefined ? { kind: 'UNKNOWN', words: 'Unknown' } : { kind: 'DMAR', words: dma };
}

/**
 * The lines of a fault that a VT-d unit recorded (iommu_page_fault_do_one; dossier §7.1). The address of an interrupt has
 * its index in bits 48 to 63; reasons that Xen does not know, 0xe among them, are no DMA to it.
 */
export function vtdFaultLines(xen: Xen, unit: number, fault: IommuFault): string[] {
  const { requester, address, write, registers } = fault;
  const reason = registers.reason ?? 0;
  const { kind, words } = describeReason(reason);
  const page = Math.floor(address / 4096) * 4096;
  const device = `Request device [${sbdfText(requester)}]`;
  const what = kind === 'DMAR' ? `[DMA ${write ? 'Write' : 'Read'}] ${device}` : ` ${device}`;
  const where =
    kind === 'INTR-REMAP'
      ? `fault index ${Math.floor(address / 2 ** 48).toString(16)}`
      : `fault addr ${page.toString(16)}`;
  const { vtdFaultLine } = xen.profile;
  const base =
    vtdFaultLine === 'with-register-base' && xen.spec.iommu.kind === 'vtd'
      ? `, iommu reg = ${xen.spec.iommu.units[unit]!.registerBase}`
      : '';
  const index = vtdFaultLine === 'with-unit' ? ` on iommu:${unit}` : '';
  const walked = xen.spec.verbosity !== undefined && kind === 'DMAR';
  return [
    `[VT-D]${kind}:${what} ${where}${base}`,
    `[VT-D]${kind}: reason ${hex(reason, 2)} - ${words}${index}`,
    ...(walked ? tableLines(xen, unit, requester, page / 4096) : []),
  ];
}

/** print_vtd_entries: what the tables in memory say, entry by entry down to the first that is absent. */
function tableLines(xen: Xen, unit: number, requester: number, input: number): string[] {
  const { ram } = xen;
  const bus = hex(requester >>> 8, 2);
  const devfn = hex(requester & 0xff, 2);
  const root = xen.vtds[unit]!.rootTable * 4096 + (requester >>> 8) * VTD_ENTRY_BYTES;
  const [root0, root1] = [ram.read32(root), ram.read32(root + 4)];
  const lines = [
    `print_vtd_entries: iommu #${unit} dev ${sbdfText(requester)} gmfn ${input.toString(16).padStart(5, '0')}`,
    `    root_entry[${bus}] = ${hex64(root0, root1)}`,
  ];
  if (!entryPresent(root0)) return [...lines, `    root_entry[${bus}] not present`];
  const context = entryFrame(root0, root1) * 4096 + (requester & 0xff) * VTD_ENTRY_BYTES;
  const [word0, word1, word2, word3] = [0, 4, 8, 12].map((offset) => ram.read32(context + offset)) as [
    number,
    number,
    number,
    number,
  ];
  lines.push(`    context[${devfn}] = ${hex64(word2, word3)}_${hex64(word0, word1)}`);
  if (!entryPresent(word0)) return [...lines, `    ctxt_entry[${devfn}] not present`];
  const levels = levelsOfWidth(contextWidth(word2));
  if (levels !== THREE_LEVELS.topLevel && levels !== FOUR_LEVELS.topLevel) {
    return [...lines, `Unsupported VTD page table level (${levels})!`];
  }
  return [...lines, ...levelLines(xen, entryFrame(word0, word1), levels, input)];
}

const SUPERPAGE = 1 << 7;

function levelLines(xen: Xen, root: number, levels: number, input: number): string[] {
  const lines: string[] = [];
  let table = root;
  for (let level = levels; level > 0; level--) {
    const index = Math.floor(input / 512 ** (level - 1)) % 512;
    const lo = xen.ram.read32(table * 4096 + index * 8);
    const hi = xen.ram.read32(table * 4096 + index * 8 + 4);
    const place = `    l${level}[${hex(index, 3)}]`;
    const rights = `${lo & 1 ? 'r' : '-'}${lo & 2 ? 'w' : '-'}`;
    const present = (lo & 3) !== 0;
    if (xen.profile.vtdWalkLine === 'with-rights') lines.push(`${place} = ${hex64(lo, hi)} ${rights}`);
    else lines.push(`${place} = ${hex64(lo, hi)}`, ...(present ? [] : [`${place} not present`]));
    if (!present || (lo & SUPERPAGE) !== 0) break;
    table = entryFrame(lo, hi & 0xf_ffff);
  }
  return lines;
}
