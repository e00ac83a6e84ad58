import { Random } from '../src/conform/random.js';
import { OPERATIONS, type Operation, type Parameter, type ParameterKind } from '../src/program/operations.js';

/** Machines of every kind: each IOMMU, each mode of dom0, none at all, few frames, regions that firmware keeps. */
export const MACHINES: Readonly<
  Record<string, { readonly text: string; readonly devices: readonly string[] }>
> = {
  'x86, VT-d': x86('iommu vtd\ndom0 pages=2'),
  'x86, VT-d, strict dom0, few frames': x86('iommu vtd\ndom0 strict pages=2 tables=1', '0x100..0x107'),
  'x86, VT-d, passthrough, reserved region': x86(
    'iommu vtd\ndom0 passthrough pages=1\nreserved 0x80..0x81 nic',
  ),
  'x86, VT-d, tables of their own, no quarantine': x86('iommu vtd no-sharept no-quarantine\ndom0 pages=2'),
  'x86, AMD-Vi': x86('iommu amdvi\ndom0 pages=2'),
  'x86, no IOMMU': x86('iommu none\ndom0 pages=2'),
  'Arm, SMMUv2': arm('iommu smmu\ndom0 pages=2'),
  'Arm, SMMUv3': arm('iommu smmuv3\ndom0 pages=2'),
  'Arm, no IOMMU': arm('iommu none\ndom0 pages=2'),
};

function x86(lines: string, ram = '0x100..0x11f') {
  const devices = ['device nic 0000:03:00.0', 'device disk 0000:04:00.0'];
  const limits = 'limits domains=6 grants=8 handles=4';
  return {
    text: ['machine x86', `ram ${ram}`, lines, ...devices, limits, ''].join('\n'),
    devices: ['nic', 'disk'],
  };
}

function arm(lines: string) {
  const devices = [
    'device eth0 /amba/ethernet@ff0e0000 stream=0x877 withheld',
    'device eth1 /amba/ethernet@ff0f0000 stream=0x878',
  ];
  const limits = 'limits domains=6 grants=8 handles=4';
  const text = ['machine arm', 'ram 0x1000..0x101f', lines, ...devices, limits, ''].join('\n');
  return { text, devices: ['eth0', 'eth1'] };
}

/** Numbers at which something ends: widths of fields, counts, the language’s own largest. */
const NUMBERS = [
  0,
  1,
  2,
  3,
  4,
  7,
  8,
  15,
  16,
  31,
  32,
  63,
  64,
  127,
  128,
  255,
  256,
  511,
  512,
  0xfff,
  0x1000,
  0x7fef,
  0x7ff0,
  0x7ff1,
  0x7ff4,
  0x7fff,
  0x8000,
  0xffff,
  0x10000,
  2 ** 24,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 36 - 1,
  2 ** 36,
  2 ** 40,
  2 ** 44,
  2 ** 48 - 1,
  2 ** 48,
  2 ** 52,
  2 ** 53 - 1,
] as const;

/** Writes programs of any operations with any arguments of the right kind, which is not to say sensible ones. */
export class AnyProgram {
  private readonly random: Random;
  private readonly machine: (typeof MACHINES)[string];
  private readonly names: Record<'domain' | 'page' | 'handle' | 'mark', string[]> = {
    domain: ['dom0', 'dom_io', 'dom_invalid'],
    page: [],
    handle: [],
    mark: [],
  };
  private readonly first: number;
  private fresh = 0;

  constructor(machine: string, seed: number) {
    this.machine = MACHINES[machine]!;
    this.random = new Random(seed);
    this.first = machine.startsWith('Arm') ? 0x1000 : 0x100;
  }

  /** The declarations, some guests of every type, and `length` operations: `only` this one, mostly, where one is named. */
  write(length: number, only?: Operation): string[] {
    const arm = this.first === 0x1000;
    const guests = arm ? ['g1 iommu', 'g2'] : ['g1 iommu', 'g2', 'g3 hvm hap iommu', 'g4 hvm iommu'];
    const lines = guests.map((words) => `createdomain ${words} max_pages=6`);
    for (const words of guests) {
      const name = words.split(' ', 1)[0]!;
      this.names.domain.push(name);
      for (let i = 0; i < 2; i++) {
        const page = `P${name}_${i}`;
        lines.push(`populate_physmap ${name} ${page} gfn=0x${(0x10 + i).toString(16)}`);
        this.names.page.push(page);
      }
    }
    for (let i = 0; i < length; i++) {
      const operation = only !== undefined && this.random.chance(0.7) ? only : this.random.pick(OPERATIONS);
      lines.push(this.statement(operation));
    }
    return lines;
  }

  get declarations(): string {
    return this.machine.text;
  }

  private statement(operation: Operation): string {
    const parts = operation.parameters.map((parameter) => this.argument(parameter));
    return [operation.name, ...parts.filter((part) => part !== '')].join(' ');
  }

  private argument(parameter: Parameter): string {
    const { name, kind, keyed, optional, words = [] } = parameter;
    if (kind === 'flags')
      return words.filter(() => this.random.chance(1 / Math.min(words.length, 3))).join(' ');
    if (optional === true && this.random.chance(0.5)) return '';
    const value = kind === 'word' ? this.random.pick(words) : this.value(kind);
    return keyed === true ? `${name}=${value}` : value;
  }

  private value(kind: Exclude<ParameterKind, 'flags' | 'word'>): string {
    switch (kind) {
      case 'domain':
        return this.random.pick(this.names.domain);
      case 'newDomain':
        return this.introduce('domain', 'd');
      case 'page':
        return this.page();
      case 'newPage':
        return this.random.chance(0.2) ? this.frame() : this.introduce('page', 'p');
      case 'address':
        return this.random.chance(0.5)
          ? `${this.page()}+0x${(this.random.below(1024) * 4).toString(16)}`
          : this.number();
      case 'entry':
        return `${this.page()}[${this.random.pick([0, 1, 255, 256, 271, 272, 511])}]`;
      case 'device':
        return this.random.pick(this.machine.devices);
      case 'anyDevice':
        return this.random.chance(0.1) ? 'missing' : this.random.pick(this.machine.devices);
      case 'handle':
        return this.known('handle') ?? this.introduce('handle', 'h');
      case 'newHandle':
        return this.introduce('handle', 'h');
      case 'mark':
        return this.known('mark') ?? this.introduce('mark', 'm');
      case 'newMark':
        return this.introduce('mark', 'm');
      case 'name':
        return `n${this.fresh++}`;
      case 'number':
        return this.number();
    }
  }

  private known(kind: keyof AnyProgram['names']): string | undefined {
    const names = this.names[kind];
    return names.length === 0 ? undefined : this.random.pick(names);
  }

  private introduce(kind: keyof AnyProgram['names'], letter: string): string {
    const name = `${letter}${this.fresh++}`;
    this.names[kind].push(name);
    return name;
  }

  private page(): string {
    return this.random.chance(0.7) ? this.random.pick(this.names.page) : this.frame();
  }

  /** A frame of RAM or of Xen’s heap. */
  private frame(): string {
    return `0x${(this.random.chance(0.7) ? this.first + this.random.below(8) : 0x10 + this.random.below(4)).toString(16)}`;
  }

  private number(): string {
    return String(this.random.chance(0.4) ? this.random.below(4) : this.random.pick(NUMBERS));
  }
}
