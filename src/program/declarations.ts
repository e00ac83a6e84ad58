import { DEVICE_TYPES, REGION_KINDS } from '../xen/machine.js';
import type { DeclarationKind } from './argument-kinds.js';
import type { Parameter } from './operations.js';
import { DEVICE_FLAGS, GNTTAB_WORDS, LIMIT_NAMES, REGION_FLAGS, UNIT_FLAGS } from './program.js';

/** The parameters of an operation may be of the kinds of operations, those of a declaration of these also. */
export type ShapeParameter = Omit<Parameter, 'kind'> & { readonly kind: Parameter['kind'] | DeclarationKind };

/** What a statement looks like. */
export interface Shape {
  readonly name: string;
  readonly parameters: readonly ShapeParameter[];
}

/** A statement that stands before the operations and tells of the machine. As data, like the operations. */
export interface Declaration extends Shape {
  readonly doc: string;
  /** May stand more than once. */
  readonly repeats?: boolean;
  readonly example: string;
}

type Options = Partial<Pick<ShapeParameter, 'words' | 'keyed' | 'optional' | 'hex'>>;
const parameter = (
  name: string,
  kind: ShapeParameter['kind'],
  doc: string,
  options: Options = {},
): ShapeParameter => ({ name, kind, doc, ...options });
const OPTION = { keyed: true, optional: true } as const;

const LIMIT_DOCS: Readonly<Record<(typeof LIMIT_NAMES)[number], string>> = {
  domains: 'domains besides dom_io and dom_xen',
  grants: 'grant references a domain',
  grant_frames: 'shared frames that a grant table can grow to',
  handles: 'maptrack handles a domain',
  va_slots: 'virtual pages of a PV domain that update_va_mapping can set',
  cpu_tlb: 'entries of a PV domain’s CPU TLB, a power of two; none by default',
  calls: 'hypercalls that a domain can be in the middle of at a time',
  iotlb: 'IOTLB entries of an IOMMU, a power of two',
  context_cache: 'context entries that a VT-d unit remembers, a power of two, or 0: it reads them anew',
  gfns: 'guest frame numbers that invariants look at',
};

export const DECLARATIONS: readonly Declaration[] = [
  {
    name: 'xen',
    doc: 'The edition: a release or a design. `--xen` on the command line wins; the newest release by default.',
    example: 'xen 4.12',
    parameters: [parameter('edition', 'edition', 'release or design')],
  },
  {
    name: 'machine',
    doc: 'The architecture; x86 by default. An Arm machine has an SMMU unless `iommu none` is said.',
    example: 'machine arm',
    parameters: [parameter('arch', 'word', 'architecture', { words: ['x86', 'arm'] })],
  },
  {
    name: 'ram',
    doc: 'Frames that domains can own; 0x100..0x13f by default. Once RAM is declared, dom0 has no pages by default.',
    repeats: true,
    example: 'ram 0x100..0x10f',
    parameters: [parameter('frames', 'range', 'first and last frame')],
  },
  {
    name: 'xen-heap',
    doc: 'Frames that Xen keeps for itself: page tables, grant frames; 0x10..0x4f by default.',
    example: 'xen-heap 0x10..0x4f',
    parameters: [parameter('frames', 'range', 'first and last frame')],
  },
  {
    name: 'iommu',
    doc: 'The IOMMU: vtd by default on x86, or amdvi; smmu (an SMMUv2 at /smmu@fd800000) on Arm, or smmuv3, which Xen knows since 4.15. `no-sharept`: tables are never shared with the p2m. `no-quarantine`: devices that guests give back do not go to dom_io. `scratch-page`: what is there reads and writes a page of its own, since 4.16. `verbose`, `debug`: faults are logged with the tables’ entries.',
    example: 'iommu smmu /smmu@fd800000 s1cbndx=0xb',
    parameters: [
      parameter('kind', 'word', 'what it is', { words: ['vtd', 'amdvi', 'smmu', 'smmuv3', 'none'] }),
      parameter('path', 'treePath', 'SMMU, any version: where it stands in the device tree', {
        optional: true,
      }),
      parameter('s1cbndx', 'number', 'SMMU: FSYNR0.S1CBNDX of its stage-2 faults; 0 by default', {
        ...OPTION,
        hex: true,
      }),
      parameter('banks', 'number', 'SMMUv2: context banks; one a domain by default', OPTION),
      parameter('mappings', 'number', 'SMMUv2: stream mapping registers; one a stream by default', OPTION),
      parameter('streambits', 'number', 'SMMUv3: bits of a stream id; 16 by default', OPTION),
      parameter('flags', 'flags', 'Xen’s options', {
        optional: true,
        words: ['no-sharept', 'no-quarantine', 'scratch-page', 'verbose', 'debug'],
      }),
    ],
  },
  {
    name: 'dom0',
    doc: 'The hardware domain. PV on x86, direct-mapped on Arm. `relaxed` (the default), `strict` and `passthrough` are those of the option dom0-iommu.',
    example: 'dom0 strict pages=4 tables=1',
    parameters: [
      parameter('mode', 'word', 'dom0-iommu', {
        optional: true,
        words: ['relaxed', 'strict', 'passthrough'],
      }),
      parameter('pages', 'number', 'pages it owns; 4 by default, 0 when RAM is declared', OPTION),
      parameter('tables', 'number', 'how many of them, the last, are pinned L4 tables; 0 by default', OPTION),
      parameter('flags', 'flags', 'Arm: there is none; x86: the suboptions of dom0-iommu', {
        optional: true,
        words: ['none', 'map-inclusive', 'no-map-inclusive', 'no-map-reserved'],
      }),
    ],
  },
  {
    name: 'device',
    doc: 'A DMA-capable device: on x86 a PCI function, on Arm a node of the device tree with its stream id, or `unprotected`. dom0 gets it at boot unless it is `withheld`.',
    repeats: true,
    example: 'device nic 0000:03:00.0',
    parameters: [
      parameter('name', 'name', 'its name in this program'),
      parameter('address', 'deviceAddress', 'PCI address or device-tree path'),
      parameter('stream', 'number', 'stream id of a device-tree node', { ...OPTION, hex: true }),
      parameter(
        'alias',
        'deviceAddress',
        'AMD-Vi: the address whose requests the device’s look like',
        OPTION,
      ),
      parameter('type', 'word', 'PCI: what it is; an endpoint by default', {
        ...OPTION,
        words: DEVICE_TYPES,
      }),
      parameter(
        'phantom',
        'number',
        'PCI: every so many function numbers is a phantom function of it',
        OPTION,
      ),
      parameter('behind', 'name', 'PCI: the bridge that its bus is behind', OPTION),
      parameter('vfof', 'name', 'PCI: the physical function of which it is a virtual one', OPTION),
      parameter(
        'flags',
        'flags',
        'not given to dom0 at boot; a node that no IOMMU stands in front of; dom_xen’s at boot; not found at boot',
        { optional: true, words: DEVICE_FLAGS },
      ),
    ],
  },
  {
    name: 'stream',
    doc: 'Another stream id of a node of the device tree, which must have one already.',
    repeats: true,
    example: 'stream eth0 0x875',
    parameters: [
      parameter('device', 'name', 'the device'),
      parameter('stream', 'number', 'the stream id', { hex: true }),
    ],
  },
  {
    name: 'unit',
    doc: 'A VT-d or AMD-Vi unit, where the machine has more than one or one that is not the usual. Everything but its name and devices is VT-d’s.',
    repeats: true,
    example: 'unit dmar1 devices=nic,disk domain_ids=256 caching-mode',
    parameters: [
      parameter('name', 'name', 'its name in this program'),
      parameter(
        'devices',
        'names',
        'the devices behind it; all that no other unit has, when not said',
        OPTION,
      ),
      parameter('domain_ids', 'number', 'domain ids it tells apart (CAP.ND); 65536 by default', OPTION),
      parameter(
        'mamv',
        'number',
        'largest order of pages to invalidate at once (CAP.MAMV); 63 by default',
        OPTION,
      ),
      parameter('levels', 'number', 'levels of its tables (CAP.SAGAW), 3 or 4; 4 by default', OPTION),
      parameter(
        'superpages',
        'number',
        'highest level with superpages (CAP.SLLPS): 1 none, 2 for 2 MiB, 3 for 1 GiB too; 3 by default',
        OPTION,
      ),
      parameter('flags', 'flags', 'what it remembers, lacks or delays', {
        optional: true,
        words: [...UNIT_FLAGS],
      }),
    ],
  },
  {
    name: 'reserved',
    doc: 'A region that a device, or two, need to reach at any time: an RMRR, or with AMD-Vi an IVMD, which may be for reading or writing only.',
    repeats: true,
    example: 'reserved 0x80..0x81 nic',
    parameters: [
      parameter('frames', 'range', 'first and last frame'),
      parameter('device', 'name', 'the device'),
      parameter('also', 'name', 'another device that shares it', OPTION),
      parameter('access', 'word', 'AMD-Vi: what is done there; rw by default', {
        ...OPTION,
        words: ['rw', 'ro', 'wo'],
      }),
    ],
  },
  {
    name: 'e820',
    doc: 'x86: addresses that are no RAM. A PV dom0’s devices reach at boot what its release maps of them; what is not declared is not looked at. `denied`: dom0 may not map them for its CPUs (I/O APICs, HPET; the local APIC’s page never may be). `read-only`: it may for reading.',
    repeats: true,
    example: 'e820 0xe0000..0xe00ff reserved',
    parameters: [
      parameter('frames', 'range', 'first and last frame'),
      parameter('kind', 'word', 'what the memory map says: reserved, unusable, or nothing', {
        words: REGION_KINDS,
      }),
      parameter('flags', 'flags', 'what dom0 may do with it', { optional: true, words: REGION_FLAGS }),
    ],
  },
  {
    name: 'gnttab',
    doc: 'Xen’s option gnttab=: no grant tables of version 2, no copies through transitive grants, no transfers (since 4.17).',
    example: 'gnttab no-transfer',
    parameters: [parameter('flags', 'flags', 'what it says', { words: GNTTAB_WORDS })],
  },
  {
    name: 'limits',
    doc: 'Sizes of the model’s tables.',
    repeats: true,
    example: 'limits handles=8 grants=16',
    parameters: LIMIT_NAMES.map((name) => parameter(name, 'number', LIMIT_DOCS[name], OPTION)),
  },
  {
    name: 'config',
    doc: 'A domain made from an xl config as xl would make it. The path is relative to the program’s file.',
    repeats: true,
    example: 'config guest "guest.cfg" pages=8',
    parameters: [
      parameter('name', 'newDomain', 'its name in this program'),
      parameter('file', 'file', 'the xl config'),
      parameter('pages', 'number', 'pages to give it in place of its memory=; 4 by default', OPTION),
    ],
  },
];

export const DECLARATION_BY_NAME: ReadonlyMap<string, Declaration> = new Map(
  DECLARATIONS.map((declaration) => [declaration.name, declaration]),
);
