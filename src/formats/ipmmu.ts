import type { EntryLayout } from './layout.js';

/**
 * Status register of a context of Renesas' IPMMU. The kinds of fault are those of the R-Car Gen3 manual; units of R-Car
 * Gen2 have the code and the level of the error as well.
 */
export const IPMMU_IMSTR: EntryLayout = {
  name: 'IMSTR',
  manual: 'R-Car Series, 3rd Generation, User’s Manual: Hardware, IPMMU, IMSTRn',
  words: 1,
  fields: [
    { name: 'translation', lo: 0, hi: 0, doc: 'TF: translation fault, no valid descriptor for the address' },
    {
      name: 'permission',
      lo: 1,
      hi: 1,
      doc: 'PF: permission fault, the descriptor does not allow the access',
    },
    { name: 'abort', lo: 2, hi: 2, doc: 'ABORT: table walk abort, a table could not be read' },
    { name: 'reserved3', lo: 3, hi: 3, doc: 'reserved', kind: 'reserved' },
    { name: 'multipleHit', lo: 4, hi: 4, doc: 'MHIT: multiple hit, several TLB entries match' },
    { name: 'reserved5', lo: 5, hi: 7, doc: 'reserved', kind: 'reserved' },
    {
      name: 'code',
      lo: 8,
      hi: 10,
      doc: 'ERRCODE: kind of error, R-Car Gen2',
      kind: 'enum',
      values: { 1: 'TLB format', 4: 'access permission', 5: 'secure access' },
    },
    { name: 'reserved11', lo: 11, hi: 11, doc: 'reserved', kind: 'reserved' },
    { name: 'level', lo: 12, hi: 13, doc: 'ERRLVL: level of the table, R-Car Gen2', kind: 'number' },
    { name: 'reserved14', lo: 14, hi: 31, doc: 'reserved', kind: 'reserved' },
  ],
};
