import { AmdviEvent } from '../../formats/amdvi-events.js';
import { sbdfText } from '../../formats/requester.js';
import { tellCommandWord, tellDeviceEntryWord } from '../amdvi-dumps.js';
import { tellAmdviEntry, tellAmdviWords } from '../amdvi-events.js';
import type { EventDraft, EventReason } from '../event.js';
import type { EventForm, FormLine, LineForm, MoreForm } from '../form.js';
import { hexNumber, hexValue, lastSbdf, sbdfOf } from '../values.js';

/**
 * Linux prints `AMD-Vi: Event logged [` (`AMD IOMMU: ` up to 2.6.32) before each event. In older ones that is a print of its
 * own, which another message can part from the rest. The templates begin behind it.
 */
const DEVICE_ENTRY = 'linux-amdvi-dte';
const COMMAND = 'linux-amdvi-command';
const UNATTACHED = 'linux-amdvi-unattached';

const event = (
  texts: readonly string[],
  printedBy: string,
  read: EventForm['read'],
  opens?: string,
): EventForm => ({
  role: 'event',
  source: 'linux',
  unit: 'amdvi',
  kind: 'dma-fault',
  ...(opens === undefined ? {} : { opens }),
  texts,
  printedBy,
  read,
});

/** The driver of a device as Linux prints it before a message, `pci` for a device without one, and as much as is looked at. */
const DRIVER = /(?:^|\s)(?!pci |iommu )([\w-]{1,64}) [0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]: AMD-Vi: /;
const BEFORE_AT_MOST = 160;

/** An event of the unit's log by its fields: the device in the line, or in what its driver printed before. */
const entry = (code: number, texts: readonly string[], printedBy: string, opens?: string): EventForm =>
  event(
    texts,
    printedBy,
    ({ fields, before, line }, draft, facts) => {
      tellAmdviEntry(draft, {
        code,
        flags: fields.flags === undefined ? null : hexNumber(fields.flags),
        device: fields.device === undefined ? lastSbdf(before.slice(-BEFORE_AT_MOST)) : sbdfOf(fields.device),
        id: hexNumber(fields.id ?? fields.pasid),
        address: hexValue(fields.address),
      });
      const driver = DRIVER.exec(before.slice(-BEFORE_AT_MOST))?.[1];
      if (driver !== undefined && draft.device !== null) {
        facts.of(facts.devices, draft.device, { value: `driver ${driver}`, line });
      }
      if (fields.tag !== undefined) draft.details.tag = fields.tag;
      if (fields.vmg !== undefined) draft.details['VMGuard tag'] = fields.vmg;
      if (fields.rmp !== undefined) draft.details['RMP flags'] = fields.rmp;
      return undefined;
    },
    opens,
  );

const ADDRESS_AND_FLAGS = 'address={address:hex} flags={flags:hex}';
const ALWAYS = 'Linux; the segment of the device in 6.x';

const ENTRIES: readonly LineForm[] = [
  entry(
    AmdviEvent.IO_PAGE_FAULT,
    [`IO_PAGE_FAULT domain={id:hex} ${ADDRESS_AND_FLAGS}`],
    'Linux 4.x and later, behind the device and its driver',
  ),
  entry(
    AmdviEvent.IO_PAGE_FAULT,
    [`IO_PAGE_FAULT device={device:bdf}< domain={id:hex}>< pasid={pasid:hex}> ${ADDRESS_AND_FLAGS}`],
    `${ALWAYS}; later only for a device that the kernel does not know`,
  ),
  entry(
    AmdviEvent.ILLEGAL_DEV_TABLE_ENTRY,
    [`ILLEGAL_DEV_TABLE_ENTRY device={device:bdf}< pasid={pasid:hex}> ${ADDRESS_AND_FLAGS}`],
    `${ALWAYS}, the PASID in 4.x and later`,
    DEVICE_ENTRY,
  ),
  entry(
    AmdviEvent.DEV_TAB_HARDWARE_ERROR,
    [`DEV_TAB_HARDWARE_ERROR device={device:bdf} ${ADDRESS_AND_FLAGS}`],
    ALWAYS,
  ),
  entry(
    AmdviEvent.PAGE_TAB_HARDWARE_ERROR,
    [
      `PAGE_TAB_HARDWARE_ERROR device={device:bdf}< domain={id:hex}>< pasid={pasid:hex}> ${ADDRESS_AND_FLAGS}`,
    ],
    `${ALWAYS}; older ones call the same number domain, later ones pasid`,
  ),
  entry(AmdviEvent.ILLEGAL_COMMAND_ERROR, ['ILLEGAL_COMMAND_ERROR address={address:hex}'], 'Linux', COMMAND),
  entry(AmdviEvent.COMMAND_HARDWARE_ERROR, [`COMMAND_HARDWARE_ERROR ${ADDRESS_AND_FLAGS}`], 'Linux'),
  entry(
    AmdviEvent.IOTLB_INV_TIMEOUT,
    ['IOTLB_INV_TIMEOUT device={device:bdf} address={address:hex}'],
    ALWAYS,
  ),
  entry(
    AmdviEvent.INVALID_DEVICE_REQUEST,
    [`INVALID_DEVICE_REQUEST device={device:bdf}< pasid={pasid:hex}> ${ADDRESS_AND_FLAGS}`],
    `${ALWAYS}, the PASID in 4.x and later`,
  ),
  entry(
    AmdviEvent.INVALID_PPR_REQUEST,
    [`INVALID_PPR_REQUEST device={device:bdf}< pasid={pasid:hex}> ${ADDRESS_AND_FLAGS}< tag={tag:hex}>`],
    'Linux 4.x and later',
  ),
  entry(
    AmdviEvent.RMP_PAGE_FAULT,
    [
      'RMP_PAGE_FAULT vmg_tag={vmg:hex}, gpa={address:hex}, flags_rmp={rmp:hex}, flags={flags:hex}',
      'RMP_PAGE_FAULT device={device:bdf}, vmg_tag={vmg:hex}, gpa={address:hex}, flags_rmp={rmp:hex}, flags={flags:hex}',
    ],
    'Linux 5.x and later, for hosts of SEV-SNP',
  ),
  entry(
    AmdviEvent.RMP_HARDWARE_ERROR,
    [
      'RMP_HW_ERROR vmg_tag={vmg:hex}, spa={address:hex}, flags={flags:hex}',
      'RMP_HW_ERROR device={device:bdf}, vmg_tag={vmg:hex}, spa={address:hex}, flags={flags:hex}',
    ],
    'Linux 5.x and later, for hosts of SEV-SNP',
  ),
];

const ours = (name: string, meaning: string): EventReason => ({ code: null, name, meaning, manual: null });

const UNNAMED: readonly LineForm[] = [
  event(
    ['UNKNOWN event[0]={w0:hex} event[1]={w1:hex} event[2]={w2:hex} event[3]={w3:hex}'],
    'Linux 4.x and later',
    ({ fields }, draft) => {
      const words = [fields.w0, fields.w1, fields.w2, fields.w3].map(hexNumber);
      if (words.includes(null)) return false;
      return tellAmdviWords(draft, words as [number, number, number, number], undefined) ? undefined : false;
    },
  ),
  event(['UNKNOWN type={type:hex}]'], 'Linux up to 4.x', ({ fields, before }, draft) => {
    const code = hexNumber(fields.type);
    // The first print of the line may have been parted from it.
    if (code === null || (before.trim() !== '' && !before.endsWith('Event logged ['))) return false;
    tellAmdviEntry(draft, { code, flags: null, device: null, id: null, address: null });
    return undefined;
  }),
  event(
    ['Event logged [Device not attached to domain properly]'],
    'Linux 5.x and later',
    (_, draft) => {
      draft.reason = {
        ...ours('IO_PAGE_FAULT', 'a fault of a device that the driver has put into no domain'),
        code: AmdviEvent.IO_PAGE_FAULT,
      };
      return undefined;
    },
    UNATTACHED,
  ),
];

const more = (
  continues: string,
  texts: readonly string[],
  printedBy: string,
  read: MoreForm['read'],
): MoreForm => ({ role: 'more', continues, texts, printedBy, read });

const INDEXES = [0, 1, 2, 3] as const;

const DUMPS: readonly LineForm[] = [
  ...INDEXES.map((index) =>
    more(DEVICE_ENTRY, [`DTE[${index}]: {word:hex}`], 'Linux', ({ fields }, draft) => {
      const word = hexValue(fields.word);
      if (word === null) return false;
      draft.more.push(`DTE[${index}]: ${fields.word}`);
      tellDeviceEntryWord(draft, index, word);
      return undefined;
    }),
  ),
  ...INDEXES.map((index) =>
    more(COMMAND, [`CMD[${index}]: {word:hex}`], 'Linux', ({ fields }, draft) => {
      const word = hexNumber(fields.word);
      if (word === null) return false;
      draft.more.push(`CMD[${index}]: ${fields.word}`);
      tellCommandWord(draft, index, word);
      return undefined;
    }),
  ),
  more(DEVICE_ENTRY, ['Control Reg : {word:hex}'], 'Linux after 6.12', ({ fields }, draft) => {
    draft.more.push(`control register ${fields.word}`);
    return undefined;
  }),
  more(
    UNATTACHED,
    ['AMD-Vi: device={device:bdf} domain={id:hex}'],
    'Linux 5.x and later',
    ({ fields }, draft) => {
      draft.device = sbdfOf(fields.device);
      draft.domain = hexNumber(fields.id);
      return undefined;
    },
  ),
];

/** Lines of the driver about its commands and logs. */
function trouble(
  texts: readonly string[],
  printedBy: string,
  name: string,
  meaning: string,
  tell?: (line: FormLine, draft: EventDraft) => void,
): EventForm {
  const form = event(texts, printedBy, (line, draft) => {
    draft.reason = ours(name, meaning);
    // What a driver prints for a device begins with it; of a unit that is the unit itself.
    draft.device =
      sbdfOf(line.fields.device?.replace(/:$/, '')) ?? lastSbdf(line.before.slice(-BEFORE_AT_MOST));
    tell?.(line, draft);
    return undefined;
  });
  return { ...form, kind: 'command-error' };
}

function tellPageRequest({ fields }: FormLine, draft: EventDraft): void {
  draft.address = hexValue(fields.address);
  draft.details.PASID = fields.pasid!;
  draft.details.tag = fields.tag!;
  draft.details.flags = fields.flags!;
}

const PAGE_REQUEST =
  '(device={device:bdf} pasid={pasid:hex} address={address:hex} flags={flags:hex} tag={tag:hex}';

const TROUBLES: readonly LineForm[] = [
  trouble(
    [
      'AMD-Vi: Completion-Wait loop timed out',
      'AMD-Vi: IOMMU {device:bdf} Completion-Wait loop timed out',
      'AMD IOMMU: Completion wait loop failed',
    ],
    'Linux; with the unit after 6.12, with the last wording 2.6.30 (and then it panics)',
    'completion-wait-timeout',
    'the unit did not carry out its commands in time, so that translations may still be remembered',
  ),
  trouble(
    ['AMD-Vi: Command buffer timeout'],
    'Linux',
    'command-buffer-full',
    'the unit does not take commands any more: its buffer stays full',
  ),
  trouble(
    [
      'AMD-Vi: IOMMU {log:word} log restarting',
      'AMD-Vi: IOMMU event log overflow',
      'AMD-Vi: IOMMU GA Log restarting',
      'AMD-Vi: IOMMU GA Log overflow',
    ],
    'Linux 5.x and later',
    'log-overflow',
    'a log of the unit was full, so that events were lost',
    ({ fields }, draft) => {
      if (fields.log !== undefined) draft.details.log = fields.log;
    },
  ),
  trouble(
    ['AMD-Vi: No event written to event log'],
    'Linux',
    'no-event-written',
    'the unit announced an event and wrote none (erratum 732)',
  ),
  trouble(
    ['AMD-Vi: Unknown PPR request received'],
    'Linux',
    'unknown-page-request',
    'the log of page requests holds an entry of an unknown kind',
  ),
  trouble(
    [`PPR logged [Request ignored due to GN=0 ${PAGE_REQUEST}`],
    'Linux 6.x',
    'page-request-without-pasid',
    'a page request (PRI) without a PASID was ignored',
    tellPageRequest,
  ),
  trouble(
    [`PPR logged [Invalid request format ${PAGE_REQUEST}`],
    'Linux 6.x',
    'page-request-malformed',
    'a page request (PRI) with reserved bits set was ignored',
    tellPageRequest,
  ),
  trouble(
    ['AMD-Vi: Invalid PASID : {pasid:hex}, device : {requester:hex}'],
    'Linux 6.x',
    'page-request-bad-pasid',
    'a page request (PRI) with a PASID that the device was not given was ignored',
    ({ fields }, draft) => {
      const requester = hexNumber(fields.requester);
      if (requester !== null) draft.device = sbdfText(requester);
      draft.details.PASID = fields.pasid!;
    },
  ),
  trouble(
    ['AMD-Vi: GA log notifier failed.'],
    'Linux',
    'guest-interrupt-lost',
    'nobody took an interrupt that the unit logged for a guest',
  ),
  trouble(
    ['AMD-Vi: IOMMU pte changed since we read it', 'AMD-Vi: AMD-Vi: IOMMU pte changed since we read it'],
    'Linux 5.x and later',
    'table-entry-changed',
    'an entry of the page tables changed while the driver was replacing it',
  ),
];

/** What Linux says of entries of AMD-Vi's event log, and of the unit's commands and logs. */
export const LINUX_AMDVI: readonly LineForm[] = [...ENTRIES, ...UNNAMED, ...DUMPS, ...TROUBLES];
