import { domainInWords, domainOf } from '../domids.js';
import type { EventDraft } from '../event.js';
import type { LogFacts } from '../facts.js';
import type { FormLine, LineForm } from '../form.js';
import { hexValue } from '../values.js';
import { type Message, messageForms } from './message.js';
import { addWord, noteLayout, typeOf } from './page-words.js';

/** `Error mfn 134168: rd=d1 od=NULL caf=… taf=…` and its kin: the words decoded, and whose page it is. */
function pageWords({ fields }: FormLine, event: EventDraft, facts: LogFacts): undefined {
  addWord('countInfo', fields.caf, event, facts);
  addWord('typeInfo', fields.taf, event, facts);
  if (fields.owner !== undefined) {
    const owner = domainOf(fields.owner);
    const nobody = owner === null || owner === 32756;
    event.details.owner = nobody ? 'nobody: the page is free, or Xen’s own' : domainInWords(owner);
  }
  return undefined;
}

function typeConflict({ fields, line }: FormLine, event: EventDraft, facts: LogFacts): undefined {
  noteLayout(fields.expected_type, line, facts);
  const [is, wanted] = [typeOf(fields.saw, facts), typeOf(fields.expected_type, facts)];
  if (is !== null) event.details['page is'] = is;
  if (wanted !== null) event.details['wanted as'] = wanted;
  addWord('typeInfo', fields.saw, event, facts);
  return undefined;
}

const wantedType = (line: FormLine, event: EventDraft, facts: LogFacts): undefined => {
  noteLayout(line.fields.type, line.line, facts);
  const wanted = typeOf(line.fields.type, facts);
  if (wanted !== null) event.details['wanted as'] = wanted;
  return pageWords(line, event, facts);
};

/** `mfn 134168 already pinned`: the frame stands before, and the words could be anybody's without it. */
function aboutFrame({ before }: FormLine, event: EventDraft): false | undefined {
  const frame = hexValue(/\b[mM]fn ([0-9a-f]{1,13}) $/.exec(before.slice(-32))?.[1]);
  if (frame === null) return false;
  event.address = frame << 12n;
  return undefined;
}

const DEBUG = 'debug builds of Xen';

/** xen/arch/x86/mm.c: page tables of PV guests. */
const PAGE_TABLES: readonly Message[] = [
  {
    texts: [
      'Error mfn {frame:hex}: rd={domain:domain} od={owner:domain} caf={caf:hex} taf={taf:hex}',
      'Error pfn {frame:hex}: rd={domain:domain} od={owner:domain} caf={caf:hex} taf={taf:hex}',
    ],
    printedBy: 'Xen 4.10 to 4.22; with pfn 4.6 to 4.9',
    name: 'page-not-owned',
    meaning:
      'a page was asked for in the name of a domain (rd) that does not own it, or that nobody owns any more',
    manual: 'dossier §3.2',
    also: pageWords,
  },
  {
    texts: [
      'Error getting mfn {frame:hex} (pfn {pfn:hex}) from L1 entry {pte:hex} for l1e_owner d{domain:dec}, pg_owner d{page_owner:dec}',
      'Error getting mfn {frame:hex} (pfn {pfn:hex}) from L1 entry {pte:hex} for l1e_owner={domain:dec}, pg_owner={page_owner:dec}',
    ],
    printedBy: `${DEBUG}, 4.9 to 4.22; 4.6 to 4.8`,
    name: 'l1e-refused',
    meaning: 'a PV guest (l1e_owner) wanted to map a page that it may not have in this way',
    manual: 'dossier §3.2',
    also: ({ fields }, event) => {
      const owner = domainOf(event.details['page owner']);
      if (owner !== null) event.details['page owner'] = domainInWords(owner);
      if (fields.pfn?.startsWith('ffffffffffff'))
        event.details['pfn is'] = 'none: the page is no memory of a guest';
      return undefined;
    },
  },
  {
    texts: ['(saw {saw:hex} != exp {expected_type:hex}) for mfn {frame:hex} (pfn {pfn:hex})'],
    printedBy: `${DEBUG}, 4.6 to 4.22`,
    name: 'page-type-conflict',
    meaning: 'a page was to serve as one type while it is still in use as another',
    manual: 'dossier §3.2',
    also: typeConflict,
  },
  {
    texts: [
      'Error while validating mfn {frame:hex} (pfn {pfn:hex}) for type {type:hex}: caf={caf:hex} taf={taf:hex}',
    ],
    printedBy: `${DEBUG}, 4.6 to 4.22`,
    name: 'page-validation-failed',
    meaning: 'a page was to become a page table or descriptor table, and what stands in it may not',
    manual: 'dossier §3.2',
    also: wantedType,
  },
  {
    texts: [
      "Attempt to implicitly unmap {owner:domain}'s grant PTE {pte:text}",
      'Attempt to implicitly unmap a granted PTE {pte:text}',
    ],
    printedBy: 'Xen 4.17 to 4.22 (gprintk); 4.6 to 4.16 debug builds',
    name: 'granted-pte-unmapped',
    meaning:
      'a PV guest overwrote or dropped a page-table entry that maps a grant, without unmapping the grant: Xen keeps the grant as mapped, and debug builds crash the guest',
    manual: 'dossier §5.5',
    also: ({ fields }, event) => {
      const owner = domainOf(fields.owner);
      if (owner !== null) event.details.owner = domainInWords(owner);
      if (/^%/.test(fields.pte ?? ''))
        event.details.entry = 'not given: this is the format of the message, not a line of a log';
      return undefined;
    },
  },
  {
    texts: ['Error {errno:dec} while pinning mfn {frame:hex}', 'Error while pinning mfn {frame:hex}'],
    printedBy: `${DEBUG}, 4.6 to 4.22`,
    name: 'pin-refused',
    meaning:
      'a PV guest wanted a page kept as a page table (MMUEXT_PIN_*_TABLE), and it could not become one',
    manual: 'dossier §3.4',
  },
  {
    texts: [
      'Error {errno:dec} installing new mfn {frame:hex}',
      'Error {errno:dec} while installing new mfn {frame:hex}',
      'Error while installing new baseptr {frame:hex}',
      'Error while installing new compat baseptr {frame:hex}',
      'Error while installing new mfn {frame:hex}',
    ],
    printedBy: `${DEBUG}, 4.6 to 4.22`,
    name: 'base-pointer-refused',
    meaning: 'a PV guest wanted a new top-level page table, and the page could not become one',
  },
  {
    texts: [
      'Attempt to create linear p.t. with write perms',
      'Attempt to create linear p.t. (feature disabled)',
    ],
    printedBy: `${DEBUG}, 4.6 to 4.22`,
    name: 'linear-table-refused',
    meaning: 'a PV guest wanted a page table that maps page tables, writable or where that is switched off',
    manual: 'dossier §3.2; pv-linear-pt= of Xen’s command line',
  },
  {
    texts: ['Type count overflow on mfn {frame:hex}', 'Type count overflow on pfn {frame:hex}'],
    printedBy: `${DEBUG}, 4.6 to 4.22`,
    name: 'type-count-overflow',
    meaning: 'a page is in use so often that Xen cannot count one more',
  },
  {
    texts: [
      'Bad L1 flags {flags:hex}',
      'Bad L2 flags {flags:hex}',
      'Bad L3 flags {flags:hex}',
      'Bad L4 flags {flags:hex}',
    ],
    printedBy: `${DEBUG}, 4.6 to 4.22`,
    name: 'entry-flags-refused',
    meaning: 'a PV guest set bits in a page-table entry that it may not set',
  },
  {
    texts: [
      'in promote_l{level:dec}_table: slot {slot:hex}',
      'in alloc_l{level:dec}_table: slot {slot:hex}',
      'in alloc_l{level:dec}_table: entry {slot:hex}',
    ],
    printedBy: `${DEBUG}, 4.14 to 4.22; 4.6 to 4.13`,
    name: 'page-validation-failed',
    meaning: 'an entry of a page that is to become a page table is not allowed',
    also: ({ before }, event) => {
      const failure = /Failure( -?\d{1,4})? $/.exec(before.slice(-16));
      if (failure === null) return false;
      if (failure[1] !== undefined) event.reason = { ...event.reason!, code: Number(failure[1]) };
      return undefined;
    },
  },
  {
    texts: ['update in Xen-private area, slot {slot:hex}', 'update attempt in Xen-private area'],
    printedBy: `${DEBUG}, 4.9 to 4.22; 4.6 to 4.8`,
    name: 'xen-area-refused',
    meaning: 'a PV guest wanted to change entries of a page table that belong to Xen',
  },
  {
    texts: [
      'attempted to map MMIO space {frame:hex} in d{page_owner:dec} to d{domain:dec}',
      'attempted to map I/O space {frame:hex} in dom{page_owner:dec} to dom{domain:dec}',
    ],
    printedBy: `${DEBUG}, 4.9 to 4.22; 4.6 to 4.8`,
    name: 'mmio-refused',
    meaning: 'memory of a device was to be mapped for a domain without the right to it',
  },
  {
    texts: ['non-privileged attempt to map MMIO space {frame:hex}', 'attempt to map I/O space {frame:hex}'],
    printedBy: `${DEBUG}, 4.9 to 4.22; 4.6 to 4.8`,
    name: 'mmio-refused',
    meaning: 'a guest wanted to map memory of a device to which it has no right',
  },
  {
    texts: ['real_pg_owner d{owner:dec}', 'real_pg_owner {owner:dec}'],
    printedBy: `${DEBUG}, 4.9 to 4.22; 4.6 to 4.8`,
    name: 'page-not-owned',
    meaning: 'a page was to be mapped as a page of one domain while it belongs to another',
    also: ({ before, fields }, event) => {
      const found = /pg_owner d?(\d{1,5}) l1e_owner d?(\d{1,5}), but $/.exec(before.slice(-64));
      if (found === null) return false;
      event.domain = domainOf(found[2]);
      event.details['taken for'] = `d${found[1]}`;
      const owner = domainOf(fields.owner);
      if (owner !== null) event.details.owner = domainInWords(owner);
      return undefined;
    },
  },
  {
    texts: ['Bad steal mfn {frame:hex} from d{domain:dec} (owner d{owner:dec}) caf={caf:hex} taf={taf:hex}'],
    printedBy: `${DEBUG}, 4.9 to 4.22; 4.6 to 4.8`,
    name: 'page-transfer-refused',
    meaning: 'a page was to be taken from a domain, which does not own it or uses it still',
    also: pageWords,
  },
  {
    texts: ['Could not get page type PGT_writable_page'],
    printedBy: `${DEBUG}, 4.6 to 4.22`,
    name: 'page-type-conflict',
    meaning: 'a page was to be written by a page-table update, and is no writable page',
  },
  {
    texts: ['bad, or bad owner d{owner:dec}', 'already pinned', 'not pinned', 'bad domain'],
    printedBy: `${DEBUG}, 4.9 to 4.22; with Mfn 4.6 to 4.8`,
    name: 'pin-refused',
    meaning: 'a PV guest wanted to pin or unpin a page that is not its own, or is pinned or unpinned already',
    also: aboutFrame,
  },
  {
    texts: ['Attempt to change cache attributes of Xen heap page'],
    printedBy: `${DEBUG}, 4.6 to 4.22`,
    name: 'cache-attributes-refused',
    meaning: 'a PV guest wanted other caching for a page that Xen uses, too',
  },
  {
    texts: ['Forcing read-only access to MFN {frame:hex}'],
    printedBy: 'Xen 4.6 to 4.22',
    name: 'mmio-read-only',
    meaning:
      'Xen lets nobody write this page of a device: MSI-X tables, configuration space or IOMMU registers',
  },
];

/** Amounts of memory. */
const AMOUNTS: readonly Message[] = [
  {
    texts: [
      'Over-allocation for {domain:domain}: {pages:dec} \\> {limit:dec}',
      'Over-allocation for domain {domain:dec}: {pages:dec} \\> {limit:dec}',
    ],
    printedBy: 'Xen 4.16 to 4.22; with domain 4.6 to 4.15',
    name: 'over-allocation',
    meaning:
      'a domain was to get more pages than its limit (maxmem) allows; a domain that balloons up does that now and then',
  },
  {
    texts: [
      'Could not allocate order={order:dec} extent: id={domain:dec} memflags={flags:hex} ({done:dec} of {wanted:dec})',
    ],
    printedBy: `${DEBUG}, 4.6 to 4.22`,
    name: 'allocation-failed',
    meaning: 'there was no memory, or none contiguous, for a domain that populates its memory',
  },
  {
    texts: ['Cannot assign page to domain{domain:dec} -- dying'],
    printedBy: `${DEBUG}, 4.6 to 4.22`,
    name: 'domain-dying',
    meaning: 'a page was to be given to a domain that is being destroyed',
  },
  {
    texts: ['Bad page free for Dom{domain:dec} GFN {gfn:hex}', 'Bad page free for domain {domain:dec}'],
    printedBy: `${DEBUG}, 4.12 to 4.22; 4.6 to 4.11`,
    name: 'free-refused',
    meaning: 'a domain gave back a page that it does not have, or not any more',
  },
  {
    texts: ['out of PoD memory!'],
    printedBy: 'Xen 4.6 to 4.22',
    name: 'pod-exhausted',
    meaning:
      'a guest touched more memory than it was given on demand, and was crashed: its balloon driver did not start in time',
    also: ({ before }, event) => {
      event.domain = domainOf(/Dom(\d{1,5}) $/.exec(before.slice(-16))?.[1]);
      return undefined;
    },
  },
  {
    texts: ['page number {gfn:hex} invalid'],
    printedBy: `${DEBUG}, 4.6 to 4.22`,
    name: 'free-refused',
    meaning: 'a domain gave back a frame number behind which it has no page',
    also: ({ before }, event) => {
      const domain = /Domain (\d{1,5}) $/.exec(before.slice(-16));
      if (domain === null) return false;
      event.domain = Number(domain[1]);
      return undefined;
    },
  },
];

const XEN = { source: 'xen', unit: null, kind: 'memory' } as const;

export const XEN_MEMORY_FORMS: readonly LineForm[] = [
  ...messageForms(XEN, PAGE_TABLES),
  ...messageForms(XEN, AMOUNTS),
];
