import type { Consequences } from './finding.js';

/** What is true of every table. */
export const TABLE_CONSEQUENCES: Consequences = {
  'table-cut-off': {
    about: 'the table ends before its header says that it does',
    fix: 'the Length in the header must be the bytes that are there; a paste needs the rest of its lines',
  },
  'bytes-missing': {
    about: 'a listing leaves out bytes of the table',
    fix: 'give the raw table, or a listing with its Raw Table Data, to have all of it verified',
  },
  'table-too-short': {
    about: 'the table’s length is less than its header',
    fix: 'set Length to the bytes of the whole table, header included',
  },
  'checksum-wrong': {
    about: 'the bytes of the table do not sum to 0',
    fix: 'compute the checksum after the last change to the table',
    xen: 'all releases log “Incorrect checksum in table” and use the table',
    linux: 'logs “Incorrect checksum in table” and uses the table',
  },
  'trailing-bytes': {
    about: 'bytes follow the table that belong to none',
    fix: 'if they are structures of the table, its Length is too small; else they are of no effect',
  },
  'length-too-small': {
    about: 'a structure’s length is too small to find the next one',
    fix: 'set the structure’s Length to its bytes, its header included',
  },
  'structure-overruns': {
    about: 'a structure reaches beyond what contains it',
    fix: 'make the structure’s Length and the length of what contains it agree',
  },
  'structure-too-short': {
    about: 'a structure is shorter than the manual’s',
    fix: 'give the structure all its fields',
  },
  'unknown-type': {
    about: 'a structure of a type that the manual does not have',
    fix: 'leave it out unless a later revision of the specification defines it',
  },
  'offset-outside': {
    about: 'an offset or a count leads outside of what contains it',
    fix: 'offsets count from the start of the node, or of the table where the specification says so',
  },
  'too-many': {
    about: 'more structures than any firmware has',
  },
  'reserved-bits': {
    about: 'a reserved bit or field is not zero',
    fix: 'clear it, unless a later revision of the specification defines it',
  },
  'more-findings': {
    about: 'a table has more findings than are listed',
  },
  'revision-unknown': {
    about: 'the table’s revision is none that the specification knows',
  },
};
