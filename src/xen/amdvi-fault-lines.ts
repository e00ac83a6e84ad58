import {
  AMDVI_ENTRY_BYTES,
  AMDVI_TABLES,
  deviceMode,
  deviceRoot,
  deviceTranslationValid,
} from '../formats/amdvi.js';
import { AmdviEvent, AmdviFault } from '../formats/amdvi-events.js';
import { sbdfText } from '../formats/requester.js';
import type { IommuFault } from '../hardware/iommu.js';
import type { Xen } from './state.js';
import { hex64 } from './vtd-fault-lines.js';

const hex = (value: number, digits = 1) => (value >>> 0).toString(16).padStart(digits, '0');

/** What Xen calls the events, which mostly is what the manual does. */
const EVENTS = new Map<number, string>([
  [AmdviEvent.ILLEGAL_DEV_TABLE_ENTRY, 'ILLEGAL_DEV_TABLE_ENTRY'],
  [AmdviEvent.IO_PAGE_FAULT, 'IO_PAGE_FAULT'],
  [AmdviEvent.DEV_TAB_HARDWARE_ERROR, 'DEV_TABLE_HW_ERROR'],
  [AmdviEvent.PAGE_TAB_HARDWARE_ERROR, 'PAGE_TABLE_HW_ERROR'],
  [AmdviEvent.ILLEGAL_COMMAND_ERROR, 'ILLEGAL_COMMAND_ERROR'],
  [AmdviEvent.COMMAND_HARDWARE_ERROR, 'COMMAND_HW_ERROR'],
  [AmdviEvent.IOTLB_INV_TIMEOUT, 'IOTLB_INV_TIMEOUT'],
  [AmdviEvent.INVALID_DEVICE_REQUEST, 'INVALID_DEV_REQUEST'],
]);

/** The flags of an I/O page fault as Xen names them, in its order. */
const FLAGS: readonly (readonly [mask: number, name: string])[] = [
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

/**
 * The lines of an entry of AMD-Vi's event log (parse_event_log_entry; dossier §7.2). The domain id is the tag in the device
 * table entry, printed like a domain's number whatever it stands for. Events other than page faults are their four words;
 * up to 4.13 only `iommu=debug` shows them.
 */
export function amdviFaultLines(xen: Xen, { requester, address, registers }: IommuFault): string[] {
  const { code = 0, flags = 0, did = 0, event0 = 0, event1 = 0, event2 = 0, event3 = 0 } = registers;
  const numbers = xen.profile.amdFaultLine === 'device-id';
  if (code !== AmdviEvent.IO_PAGE_FAULT) {
    const words = [event0, event1, event2, event3].map((word) => hex(word, 8)).join(' ');
    const line = `${EVENTS.get(code) ?? 'event'} ${words}`;
    if (!numbers) return [line];
    return xen.spec.verbosity === 'debug' ? [`AMD-Vi: ${line}`] : [];
  }
  if (numbers) {
    const at = `device id = 0x${hex(requester)}, fault address = 0x${address.toString(16)}`;
    return [`AMD-Vi: IO_PAGE_FAULT: domain = ${did}, ${at}, flags = 0x${hex(flags)}`];
  }
  const names = FLAGS.filter(([mask]) => flags & mask).map(([, name]) => ` ${name}`);
  const at = `addr ${address.toString(16).padStart(16, '0')}`;
  const walked = xen.spec.verbosity !== undefined && xen.profile.amdFaultWalk === 'printed';
  return [
    `AMD-Vi: IO_PAGE_FAULT: ${sbdfText(requester)} d${did} ${at} flags 0x${hex(flags)}${names.join('')}`,
    ...(walked ? tableLines(xen, requester, Math.floor(address / 4096)) : []),
  ];
}

/** amd_iommu_print_entries: what the tables in memory say, entry by entry down to the first that is absent. */
function tableLines(xen: Xen, requester: number, input: number): string[] {
  const { ram } = xen;
  const entry = xen.amdvi!.deviceTable * 4096 + requester * AMDVI_ENTRY_BYTES;
  const [word0, word1] = [ram.read32(entry), ram.read32(entry + 4)];
  if (!deviceTranslationValid(word0)) return [`${sbdfText(requester)}: no root`];
  let table = deviceRoot(word0, word1);
  let level = deviceMode(word0);
  const root = table.toString(16).padStart(5, '0');
  const lines = [
    `${sbdfText(requester)} root @ ${root} (${level} levels) dfn=${input.toString(16).padStart(5, '0')}`,
  ];
  while (level > 0) {
    const index = Math.floor(input / 512 ** (level - 1)) % 512;
    const lo = ram.read32(table * 4096 + index * 8);
    const hi = ram.read32(table * 4096 + index * 8 + 4);
    const present = AMDVI_TABLES.present(lo, hi, level);
    const rights = present ? AMDVI_TABLES.rights(lo, hi, level) : 0;
    const shown = present ? `${rights & 1 ? 'r' : '-'}${rights & 2 ? 'w' : '-'}` : 'np';
    lines.push(`  L${level}[${hex(index, 3)}] = ${hex64(lo, hi)} ${shown}`);
    if (!present) break;
    const next = AMDVI_TABLES.nextLevel!(lo, level);
    if (next >= level) {
      lines.push(`  L${level}[${hex(index, 3)}]: next: ${next}`);
      break;
    }
    table = AMDVI_TABLES.frame(lo, hi);
    level = next;
  }
  return lines;
}
