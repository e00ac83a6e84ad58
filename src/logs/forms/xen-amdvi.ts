import { AmdviEvent } from '../../formats/amdvi-events.js';
import { sbdfText } from '../../formats/requester.js';
import { tellWalkedEntry } from '../amdvi-dumps.js';
import { tellAmdviEntry, tellAmdviWords, XEN_EVENT_NAMES } from '../amdvi-events.js';
import type { EventDraft } from '../event.js';
import type { EventForm, FormLine, LineForm, MoreForm } from '../form.js';
import type { Fields } from '../template.js';
import { decimal, hexNumber, hexValue, sbdfOf } from '../values.js';

/** Domain ids from here on are what Xen gives quarantined devices (4.17 and later; dossier §7.2). */
const FIRST_QUARANTINE_ID = 0x8000;

/** What stands before a message of Xen is not longer. */
const PREFIX_AT_MOST = 64;

const WALK = 'xen-amdvi-walk';

const fault = (form: Pick<EventForm, 'texts' | 'printedBy' | 'read'>): EventForm => ({
  role: 'event',
  source: 'xen',
  unit: 'amdvi',
  kind: 'dma-fault',
  opens: WALK,
  ...form,
});

function tellPageFault(event: EventDraft, fields: Fields, device: string | null): void {
  tellAmdviEntry(event, {
    code: AmdviEvent.IO_PAGE_FAULT,
    flags: hexNumber(fields.flags),
    device,
    id: decimal(fields.domain),
    address: hexValue(fields.address),
  });
  if (typeof event.domain === 'number' && event.domain >= FIRST_QUARANTINE_ID) {
    event.details['domain is'] = 'an id of its own that Xen gives a quarantined device';
  }
}

const PAGE_FAULTS: readonly LineForm[] = [
  fault({
    texts: ['AMD-Vi: IO_PAGE_FAULT: {device:bdf} d{domain:dec} addr {address:hex} flags {flags:hex}'],
    printedBy: 'Xen since 4.14 (parse_event_log_entry)',
    read({ fields }, event) {
      tellPageFault(event, fields, sbdfOf(fields.device));
      return undefined;
    },
  }),
  fault({
    texts: [
      'AMD-Vi: IO_PAGE_FAULT: domain = {domain:dec}, device id = {requester:hex}, fault address = {address:hex}<, flags = {flags:hex}>',
    ],
    printedBy: 'Xen up to 4.13; up to 4.2 without flags',
    read({ fields }, event) {
      const requester = hexNumber(fields.requester);
      tellPageFault(event, fields, requester === null ? null : sbdfText(requester));
      return undefined;
    },
  }),
];

/** The four words, each of eight digits. */
function words({ fields }: FormLine): [number, number, number, number] | undefined {
  const all = [fields.w0, fields.w1, fields.w2, fields.w3];
  if (!all.every((word) => /^[0-9a-f]{8}$/.test(word ?? ''))) return undefined;
  return all.map((word) => Number.parseInt(word!, 16)) as [number, number, number, number];
}

/** Every other event is its name and its four words. */
const RAW: readonly LineForm[] = XEN_EVENT_NAMES.filter(([code]) => code !== AmdviEvent.IO_PAGE_FAULT).map(
  ([code, name]) =>
    fault({
      texts: [`${name} {w0:hex} {w1:hex} {w2:hex} {w3:hex}`],
      printedBy: 'Xen since 4.6; up to 4.13 only with iommu=debug and behind "AMD-Vi: "',
      read(line, event) {
        const printed = words(line);
        return printed !== undefined && tellAmdviWords(event, printed, code) ? undefined : false;
      },
    }),
);

/** An event without a name. */
const UNNAMED: LineForm = fault({
  texts: ['event {w0:hex} {w1:hex} {w2:hex} {w3:hex}'],
  printedBy: 'Xen since 4.6, for codes from 9 on; up to 4.13 only with iommu=debug and behind "AMD-Vi: "',
  read(line, event) {
    if (line.before.length > PREFIX_AT_MOST || !/^(?:AMD-Vi:\s*)?$/.test(line.before.trim())) return false;
    const printed = words(line);
    return printed !== undefined && tellAmdviWords(event, printed, undefined) ? undefined : false;
  },
});

const walk = (texts: readonly string[], read: MoreForm['read']): MoreForm => ({
  role: 'more',
  continues: WALK,
  texts,
  printedBy: 'Xen since 4.17 with iommu=verbose (amd_iommu_print_entries)',
  read,
});

const ROOT = /(?:^|\s)([0-9a-f:.]{7,16}) root @ ([0-9a-f]{1,16}) \((\d) $/;

/** Whether a line of a walk names the device of the event, as faults of several devices may be mixed. */
const ofDevice = ({ before }: FormLine, event: EventDraft): boolean => {
  const device = sbdfOf(before.slice(-PREFIX_AT_MOST).trim());
  return device === null || device === event.device;
};

const LEVELS = ['6', '5', '4', '3', '2', '1'] as const;

const WALKS: readonly LineForm[] = [
  // Before it stands `0000:03:00.0 root @ 134154 (3 `.
  walk(['levels) dfn={dfn:hex}'], ({ fields, before }, event) => {
    const [, device, root, levels] = ROOT.exec(before.slice(-PREFIX_AT_MOST)) ?? [];
    if (root === undefined || sbdfOf(device) !== event.device) return false;
    event.more.push(`root @ ${root} (${levels} levels) dfn=${fields.dfn}`);
    return undefined;
  }),
  walk([': no root'], (line, event) => {
    if (!ofDevice(line, event)) return false;
    event.more.push('no root');
    event.level = { name: 'device table entry', entry: null, problem: 'has no page tables (TV clear)' };
    return undefined;
  }),
  ...LEVELS.map((level) =>
    walk([`L${level}[{index:hex}] = {entry:hex} {rights:text}`], ({ fields }, event) => {
      const rights = fields.rights!.slice(0, 2);
      if (!/^(?:np|[r-][w-])$/.test(rights)) return false;
      event.more.push(`L${level}[${fields.index}] = ${fields.entry} ${rights}`);
      tellWalkedEntry(event, level, hexValue(fields.entry), rights);
      return undefined;
    }),
  ),
  ...LEVELS.map((level) =>
    walk([`L${level}[{index:hex}]: next: {next:dec}`], ({ fields }, event) => {
      event.more.push(`L${level}[${fields.index}]: next: ${fields.next}`);
      event.level = { name: `L${level}`, entry: null, problem: `names level ${fields.next} as the next` };
      return undefined;
    }),
  ),
];

/** What Xen says of entries of AMD-Vi's event log. */
export const XEN_AMDVI: readonly LineForm[] = [...PAGE_FAULTS, ...RAW, UNNAMED, ...WALKS];
