import { DEFAULT_RELEASE } from '../../toolstack/release.js';
import { parseXenCommandLine } from '../../toolstack/xen-cmdline.js';
import type { LogFacts } from '../facts.js';
import type { FactForm, FormLine, LineForm } from '../form.js';
import { decimal, hexValue, sbdfOf } from '../values.js';

/** A version or command line that is longer than this says nothing more. */
const TEXT_AT_MOST = 4096;

const said = ({ after, line }: FormLine) => ({ value: after.slice(0, TEXT_AT_MOST).trim(), line });

/** How `iommu=` on Xen's command line is noted: `off`, `on`, `required`, or nothing. */
export const IOMMU_OPTION = 'xen-iommu-option';

/** Which of the two prints `Command line:` is told by who spoke before, or by what it holds. */
function isLinux(text: string, facts: LogFacts): boolean {
  if (/(?:^|\s)(?:BOOT_IMAGE|root|initrd|rootflags|rd\.\S{1,40})=/.test(text)) return true;
  return facts.linux !== null && facts.linux.line > (facts.xen?.line ?? 0);
}

function noteXenCommandLine(line: FormLine, facts: LogFacts): void {
  const text = said(line);
  facts.xenCommandLine = text;
  // `off` is the only thing that needs no knowledge of the machine: whatever it has, the IOMMU is off by choice.
  const options = parseXenCommandLine(text.value, { release: DEFAULT_RELEASE, arch: 'x86', vendor: 'vtd' });
  const asked = /(?:^|\s)iommu=/.test(text.value);
  const forced = /(?:^|\s)iommu=(?:[^\s,]{1,40},){0,16}(?:force|required)(?:[\s,]|$)/.test(text.value);
  const value = !options.iommu.enabled ? 'off' : forced ? 'required' : asked ? 'on' : 'default';
  facts.other.set(IOMMU_OPTION, { value, line: line.line });
}

/** What begins a boot: what was known of the last one is not believed any more. */
function newBoot(facts: LogFacts): void {
  facts.iommuOffBecause = null;
  facts.iommu = null;
  facts.dom0Mode = null;
}

const VERSIONS: readonly FactForm[] = [
  {
    role: 'fact',
    texts: ['Xen version {version:name}'],
    printedBy: 'Xen 4.6 to 4.22; xl info has it in other words',
    read({ fields, line }, facts) {
      if (!/^\d/.test(fields.version ?? '')) return;
      newBoot(facts);
      facts.xen = { value: fields.version!.slice(0, 64), line };
    },
  },
  {
    role: 'fact',
    texts: ['Linux version {version:name}'],
    printedBy: 'Linux',
    read({ fields, line }, facts) {
      facts.linux = { value: (fields.version ?? '').slice(0, 128), line };
    },
  },
  {
    role: 'fact',
    texts: ['Kernel command line:'],
    printedBy: 'Linux',
    read(line, facts) {
      facts.linuxCommandLine = said(line);
    },
  },
  {
    role: 'fact',
    texts: ['Command line:'],
    printedBy: 'Xen 4.6 to 4.22; Linux on x86',
    read(line, facts) {
      // `Built-in command line` and the like are something else.
      if (line.before.trim() !== '') return;
      if (isLinux(line.after.slice(0, TEXT_AT_MOST), facts)) facts.linuxCommandLine = said(line);
      else noteXenCommandLine(line, facts);
    },
  },
];

/** Where Xen has put itself, in bytes; 0 until it has moved: {@link LogFacts.other}. */
export const XEN_IMAGE_BASE = 'xen-image-base';

const IMAGE: readonly FactForm[] = [
  {
    role: 'fact',
    texts: ['New Xen image base address: {base:hex}', 'Xen image load base address: {base:hex}'],
    printedBy: 'Xen 4.6 to 4.22 on x86: the second before it moves, the first when it has moved',
    read({ fields, line }, facts) {
      const base = hexValue(fields.base);
      if (base !== null && base !== 0n)
        facts.other.set(XEN_IMAGE_BASE, { value: `0x${base.toString(16)}`, line });
    },
  },
];

/** Ranges of an E820 map stand before the word that says what they are: ` [0000000000000000, 000000000009fbff] (usable)`. */
const XEN_RANGE = /(?:^|\s)\[([0-9a-f]{16}), {1,4}([0-9a-f]{16})\] {0,4}$/;
/** Until 4.13, with an exclusive end: ` 0000000000000000 - 000000000009fc00 (usable)`. */
const OLD_RANGE = /(?:^|\s)([0-9a-f]{16}) {1,4}- {1,4}([0-9a-f]{16}) {0,4}$/;

function addRange(
  what: string,
  from: string,
  to: string,
  inclusive: boolean,
  line: number,
  facts: LogFacts,
): void {
  const [start, last] = [hexValue(from), hexValue(to)];
  if (start === null || last === null) return;
  const end = inclusive ? last + 1n : last;
  if (end > start) facts.add(facts.e820, { start, end, what, devices: [], line });
}

/** What an entry of type N is where its name is not printed (ACPI specification, table 15.4). */
const E820_WORDS = ['usable', 'reserved', 'ACPI data', 'ACPI NVS', 'unusable'] as const;

const xenRange = (what: string, template: string): FactForm => ({
  role: 'fact',
  texts: [template],
  printedBy: 'Xen 4.14 to 4.22 with brackets; before with an exclusive end',
  read({ before, line, fields }, facts) {
    const near = before.slice(-64);
    const named = fields.number === undefined ? what : `type ${fields.number}`;
    const range = XEN_RANGE.exec(near);
    if (range !== null) return addRange(named, range[1]!, range[2]!, true, line, facts);
    const old = OLD_RANGE.exec(near);
    if (old !== null) addRange(named, old[1]!, old[2]!, false, line, facts);
  },
});

/** Linux's map, where Xen has printed the machine's: dom0 or a guest has another one. */
const isGuestsMap = (before: string, facts: LogFacts): boolean =>
  facts.xen !== null && /physical $/.test(before.slice(-16));

const MEMORY_MAP: readonly FactForm[] = [
  {
    role: 'fact',
    texts: ['RAM map:'],
    printedBy:
      'Xen (`Xen-e820 RAM map`, `EFI RAM map`, `Multiboot-e820 RAM map`), Linux (`BIOS-provided physical RAM map`)',
    read({ before }, facts) {
      if (isGuestsMap(before, facts)) return;
      facts.e820.length = 0;
    },
  },
  ...E820_WORDS.map((what) => xenRange(what, `(${what})`)),
  {
    role: 'fact',
    texts: [
      'BIOS-e820: [mem {start:hex}-{end:hex}] {what:text}',
      'BIOS-e820: {start:hex} - {end:hex} ({what:text})',
    ],
    printedBy: 'Linux since 3.5; before with an exclusive end',
    read({ fields: { start, end, what }, line }, facts) {
      if (facts.xen !== null) return;
      addRange(
        (what ?? '').slice(0, 40),
        start ?? '',
        end ?? '',
        start?.startsWith('0x') === true,
        line,
        facts,
      );
    },
  },
];

/** What becomes of domains and devices, as far as Xen says it. */
const LIVES: readonly FactForm[] = [
  {
    role: 'fact',
    texts: ['Building a {kind:word} Dom0'],
    printedBy: 'Xen 4.10 to 4.22',
    read({ fields, line }, facts) {
      facts.of(facts.domains, 0, { value: `created: ${(fields.kind ?? '').slice(0, 16)}`, line });
    },
  },
  {
    role: 'fact',
    texts: [
      '(vcpu#{vcpu:dec}) crashed on cpu#{cpu:dec}',
      'reported crashed by domain {by:dec} on cpu#{cpu:dec}',
    ],
    printedBy: 'Xen 4.6 to 4.22',
    read({ before, line }, facts) {
      const domain = decimal(/Domain (\d{1,5}) $/.exec(before.slice(-16))?.[1]);
      if (domain !== null) facts.of(facts.domains, domain, { value: 'crashed', line });
    },
  },
  {
    role: 'fact',
    texts: ['domain_crash called from {file:name}:{number:dec}'],
    printedBy: 'Xen 4.6 to 4.22',
    read({ fields, line }, facts) {
      facts.other.set('domain-crash', {
        value: `${(fields.file ?? '').slice(0, 64)}:${fields.number}`,
        line,
      });
    },
  },
  {
    role: 'fact',
    texts: [
      'PCI add< virtual>< extended>< device>< function> {device:bdf}',
      'PCI phantom {device:bdf}',
      'PCI remove device {device:bdf}',
    ],
    printedBy: 'Xen 4.6 to 4.22, with loglvl=all',
    read({ fields, line, before }, facts) {
      const device = sbdfOf(fields.device);
      if (device !== null && before.trim() === '')
        facts.of(facts.devices, device, { value: 'known to Xen', line });
    },
  },
  {
    role: 'fact',
    texts: [
      'PCI: Not using MCFG for segment {segment:hex} bus {from:hex}-{to:hex}',
      'PCI: Not using MMCONFIG',
    ],
    printedBy: 'Xen 4.6 to 4.22',
    read({ fields, line }, facts) {
      const value = fields.segment === undefined ? 'all' : `${fields.segment}:${fields.from}-${fields.to}`;
      facts.other.set('mcfg-unused', { value, line });
    },
  },
  {
    role: 'fact',
    texts: ['P2M: {bits:word}-bit IPA'],
    printedBy: 'Xen for Arm 4.6 to 4.22',
    read({ fields, line }, facts) {
      facts.other.set('arm', { value: `${(fields.bits ?? '').slice(0, 8)}-bit IPA`, line });
    },
  },
  {
    role: 'fact',
    texts: ['Hardware Assisted Paging (HAP) detected'],
    printedBy: 'Xen 4.6 to 4.22',
    read({ after, line }, facts) {
      facts.features.set('hap', { value: !after.startsWith(' but disabled'), line });
    },
  },
  {
    role: 'fact',
    texts: ['Hardware Assisted Paging (HAP) not detected'],
    printedBy: 'Xen 4.6 to 4.22',
    read({ line }, facts) {
      facts.features.set('hap', { value: false, line });
    },
  },
];

export const XEN_BOOT_FACTS: readonly LineForm[] = [...VERSIONS, ...IMAGE, ...MEMORY_MAP, ...LIVES];
