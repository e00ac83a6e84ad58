import { eventKindNamed } from '../../formats/smmuv3-event-kinds.js';
import type { EventDraft, LogSource } from '../event.js';
import type { LogFacts } from '../facts.js';
import type { EventForm, FormLine, LineForm, MoreForm } from '../form.js';
import { atUnit, ofDevice, ofStream } from '../smmu-unit.js';
import {
  COMMAND_DOUBLEWORDS,
  COMMAND_SKIPPED,
  readCommandQueueError,
  readFailedCommand,
  readGlobalError,
  readGlobalErrorBit,
} from '../smmu-v3-error.js';
import {
  addressBit,
  doubleword,
  EVENT_DOUBLEWORDS,
  printedWords,
  readEventKind,
  readEventRecord,
  readEventType,
} from '../smmu-v3-event.js';
import { hexNumber, hexValue } from '../values.js';
import { type Driver, troubleForms } from './driver-lines.js';

/** Events and errors of SMMUv3: Xen's drivers/passthrough/arm/smmu-v3.c, Linux's drivers/iommu/arm/arm-smmu-v3. */

/** Lines of a record or a command, and Linux's words for an event. */
const RECORD = 'smmuv3-record';
const GERROR = 'smmuv3-gerror';
const PRI = 'smmuv3-page-request';

const XEN: Driver = { source: 'xen', unit: 'smmuv3', prefixes: ['SMMUv3: {unit:name}: '] };
/** Without its driver, as where that is unbound under way, a unit is a `platform` device. */
const LINUX: Driver = {
  source: 'linux',
  unit: 'smmuv3',
  prefixes: ['arm-smmu-v3 {unit:name}: ', 'platform {unit:name}: '],
};

/** The unit that speaks. Returns false where it is another than the one of the event, or another system's driver. */
function sameUnit(source: LogSource, { fields }: FormLine, event: EventDraft): false | undefined {
  const unit = fields.unit!;
  if (event.source !== source) return false;
  if (event.details.unit !== undefined && event.details.unit !== unit) return false;
  atUnit(event, unit);
  return undefined;
}

const event = (driver: Driver, rest: Pick<EventForm, 'texts' | 'printedBy' | 'read'> & Partial<EventForm>) =>
  ({ role: 'event', source: driver.source, unit: 'smmuv3', kind: 'dma-fault', ...rest }) satisfies EventForm;

const more = (rest: Omit<MoreForm, 'role'>): MoreForm => ({ role: 'more', ...rest });

/** A doubleword of an event record or of a command that failed: each has its number of them. */
function readWord(line: FormLine, draft: EventDraft, facts: LogFacts): false | undefined {
  const digits = line.fields.word! + (line.fields.low ?? '');
  const word = doubleword(digits);
  const printed = printedWords(draft).length / 2;
  const command = draft.kind === 'command-error';
  if (word === undefined || printed >= (command ? COMMAND_DOUBLEWORDS : EVENT_DOUBLEWORDS)) return false;
  // A record's first word repeats the event's type: another is not the first.
  if (!command && printed === 0 && draft.reason !== null && (word[0] & 0xff) !== draft.reason.code)
    return false;
  // A paste may begin in a record: its first word has the event's type, and zeros behind it.
  if (draft.reason === null && (word[0] & 0x700) !== 0) return false;
  draft.more.push(`0x${digits.replace(/^0x/i, '')}`);
  if (command) readFailedCommand(draft, facts, printedWords(draft));
  else readEventRecord(draft, facts, printedWords(draft));
  return undefined;
}

/** What both systems print alike, with their own prefix. */
function commonForms(driver: Driver): LineForm[] {
  const { source } = driver;
  const [prefix] = driver.prefixes;
  const printedBy = source === 'xen' ? 'Xen since 4.15' : 'Linux';
  const alone = { source, unit: 'smmuv3', kind: 'dma-fault' } as const;
  return [
    event(driver, {
      opens: RECORD,
      texts: [`${prefix}event {type:hex} received:`],
      printedBy,
      read(line, draft, facts) {
        const type = hexNumber(line.fields.type);
        if (type === null || type > 0xff || sameUnit(source, line, draft) === false) return false;
        readEventType(draft, facts, type);
        return undefined;
      },
    }),
    more({
      continues: RECORD,
      alone,
      // Some mails broke the doublewords in two.
      texts: [`${prefix}0x{word:hex}`, `${prefix}0x{word:hex} {low:hex}`],
      printedBy,
      read(line, draft, facts) {
        return sameUnit(source, line, draft) ?? readWord(line, draft, facts);
      },
    }),
    event(driver, {
      kind: 'command-error',
      opens: RECORD,
      texts: [`${prefix}CMDQ error (cons {cons:hex}): {text:text}`],
      printedBy,
      read(line, draft) {
        if (sameUnit(source, line, draft) === false) return false;
        readCommandQueueError(draft, hexNumber(line.fields.cons) ?? 0);
        return undefined;
      },
    }),
    more({
      continues: RECORD,
      alone: { ...alone, kind: 'command-error' },
      texts: [`${prefix}skipping command in error state:`],
      printedBy,
      read(line, draft) {
        if (draft.kind !== 'command-error' || draft.details.command !== undefined) return false;
        draft.reason ??= COMMAND_SKIPPED;
        return sameUnit(source, line, draft);
      },
    }),
    ...['retrying command fetch', 'failed to convert to CMD_SYNC'].map((text) =>
      more({
        continues: RECORD,
        texts: [`${prefix}${text}`],
        printedBy,
        read(line, draft) {
          if (draft.kind !== 'command-error' || draft.more.includes(text)) return false;
          if (sameUnit(source, line, draft) === false) return false;
          draft.more.push(text);
          return undefined;
        },
      }),
    ),
    event(driver, {
      kind: 'command-error',
      opens: GERROR,
      texts: [`${prefix}unexpected global error reported ({gerror:hex}), this could be serious`],
      printedBy,
      read(line, draft) {
        if (sameUnit(source, line, draft) === false) return false;
        readGlobalError(draft, hexNumber(line.fields.gerror) ?? 0);
        return undefined;
      },
    }),
    ...GERROR_LINES.map(([text, bit]) =>
      more({
        continues: GERROR,
        alone: { ...alone, kind: 'command-error' },
        texts: [`${prefix}${text}`],
        printedBy,
        read(line, draft) {
          if (sameUnit(source, line, draft) === false || draft.more.includes(text)) return false;
          if (draft.reason === null) readGlobalErrorBit(draft, bit);
          else if (!draft.bits.some(({ name }) => name === bit)) return false;
          draft.more.push(text);
          return undefined;
        },
      }),
    ),
    event(driver, {
      opens: PRI,
      texts: [`${prefix}unexpected PRI request received:`],
      printedBy,
      read(line, draft) {
        draft.reason = PAGE_REQUEST;
        return sameUnit(source, line, draft);
      },
    }),
    more({
      continues: PRI,
      alone,
      texts: [
        `${prefix}sid {stream:hex}.0x{substream:hex}: [{group:text}] {who:word} {rights:word} access at iova {iova:hex}`,
        `${prefix}sid {stream:hex}.0x{substream:hex}: [{group:text}] {who:word} access at iova {iova:hex}`,
      ],
      printedBy,
      read(line, draft, facts) {
        if (draft.address !== null || sameUnit(source, line, draft) === false) return false;
        readPageRequest(line, draft, facts);
        return undefined;
      },
    }),
    ...troubleForms(
      driver,
      'command-error',
      null,
      TROUBLES.map(([text, name, meaning]) => [text, name, printedBy, meaning]),
    ),
  ];
}

/** The lines behind a global error and its bits (smmu-v3.c, arm_smmu_gerror_handler). */
const GERROR_LINES: readonly (readonly [text: string, bit: string])[] = [
  ['device has entered Service Failure Mode!', 'SFM_ERR'],
  ['GERROR MSI write aborted', 'MSI_GERROR_ABT_ERR'],
  ['PRIQ MSI write aborted', 'MSI_PRIQ_ABT_ERR'],
  ['EVTQ MSI write aborted', 'MSI_EVENTQ_ABT_ERR'],
  ['CMDQ MSI write aborted', 'MSI_CMDQ_ABT_ERR'],
  ['PRIQ write aborted -- events may have been lost', 'PRIQ_ABT_ERR'],
  ['EVTQ write aborted -- events may have been lost', 'EVENTQ_ABT_ERR'],
];

const PAGE_REQUEST = {
  code: null,
  name: 'page-request',
  meaning: 'a device asks for a page (PRI), which nobody has enabled',
  manual: 'Arm SMMUv3 architecture, IHI 0070F §8',
} as const;

/** A page request in words. Its permissions are letters: R, W, X. */
function readPageRequest({ fields }: FormLine, draft: EventDraft, facts: LogFacts): void {
  draft.reason ??= PAGE_REQUEST;
  ofStream(draft, facts, hexNumber(fields.stream) ?? 0);
  draft.address = hexValue(fields.iova);
  const substream = hexNumber(fields.substream) ?? 0;
  if (substream !== 0) draft.details.substream = `0x${substream.toString(16)}`;
  const rights = fields.rights ?? '';
  if (rights !== '') draft.access = rights.includes('W') ? 'write' : 'read';
  draft.details.request = `${fields.who} ${rights}`.trim();
}

/** Troubles of the unit's queues that one line tells. */
const TROUBLES: readonly (readonly [text: string, name: string, meaning: string])[] = [
  [
    'EVTQ overflow detected -- events lost',
    'event-queue-overflow',
    'events came faster than they were read; some are lost',
  ],
  [
    'PRIQ overflow detected -- requests lost',
    'page-request-overflow',
    'page requests came faster than they were read; some are lost',
  ],
  ['CMDQ timeout', 'command-queue-timeout', 'the SMMU does not read its command queue'],
  [
    'CMD_SYNC timeout< at {prod:hex} [hwprod {hwprod:hex}, hwcons {hwcons:hex}]>',
    'command-sync-timeout',
    'the SMMU did not finish its commands in time: translations that were taken back may still be used',
  ],
  ['ignoring unknown CMDQ opcode {opcode:hex}', 'command-unknown', 'the driver knows no such command'],
];

/** Linux's words for an event, behind its record. */
const LINUX_WORDS: readonly LineForm[] = [
  more({
    continues: RECORD,
    alone: { source: 'linux', unit: 'smmuv3', kind: 'dma-fault' },
    texts: ['{client:place}', '(unassigned sid)'].map(
      (client) =>
        `arm-smmu-v3 {unit:name}: event: {name:word} client: ${client} sid: {stream:hex} ssid: {substream:hex}< iova: {iova:hex} ipa: {ipa:hex}>< fetch_addr: {fetch:hex}>`,
    ),
    printedBy: 'Linux since 6.14',
    read(line, draft, facts) {
      if (draft.kind === 'command-error' || sameUnit('linux', line, draft) === false) return false;
      return readWords(line, draft, facts);
    },
  }),
  more({
    continues: RECORD,
    texts: [
      'arm-smmu-v3 {unit:name}: {who:word} {what:word} {access:word} {stage:word} "{class:text}"{rest:text}',
    ],
    printedBy: 'Linux since 6.14',
    read(line, draft) {
      const { access, stage, who, what } = line.fields;
      if (draft.kind === 'command-error' || (access !== 'read' && access !== 'write')) return false;
      if (sameUnit('linux', line, draft) === false) return false;
      draft.access = access;
      draft.details.stage = stage === 's2' ? '2' : '1';
      draft.details.request = `${who} ${what}`;
      return undefined;
    },
  }),
];

function readWords({ fields }: FormLine, draft: EventDraft, facts: LogFacts): false | undefined {
  const kind = eventKindNamed(fields.name!);
  if (draft.reason !== null && kind !== undefined && draft.reason.code !== kind.code) return false;
  // The next event of the same kind, the record of which was left out, is another.
  if (draft.more.some((said) => said.startsWith('client '))) return false;
  draft.more.push(`client ${fields.client ?? 'unassigned'}`);
  if (draft.reason === null) {
    if (kind === undefined) readEventType(draft, facts, 0xff);
    else readEventKind(draft, kind);
  }
  ofStream(draft, facts, hexNumber(fields.stream) ?? 0);
  const substream = hexNumber(fields.substream) ?? 0;
  if (substream !== 0) draft.details.substream = `0x${substream.toString(16)}`;
  if (fields.iova !== undefined) draft.address = hexValue(fields.iova);
  // Without the record's words, the line is all there is.
  if (draft.bits.length === 0) {
    for (const [name, said] of [
      ['IPA', fields.ipa],
      ['FetchAddr', fields.fetch],
    ] as const) {
      const value = hexValue(said);
      if (value !== null && value !== 0n) draft.bits.push(addressBit(name, Number(value)));
    }
  }
  if (fields.client !== undefined) ofDevice(draft, fields.client);
  else draft.details.client = 'none: no driver has the stream';
  return undefined;
}

export const SMMUV3_FORMS: readonly LineForm[] = [
  ...commonForms(XEN),
  ...commonForms(LINUX),
  ...LINUX_WORDS,
  ...troubleForms(LINUX, 'command-error', null, [
    [
      'unexpected error reported. vintf_map: {vintf:hex}, vcmdq_map{vcmdq:text}',
      'virtual-command-queue-error',
      'Linux since 6.12 (Tegra 241)',
      'a command of a virtual command queue failed',
    ],
  ]),
];
