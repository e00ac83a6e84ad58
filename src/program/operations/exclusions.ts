import { domain, type Operation } from './operation.js';

/** What a domain's memory may be used for besides, which excludes devices. */
export const EXCLUSIONS: readonly Operation[] = [
  {
    name: 'enable_log_dirty',
    actor: 'toolstack',
    doc: 'Turns on log-dirty mode, as live migration does (shadow_op): global with HAP, by shadow paging otherwise.',
    source: '§6.1, §12 T8',
    parameters: [domain],
  },
  {
    name: 'disable_log_dirty',
    actor: 'toolstack',
    doc: 'Turns it off.',
    source: '§6.1',
    parameters: [domain],
  },
  {
    name: 'mem_paging_enable',
    actor: 'toolstack',
    doc: 'Turns on paging of the domain’s memory (vm_event_op).',
    source: '§6.1',
    parameters: [domain],
  },
  {
    name: 'mem_paging_disable',
    actor: 'toolstack',
    doc: 'Turns it off.',
    source: '§6.1',
    parameters: [domain],
  },
  {
    name: 'mem_sharing_enable',
    actor: 'toolstack',
    doc: 'Allows pages of the domain to be shared (mem_sharing_op).',
    source: '§6.1',
    parameters: [domain],
  },
  {
    name: 'mem_sharing_disable',
    actor: 'toolstack',
    doc: 'Forbids it.',
    source: '§6.1',
    parameters: [domain],
  },
];
