/** What the page of an audit is given, as JSON inside of it. Frames, not bytes; made by `src/report/audit-page.ts`. */
export interface PageData {
  readonly source: string;
  readonly devices: readonly PageDevice[];
  /** Ranges of each set of tables, flat: first input frame, frame behind the last, frame it leads to or -1, rights. */
  readonly spaces: readonly (readonly number[])[];
  readonly findings: readonly PageFinding[];
  /** Frame behind the last one of memory. */
  readonly memoryEnd: number;
}

export interface PageDevice {
  readonly sbdf: string;
  readonly domainId: number | null;
  readonly translation: 'blocked' | 'translated' | 'passthrough' | 'unknown';
  readonly note: string;
  /** Index in `spaces`; null when it is not translated. */
  readonly space: number | null;
  /** 1 read, 2 write. */
  readonly rights: number;
}

export interface PageFinding {
  readonly severity: 'error' | 'warning' | 'info';
  readonly code: string;
  readonly message: string;
  readonly sbdf: string | null;
  /** Bytes it is about; null when it is about none. */
  readonly start: number | null;
  readonly end: number | null;
}

/** Numbers that one range takes in `spaces`. */
export const RANGE_NUMBERS = 4;
