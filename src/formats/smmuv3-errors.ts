import type { EntryLayout } from './layout.js';

const MANUAL = 'Arm SMMUv3 architecture, IHI 0070F';

/** Global errors, as GERROR differs from GERRORN. */
export const SMMUV3_GERROR: EntryLayout = {
  name: 'SMMU_GERROR',
  manual: `${MANUAL} §7.5`,
  words: 1,
  fields: [
    { name: 'commandError', lo: 0, hi: 0, doc: 'CMDQ_ERR: a command failed; the queue has stopped' },
    { name: 'reserved1', lo: 1, hi: 1, doc: 'reserved', kind: 'reserved' },
    { name: 'eventAbort', lo: 2, hi: 2, doc: 'EVENTQ_ABT_ERR: an event record could not be written' },
    { name: 'requestAbort', lo: 3, hi: 3, doc: 'PRIQ_ABT_ERR: a page request could not be written' },
    {
      name: 'commandMsiAbort',
      lo: 4,
      hi: 4,
      doc: 'MSI_CMDQ_ABT_ERR: the MSI of a CMD_SYNC could not be written',
    },
    {
      name: 'eventMsiAbort',
      lo: 5,
      hi: 5,
      doc: 'MSI_EVENTQ_ABT_ERR: the MSI of the event queue could not be written',
    },
    {
      name: 'requestMsiAbort',
      lo: 6,
      hi: 6,
      doc: 'MSI_PRIQ_ABT_ERR: the MSI of the PRI queue could not be written',
    },
    {
      name: 'errorMsiAbort',
      lo: 7,
      hi: 7,
      doc: 'MSI_GERROR_ABT_ERR: the MSI of a global error could not be written',
    },
    { name: 'serviceFailure', lo: 8, hi: 8, doc: 'SFM_ERR: the SMMU has entered Service Failure Mode' },
    { name: 'commandControl', lo: 9, hi: 9, doc: 'CMDQP_ERR: a command queue control page reports an error' },
    {
      name: 'permissionTable',
      lo: 10,
      hi: 10,
      doc: 'DPT_ERR: a look-up in the device permission table failed',
    },
    { name: 'reserved11', lo: 11, hi: 31, doc: 'reserved', kind: 'reserved' },
  ],
};

/** CMDQ_CONS: where the SMMU reads the command queue, and why it stopped. */
export const SMMUV3_CMDQ_CONS: EntryLayout = {
  name: 'SMMU_CMDQ_CONS',
  manual: `${MANUAL} §7.1`,
  words: 1,
  fields: [
    { name: 'read', lo: 0, hi: 19, doc: 'RD: index of the command, with the wrap bit', kind: 'frame' },
    { name: 'reserved20', lo: 20, hi: 23, doc: 'reserved', kind: 'reserved' },
    { name: 'error', lo: 24, hi: 30, doc: 'ERR: why it stopped', kind: 'number' },
    { name: 'reserved31', lo: 31, hi: 31, doc: 'reserved', kind: 'reserved' },
  ],
};
