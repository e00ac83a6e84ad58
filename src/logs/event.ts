/** Whose line it is: Xen with its toolstack (xl, libxl, pciback's refusals of Xen), or Linux. */
export type LogSource = 'xen' | 'linux';

export type LogUnit = 'vtd' | 'amdvi' | 'smmuv2' | 'smmuv3' | 'ipmmu';

export const EVENT_KINDS = [
  'dma-fault',
  'interrupt-fault',
  'command-error',
  'init',
  'toolstack',
  'memory',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

export type LogAccess = 'read' | 'write';

/** The architecture's own word for why, or for what was said. */
export interface EventReason {
  /** The number of the register or record, or null where there is none. */
  readonly code: number | null;
  /** The manual's name (`F_TRANSLATION`, `LGN.2`), or a stable kebab-case name of ours where no manual has one. */
  readonly name: string;
  /** What it means, one sentence in our words, without a full stop. */
  readonly meaning: string;
  /** Manual and section, or the dossier's section; null where no text says it. */
  readonly manual: string | null;
}

/** A status bit or field that the line shows, decoded. */
export interface StatusBit {
  /** The manual's abbreviation: `TF`, `RW`, `PP`. */
  readonly name: string;
  readonly value: number;
  readonly meaning: string;
}

/** The entry at which the walk ended, where the lines show or imply it. */
export interface FailedLevel {
  /** The manual's name: `root entry`, `context entry`, `L2`, `level 1`. */
  readonly name: string;
  /** The entry, where it was printed. */
  readonly entry: bigint | null;
  /** What is wrong with it, in our words. */
  readonly problem: string;
}

/**
 * What one or several lines of a log tell, while it is being put together: forms write into it (`form.ts`). Fields that
 * no line gave stay as they were.
 */
export class EventDraft {
  readonly source: LogSource;
  readonly unit: LogUnit | null;
  kind: EventKind;
  /** `ssss:bb:dd.f`, or a device-tree path. */
  device: string | null = null;
  /** A domid or the number that the unit gives the domain; a name where the log has only that. */
  domain: number | string | null = null;
  address: bigint | null = null;
  access: LogAccess | null = null;
  reason: EventReason | null = null;
  readonly bits: StatusBit[] = [];
  level: FailedLevel | null = null;
  /** Everything else that was said, by name: `stream`, `unit path`, `PASID`, `master`, `cb`. Part of the identity. */
  readonly details: Record<string, string> = {};
  /** Entries of table dumps and other lines that belong to it, as they were printed, without prefixes. */
  readonly more: string[] = [];

  constructor(source: LogSource, unit: LogUnit | null, kind: EventKind) {
    this.source = source;
    this.unit = unit;
    this.kind = kind;
  }
}
