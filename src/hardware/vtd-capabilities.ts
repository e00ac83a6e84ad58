/** What a VT-d unit can do, as its capability registers say. (Intel VT-d spec 5.10 §11.4.2, §11.4.3.) */
export interface VtdCapabilities {
  /** CAP.ND: domain ids that the unit tells apart, 16 to 65536 in powers of four. */
  readonly domainIds: number;
  /** CAP.CM: what is not present is remembered, too, context entries under DID 0. */
  readonly cachingMode: boolean;
  /** CAP.PSI: translations of single pages can be invalidated. */
  readonly pageSelective: boolean;
  /** CAP.MAMV: the largest order of pages that one such invalidation takes. */
  readonly maxOrder: number;
  /** ECAP.PT: requests can be let through untranslated. */
  readonly passThrough: boolean;
  /** CAP.SAGAW: levels that second-level tables may have. */
  readonly levels: readonly (3 | 4)[];
  /** CAP.SLLPS: the highest level with superpages; 1 none, 2 for 2 MiB, 3 for 1 GiB too. */
  readonly superpageLevel: 1 | 2 | 3;
  /** ECAP.SC: the snoop bit of a leaf is no reserved bit. */
  readonly snoopControl: boolean;
  /** ECAP.C: the unit's reads of tables snoop the processors' caches. */
  readonly coherent: boolean;
  /** CAP.RWBF: writes to tables wait in a buffer until it is flushed. */
  readonly writeBuffer: boolean;
  /** ECAP.QI, and its use: invalidations are queued rather than written to registers. */
  readonly queuedInvalidation: boolean;
}

/** A unit that can do everything and hides nothing. */
export const FULL_VTD: VtdCapabilities = {
  domainIds: 65536,
  cachingMode: false,
  pageSelective: true,
  maxOrder: 63,
  passThrough: true,
  levels: [3, 4],
  superpageLevel: 3,
  snoopControl: true,
  coherent: true,
  writeBuffer: false,
  queuedInvalidation: true,
};

/** The levels that Xen uses on a unit: the most it can. */
export const vtdLevels = ({ levels }: VtdCapabilities): number => Math.max(...levels);
