import type { EventDraft, LogSource } from '../event.js';
import type { LogFacts } from '../facts.js';
import type { EventForm, FactForm, FormLine, LineForm, MoreForm } from '../form.js';
import { atUnit, linuxSpeaker, ofDevice, ofStream, saidByXen } from '../smmu-unit.js';
import {
  CONTEXT_FAULT,
  GLOBAL_FAULT,
  readCbfrsynra,
  readFsr,
  readFsynr0,
  readGlobal,
  UNKNOWN_STREAM,
} from '../smmu-v2-fault.js';
import type { Fields } from '../template.js';
import { decimal, hexNumber, hexValue } from '../values.js';
import { troubleForms } from './driver-lines.js';

/** Faults of SMMUv1 and SMMUv2: Xen's drivers/passthrough/arm/smmu.c, Linux's drivers/iommu/arm/arm-smmu. */

const CONTEXT = 'smmuv2-context';
const GLOBAL = 'smmuv2-global';

/** The unit that speaks in Linux. Returns false where Xen does, whose forms are others. */
function linuxUnit({ before }: FormLine, event: EventDraft): false | undefined {
  if (saidByXen(before)) return false;
  atUnit(event, linuxSpeaker(before)?.device ?? null);
  return undefined;
}

/** What the names of fields say of a context fault, wherever the line has them. */
function readContext(fields: Fields, event: EventDraft, facts: LogFacts): void {
  const number = (name: string) => hexNumber(fields[name]);
  const [fsr, fsynr0, cbfrsynra, stream] = [
    number('fsr'),
    number('fsynr'),
    number('cbfrsynra'),
    number('stream'),
  ];
  if (fields.unit !== undefined) atUnit(event, fields.unit);
  if (fields.iova !== undefined) event.address = hexValue(fields.iova);
  if (fsr !== null) readFsr(event, fsr);
  if (fsynr0 !== null) readFsynr0(event, fsynr0);
  if (cbfrsynra !== null) readCbfrsynra(event, facts, cbfrsynra);
  if (stream !== null) ofStream(event, facts, stream);
  if (fields.cb !== undefined) event.details.cb = fields.cb;
  event.reason ??= CONTEXT_FAULT;
}

/** A status that was printed on the line before the fault, by Xen before 4.12. */
const FSR_BEFORE = 'smmuv2 fsr';

const statusBefore = (prefix: string, printedBy: string): FactForm => ({
  role: 'fact',
  texts: [`${prefix}Unexpected context fault (fsr {fsr:hex})`],
  printedBy,
  read({ fields, line }, facts) {
    facts.other.set(FSR_BEFORE, { value: `${fields.unit} ${fields.fsr}`, line });
  },
});

/** The fields of a fault of a unit, with the status of the line before where the fault's own has none. */
function withStatus(fields: Fields, unit: string | undefined, line: number, facts: LogFacts): Fields {
  const said = facts.other.get(FSR_BEFORE);
  const [speaker, fsr] = said?.value.split(' ') ?? [];
  const near = said !== undefined && line - said.line <= 2 && speaker === unit;
  return near && fsr !== undefined ? { fsr, ...fields } : fields;
}

const XEN_FORMS: readonly LineForm[] = [
  statusBefore('smmu: {unit:name}: ', 'Xen 4.6 to 4.11, before the next'),
  {
    role: 'event',
    source: 'xen',
    unit: 'smmuv2',
    kind: 'dma-fault',
    opens: CONTEXT,
    texts: [
      'smmu: {unit:name}: Unhandled context fault: fsr={fsr:hex}, iova={iova:hex}, fsynr={fsynr:hex}, cb={cb:dec}',
      'smmu: {unit:name}: Unhandled context fault: iova={iova:hex}, fsynr={fsynr:hex}, cb={cb:dec}',
    ],
    printedBy: 'Xen since 4.12; 4.6 to 4.11 without fsr',
    read({ fields, line }, event, facts) {
      readContext(withStatus(fields, fields.unit, line, facts), event, facts);
      return undefined;
    },
  },
  {
    role: 'event',
    source: 'xen',
    unit: 'smmuv2',
    kind: 'dma-fault',
    opens: GLOBAL,
    texts: ['smmu: {unit:name}: Unexpected global fault, this could be serious'],
    printedBy: 'Xen since 4.6',
    read({ fields }, event) {
      atUnit(event, fields.unit!);
      event.reason = GLOBAL_FAULT;
      return undefined;
    },
  },
];

/** The registers behind the line that announces a global fault. */
function globalRegisters(source: LogSource, prefix: string): MoreForm {
  return {
    role: 'more',
    continues: GLOBAL,
    alone: { source, unit: 'smmuv2', kind: 'dma-fault' },
    texts: [`${prefix}GFSR {gfsr:hex}, GFSYNR0 {gfsynr0:hex}, GFSYNR1 {gfsynr1:hex}, GFSYNR2 {gfsynr2:hex}`],
    printedBy: source === 'xen' ? 'Xen since 4.6' : 'Linux',
    read(line, event, facts) {
      const { fields } = line;
      if (event.source !== source) return false;
      const unit = fields.unit ?? linuxSpeaker(line.before)?.device ?? null;
      if (source === 'linux' && saidByXen(line.before)) return false;
      if (event.details.unit !== undefined && unit !== null && unit !== event.details.unit) return false;
      // Only one line of registers belongs to a fault.
      if (typeof event.reason?.code === 'number') return false;
      atUnit(event, unit);
      const [gfsr, gfsynr0, gfsynr1] = [
        hexNumber(fields.gfsr),
        hexNumber(fields.gfsynr0),
        hexNumber(fields.gfsynr1),
      ];
      readGlobal(event, facts, { gfsr, gfsynr0, gfsynr1 });
      return undefined;
    },
  };
}

const linuxContext = (texts: readonly string[], printedBy: string): EventForm => ({
  role: 'event',
  source: 'linux',
  unit: 'smmuv2',
  kind: 'dma-fault',
  opens: CONTEXT,
  texts,
  printedBy,
  read(line, event, facts) {
    if (linuxUnit(line, event) === false) return false;
    const stream = decimal(line.fields.sid);
    if (stream !== null) ofStream(event, facts, stream);
    readContext(withStatus(line.fields, event.details.unit, line.line, facts), event, facts);
    return undefined;
  },
});

/**
 * A register of a context bank on a line of its own, `name = value`. Each once an event: of faults whose first line was left
 * out (Linux 6.11), the registers of the next one begin with the same name.
 */
function linuxRegister(name: string, rest: string, printedBy: string, alone = false): MoreForm {
  return {
    role: 'more',
    continues: CONTEXT,
    ...(alone ? { alone: { source: 'linux', unit: 'smmuv2', kind: 'dma-fault' } } : {}),
    texts: [`arm-smmu {unit:name}: ${name}${rest}`],
    printedBy,
    read({ fields: { unit, ...fields } }, event, facts) {
      if (event.details.unit !== undefined && unit !== event.details.unit) return false;
      if (event.more.some((line) => line.startsWith(`${name} `))) return false;
      atUnit(event, unit!);
      readContext(fields, event, facts);
      event.more.push(`${name} = ${Object.values(fields).join(' ')}`);
      return undefined;
    },
  };
}

const LINUX_FORMS: readonly LineForm[] = [
  statusBefore('arm-smmu {unit:name}: ', 'Linux 3.13 to 4.4, before the next'),
  linuxContext(
    [
      'Unhandled context fault: fsr={fsr:hex}, iova={iova:hex}, fsynr={fsynr:hex}, cbfrsynra={cbfrsynra:hex}, cb={cb:dec}',
      'Unhandled context fault: fsr={fsr:hex}, iova={iova:hex}, fsynr={fsynr:hex}, cb={cb:dec}',
      'Unhandled context fault: iova={iova:hex}, fsynr={fsynr:hex}, cb={cb:dec}<, sid={sid:dec}(>',
    ],
    'Linux since 5.1 (arm-smmu, nvidia); before without cbfrsynra (qcom_iommu still is); with sid NVIDIA’s 4.4 and 4.9',
  ),
  linuxContext(
    [
      'Unhandled context fault: iova={iova:hex}, cb={cb:dec}, fsr={fsr:hex}, fsynr0={fsynr:hex}, fsynr1={fsynr1:hex}',
    ],
    'Qualcomm’s kernels 4.x',
  ),
  {
    role: 'event',
    source: 'linux',
    unit: 'smmuv2',
    kind: 'dma-fault',
    opens: CONTEXT,
    texts: ['Unhandled arm-smmu context fault from {device:place}'],
    printedBy: 'Qualcomm’s kernels 5.x',
    read(line, event) {
      atUnit(event, linuxSpeaker(line.before)?.device ?? null);
      ofDevice(event, line.fields.device!.replace(/!$/, ''));
      event.reason = CONTEXT_FAULT;
      return undefined;
    },
  },
  linuxRegister(
    'FSR',
    ' = {fsr:hex} [{flags:text}]<, SID={stream:hex}>',
    'Linux since 6.11; Qualcomm’s kernels',
    true,
  ),
  linuxRegister('FSYNR0', ' = {fsynr:hex}', 'Linux since 6.11; Qualcomm’s kernels', true),
  linuxRegister('FAR', ' = {iova:hex}', 'Qualcomm’s kernels 5.x'),
  linuxRegister('context bank#', ' = {cb:hex}', 'Qualcomm’s kernels 5.x'),
  linuxRegister('SID', ' = {stream:hex}', 'Qualcomm’s kernels 5.x'),
  linuxRegister('soft iova-to-phys', '={address:hex}', 'Linux since 6.10, SMMUs of Qualcomm'),
  linuxRegister('hard iova-to-phys', ' (ATOS)={address:hex}', 'Linux since 6.10, SMMUs of Qualcomm'),
  {
    role: 'event',
    source: 'linux',
    unit: 'smmuv2',
    kind: 'dma-fault',
    texts: [
      '*** gpu fault: ttbr0={ttbr0:hex} iova={iova:hex} dir={dir:word} type={type:word} source={source:name}',
      '*** gpu fault: iova={iova:hex}',
    ],
    printedBy: 'Linux since 5.14 (drm/msm, GPUs of Qualcomm)',
    read({ fields }, event) {
      const kind = GPU_KINDS[fields.type ?? ''] ?? null;
      event.address = hexValue(fields.iova);
      if (fields.dir !== undefined) event.access = fields.dir === 'WRITE' ? 'write' : 'read';
      if (fields.source !== undefined) event.details.source = fields.source;
      if (kind === null) event.reason = CONTEXT_FAULT;
      else {
        readFsr(event, kind);
        // The line has the kind alone, not the register.
        event.reason = { ...event.reason!, code: null };
        event.bits.length = 0;
      }
      return undefined;
    },
  },
  {
    role: 'event',
    source: 'linux',
    unit: 'smmuv2',
    kind: 'dma-fault',
    opens: GLOBAL,
    texts: ['Unexpected global fault, this could be serious'],
    printedBy: 'Linux',
    read(line, event) {
      event.reason = GLOBAL_FAULT;
      return linuxUnit(line, event);
    },
  },
  {
    role: 'event',
    source: 'linux',
    unit: 'smmuv2',
    kind: 'dma-fault',
    opens: GLOBAL,
    texts: ['Blocked unknown Stream ID {stream:hex}; boot with "{option:text}" to allow'],
    printedBy: 'Linux since 5.2',
    read(line, event, facts) {
      if (linuxUnit(line, event) === false) return false;
      event.reason = UNKNOWN_STREAM;
      ofStream(event, facts, hexNumber(line.fields.stream) ?? 0);
      event.details.option = line.fields.option!;
      return undefined;
    },
  },
];

/** The types that the driver of Qualcomm's GPUs prints, as bits of FSR. */
const GPU_KINDS: Readonly<Record<string, number>> = {
  TRANSLATION: 1 << 1,
  PERMISSION: 1 << 3,
  EXTERNAL: 1 << 4,
};

/** The driver and device before a message of Linux: `macb ff0e0000.ethernet eth0`. */
const driverWords = (before: string): string[] =>
  before.slice(-200).trim().replace(/:$/, '').split(/\s+/).slice(-3);

/**
 * A device's driver saw its DMA fail: the device is probably the one of a fault nearby. That stays a guess, so that the
 * event's device is left alone; the line is kept with the fault, and noted for its causes.
 */
function noteDmaError({ before, line }: Pick<FormLine, 'before' | 'line'>, facts: LogFacts): string {
  const words = driverWords(before);
  const device = words.find((word) => /[.@]/.test(word)) ?? words.at(-1) ?? '';
  if (device !== '') facts.of(facts.devices, device, { value: DMA_ERROR, line });
  facts.other.set('dma-error', { value: words.join(' '), line });
  return words.join(' ');
}

/** Lines kept with an event; a device that fails on and on says no more. */
const MORE_AT_MOST = 32;

const DMA_ERROR = 'DMA bus error: HRESP not OK';
const CADENCE = 'Linux, drivers/net/ethernet/cadence';

const DEVICE_ERRORS: readonly [MoreForm, FactForm] = [
  {
    role: 'more',
    continues: CONTEXT,
    texts: [DMA_ERROR],
    printedBy: CADENCE,
    read(line, event, facts) {
      const said = `${noteDmaError(line, facts)}: ${DMA_ERROR}`;
      if (event.more.includes(said) || event.more.length >= MORE_AT_MOST) return false;
      event.more.push(said);
      return undefined;
    },
  },
  {
    role: 'fact',
    texts: [DMA_ERROR],
    printedBy: CADENCE,
    read: (line, facts) => void noteDmaError(line, facts),
  },
];

const XEN_DRIVER = { source: 'xen', unit: 'smmuv2', prefixes: ['smmu: {unit:name}: '] } as const;
const LINUX_DRIVER = { source: 'linux', unit: 'smmuv2', prefixes: ['arm-smmu {unit:name}: '] } as const;

const SYNC =
  'the SMMU did not finish an invalidation in time: translations that were taken back may still be used';

export const SMMUV2_FORMS: readonly LineForm[] = [
  ...XEN_FORMS,
  globalRegisters('xen', 'smmu: {unit:name}: '),
  ...LINUX_FORMS,
  globalRegisters('linux', ''),
  ...troubleForms(XEN_DRIVER, 'command-error', null, [
    ['TLB sync timed out -- SMMU may be deadlocked', 'tlb-sync-timeout', 'Xen since 4.6', SYNC],
  ]),
  ...troubleForms(LINUX_DRIVER, 'command-error', null, [
    ['TLB sync timed out -- SMMU may be deadlocked', 'tlb-sync-timeout', 'Linux', SYNC],
    ['TLB global sync failed!', 'tlb-sync-timeout', 'Qualcomm’s kernels', SYNC],
    [
      'TLB sync on cb{cb:dec} failed for device {device:place}',
      'tlb-sync-timeout',
      'Qualcomm’s kernels',
      SYNC,
    ],
    [
      'iova to phys timed out on {iova:hex}. Falling back to software table walk.',
      'address-translation-timeout',
      'Linux',
      'an address translation operation did not finish in time',
    ],
  ]),
  ...DEVICE_ERRORS,
];
