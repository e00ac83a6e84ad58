import { R, type Rights, W } from '../formats/address.js';
import type { RadixFormat, RootShape } from '../formats/radix.js';
import { hex } from '../text/hex.js';
import { alikeNote } from './alike.js';
import { Problems } from './problems.js';
import { FrameList } from './range-list.js';
import type { FoundRoot } from './roots.js';
import type {
  AddressSpace,
  AlikeRequesters,
  AuditedDevice,
  AuditedUnit,
  MemoryImage,
  TableProblem,
} from './survey.js';
import { Allowance, walkSpace } from './walk-space.js';

/** What a survey gathers over all units: devices, and each set of tables once. */
export class Gathering {
  readonly devices: AuditedDevice[] = [];
  readonly spaces: AddressSpace[] = [];
  readonly image: MemoryImage;
  readonly allowance: Allowance;
  private readonly known = new Map<string, number>();

  constructor(image: MemoryImage, allowance = new Allowance()) {
    this.image = image;
    this.allowance = allowance;
  }

  /**
   * Index of the space below a root, which is walked when it is first asked for; whatever restricts a device above its
   * tables is not part of it.
   */
  space(format: RadixFormat, rootFrame: number, shape: RootShape, rights: Rights = R | W): number {
    const { topLevel, concatenated, inputBits = 0 } = shape;
    const key = `${format.name} ${rootFrame} ${topLevel} ${concatenated} ${inputBits} ${rights}`;
    let index = this.known.get(key);
    if (index === undefined) {
      index = this.spaces.length;
      this.known.set(key, index);
      this.spaces.push(walkSpace(format, this.image, rootFrame, shape, rights, this.allowance));
    }
    return index;
  }

  /** Whether one more device may be listed. */
  takesDevice(): boolean {
    return this.devices.length < this.allowance.devices;
  }
}

/** Frames of the tables that lead to the devices' own tables, and what is wrong with them. */
export class UnitNotes {
  readonly tables = new FrameList();
  readonly problems: Problems;
  readonly notes: string[] = [];
  private cutOff = false;

  constructor(allowance: Allowance) {
    this.problems = new Problems(allowance);
  }

  /** Says once that not all devices are listed. */
  devicesCutOff(most: number): void {
    if (!this.cutOff) this.notes.push(`more than ${most} entries of devices: the others are not listed`);
    this.cutOff = true;
  }

  /** Whether a table's page is in memory; a problem when it is not. */
  reads(image: MemoryImage, frame: number, entry: () => Omit<TableProblem, 'kind' | 'message'>): boolean {
    if (image.locate(frame, 0) >= 0) {
      this.tables.add(frame);
      return true;
    }
    this.problems.add(() => {
      const where = entry();
      const message = `${where.level} at ${hex(where.at)}: its table at ${hex(frame * 4096)} is not in memory`;
      return { kind: 'outside-memory', message, ...where };
    });
    return false;
  }

  unit(root: FoundRoot, mode: string, others: readonly AlikeRequesters[] = []): AuditedUnit {
    return {
      kind: root.kind,
      segment: root.segment,
      rootTable: root.table,
      mode,
      registers: root.registers,
      enabled: root.enabled,
      foundBy: root.foundBy,
      tables: this.tables.sorted(),
      problems: this.problems.named,
      moreProblems: this.problems.more,
      others,
      notes: [...this.notes, ...others.map(alikeNote)],
    };
  }
}
