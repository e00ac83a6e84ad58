import { ladder, type Rung } from '../rule.js';

const DESTROY: readonly Rung[] = [
  {
    row: '',
    what: 'no such domain, or dom_io',
    status: 'ESRCH',
    fn: 'destroyDomain',
    when: (s) => s.domain === 'none' || s.domain === 'dom_io',
  },
  { row: '', what: 'oneself', status: 'EINVAL', fn: 'destroyDomain', when: (s) => s.domain === 'dom0' },
  { row: '', what: 'a device cannot leave', status: 'ENOMEM', fn: 'destroyDomain' },
  { row: '', what: 'a guest with a context', status: 'ok', fn: 'destroyDomain', when: (s) => s.context },
  { row: '', what: 'a guest without one', status: 'ok', fn: 'destroyDomain' },
];

/** destroydomain: dossier §6.6. */
export const DEATH = ladder('§6.6', 'destroydomain', 'destroy', DESTROY);
