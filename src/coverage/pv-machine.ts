import { PGT } from '../formats/x86-page-info.js';
import { isPageTable } from '../xen/page-info.js';
import { type Rule, rule } from './rule.js';
import type { Situation } from './situation.js';

const PINS = ['pin_l1_table', 'pin_l2_table', 'pin_l3_table', 'pin_l4_table'];
const writable = (s: Situation) => s.page === 'own' && s.type === PGT.writable;
const table = (s: Situation) => s.page === 'own' && isPageTable(s.type);

/**
 * Situations that a program for a PV machine can meet, section by section, several at once. Random programs that are held
 * against a real Xen seek those that none has met yet (docs/conform.md).
 */
export const PV_MACHINE_RULES: readonly Rule[] = [
  rule('§2.1 createdomain: PV without a context', 'createdomain', 'ok', (s) => !s.has('iommu')),
  rule('§2.1 createdomain: PV with a context', 'createdomain', 'ok', (s) => s.has('iommu')),
  rule('§2.2 createdomain: no_sharept is legal for PV', 'createdomain', 'ok', (s) => s.is('iommu_opts', '1')),
  rule(
    '§2.2 createdomain: iommu_opts without a context',
    'createdomain',
    'EINVAL',
    (s) => !s.has('iommu') && s.said('iommu_opts'),
  ),
  rule(
    '§2.2 createdomain: unknown iommu_opts',
    'createdomain',
    'EINVAL',
    (s) => s.has('iommu') && s.said('iommu_opts'),
  ),
  rule('§2.2 createdomain: unknown flags', 'createdomain', 'EINVAL', (s) => s.said('raw_flags')),
  rule('§2.2 createdomain: hap without hvm', 'createdomain', 'EINVAL', (s) => s.has('hap') && !s.has('hvm')),
  rule('§2.2 createdomain: no vCPU', 'createdomain', 'EINVAL', (s) => s.is('max_vcpus', '0')),
  rule('§2.1 createdomain: the domid is taken', 'createdomain', 'EEXIST', (s) => s.said('domid')),

  rule('§3.4 populate: mapped through a writable type', 'populate_physmap', 'ok', (s) => s.synced),
  rule(
    '§3.4 populate: no context, no mapping',
    'populate_physmap',
    'ok',
    (s) => s.domain === 'guest' && !s.context,
  ),
  rule('§3.4 populate: over the limit', 'populate_physmap', 'EBUSY', (s) => s.domain === 'guest'),
  rule('§3.4 decrease: a writable page', 'decrease_reservation', 'ok', (s) => writable(s) && s.synced),
  rule('§3.4 decrease: a page that is in use', 'decrease_reservation', 'ok', (s) => s.count > 0 && !s.pinned),
  rule('§3.4 decrease: a pinned table stays', 'decrease_reservation', 'ok', (s) => s.pinned),
  rule('§3.4 decrease: somebody else’s page', 'decrease_reservation', 'EINVAL', (s) => s.page === 'other'),
  rule('§3.4 decrease: a free page', 'decrease_reservation', 'EINVAL', (s) => s.page === 'free'),
  rule('§3.4 exchange: one page for another', 'memory_exchange', 'ok'),
  rule('§3.4 exchange: somebody else’s page', 'memory_exchange', 'EINVAL', (s) => s.page === 'other'),
  rule('§3.4 max_mem: a guest’s limit', 'max_mem', 'ok', (s) => s.domain === 'guest'),

  ...[1, 2, 3, 4].map((level) =>
    rule(
      `§3.3 pin L${level}: a writable page leaves the IOMMU’s tables`,
      `pin_l${level}_table`,
      'ok',
      (s) => writable(s) && s.synced,
    ),
  ),
  rule('§3.2 pin: no context', PINS, 'ok', (s) => s.domain === 'guest' && !s.context),
  rule('§3.2 pin: once more', PINS, 'EINVAL', (s) => s.pinned),
  rule('§3.2 pin: a page that is mapped writable', PINS, 'EINVAL', (s) => writable(s) && s.count > 0),
  rule('§3.2 pin: another level', PINS, 'EINVAL', (s) => table(s) && s.count > 0),
  rule('§3.2 pin: somebody else’s page', PINS, 'EINVAL', (s) => s.page === 'other'),
  rule('§3.2 pin: a free page', PINS, 'EINVAL', (s) => s.page === 'free'),
  rule('§3.2 pin: entries that do not validate', PINS, 'EINVAL', (s) => s.page === 'own' && s.count === 0),
  rule('§3.3 pin: what was another table before', PINS, 'ok', (s) => table(s) && s.count === 0),
  rule('§3.3 unpin: a table, which stays out of reach', 'unpin_table', 'ok', (s) => s.synced),
  rule('§3.2 unpin: not pinned', 'unpin_table', 'EINVAL', (s) => s.page === 'own' && !s.pinned),

  rule(
    '§3.2 mmu_update: a table gains a page',
    'mmu_update',
    'ok',
    (s) => s.said('page') && s.is('rights', 'rw'),
  ),
  rule('§3.2 mmu_update: a table gains a page read-only', 'mmu_update', 'ok', (s) => s.is('rights', 'ro')),
  rule('§3.2 mmu_update: an entry is cleared', 'mmu_update', 'ok', (s) => !s.said('page')),
  rule('§3.2 mmu_update: refused', 'mmu_update', 'EINVAL'),
  rule('§3.2 mmu_update: a table cannot be mapped writable', 'mmu_update', 'EBUSY'),
  rule(
    '§3.3 map: a page comes back within reach',
    'update_va_mapping',
    'ok',
    (s) => s.synced && s.page === 'own' && s.type !== PGT.writable && s.said('page'),
  ),
  rule(
    '§3.2 map: writable',
    'update_va_mapping',
    'ok',
    (s) => writable(s) && s.domain === 'guest' && !s.is('rights', 'ro'),
  ),
  rule('§3.2 map: read-only', 'update_va_mapping', 'ok', (s) => s.page === 'own' && s.is('rights', 'ro')),
  rule(
    '§3.2 map: a table, read-only',
    'update_va_mapping',
    'ok',
    (s) => table(s) && s.count > 0 && s.is('rights', 'ro'),
  ),
  rule('§3.2 map: a table cannot be mapped writable', 'update_va_mapping', 'EBUSY', (s) => table(s)),
  rule(
    '§3.2 map: somebody else’s page',
    'update_va_mapping',
    'EBUSY',
    (s) => s.page === 'other' && !s.said('of'),
  ),
  rule(
    '§2.4 map: dom0 maps a foreign page',
    'update_va_mapping',
    'ok',
    (s) => s.domain === 'dom0' && s.said('of') && s.said('page'),
  ),
  rule('§3.2 unmap', 'update_va_mapping', 'ok', (s) => !s.said('page')),
  rule('§3.2 store: through a writable mapping', 'store', 'ok'),
  rule('§3.2 store: without one', 'store', 'EFAULT'),

  rule(
    '§5.2 map: read-write, by dom0',
    'map_grant_ref',
    'ok',
    (s) => s.domain === 'dom0' && !s.has('readonly'),
  ),
  rule(
    '§5.2 map: read-only, by dom0',
    'map_grant_ref',
    'ok',
    (s) => s.domain === 'dom0' && s.has('readonly'),
  ),
  rule('§5.2 map: by a guest', 'map_grant_ref', 'ok', (s) => s.domain === 'guest' && !s.has('readonly')),
  rule(
    '§5.2 map: read-only, by a guest',
    'map_grant_ref',
    'ok',
    (s) => s.domain === 'guest' && s.has('readonly'),
  ),
  rule('§5.4 map: for devices only', 'map_grant_ref', 'ok', (s) => s.has('device') && !s.has('host')),
  rule('§5.2 #11 map: for devices and host', 'map_grant_ref', 'ok', (s) => s.has('device') && s.has('host')),
  rule('§5.2 #3 map: unknown granter', 'map_grant_ref', 'bad_domain'),
  rule('§5.2 #6 map: reference beyond the table', 'map_grant_ref', 'bad_gntref'),
  rule('§5.2 #7/#8 map: not offered to the caller, or not for writing', 'map_grant_ref', 'general_error'),
  rule('§5.2 #8 map: the page is not the granter’s', 'map_grant_ref', 'bad_page'),
  rule('§5.5 unmap: by dom0', 'unmap_grant_ref', 'ok', (s) => s.domain === 'dom0'),
  rule('§5.5 unmap: by a guest', 'unmap_grant_ref', 'ok', (s) => s.domain === 'guest'),
  rule('§5.5 unmap: partly', 'unmap_grant_ref', 'ok', (s) => s.has('host') !== s.has('device')),
  rule('§5.5 unmap: bad handle', 'unmap_grant_ref', 'bad_handle'),
  rule('§5.5 unmap: another bus address', 'unmap_grant_ref', 'bad_dev_addr'),
  rule('§5.1 end_grant: in use', 'end_grant', 'in_use'),
  rule('§5.1 end_grant', 'end_grant', 'ok'),

  rule('§6.1 #2 assign: no such domain', 'assign_device', 'ESRCH'),
  rule('§6.1 #4 assign: no context', 'assign_device', 'EOPNOTSUPP', (s) => s.domain === 'guest'),
  rule('§6.1 #5 assign: to the caller', 'assign_device', 'EINVAL', (s) => s.domain === 'dom0'),
  rule(
    '§6.1 #7 assign: unknown flags',
    'assign_device',
    'EINVAL',
    (s) => s.domain === 'guest' && s.said('flags'),
  ),
  rule('§6.1 #8 assign: no such device', 'assign_device', 'ENODEV'),
  rule('§6.1 #9 assign: the same guest has it', 'assign_device', 'EBUSY', (s) => s.device === 'same'),
  rule('§6.1 #9 assign: another guest has it', 'assign_device', 'EBUSY', (s) => s.device === 'other'),
  rule('§6.1 assign: from dom0', 'assign_device', 'ok', (s) => s.domain === 'guest' && s.device === 'dom0'),
  rule(
    '§6.3 assign: from quarantine',
    'assign_device',
    'ok',
    (s) => s.domain === 'guest' && s.device === 'dom_io',
  ),
  rule(
    '§6.3 assign: to quarantine',
    'assign_device',
    'ok',
    (s) => s.domain === 'dom_io' && s.device === 'dom0',
  ),
  rule(
    '§6.3 assign: to quarantine, again',
    'assign_device',
    'ok',
    (s) => s.domain === 'dom_io' && s.device !== 'dom0',
  ),
  rule('§6.1 test: it can be assigned', 'test_assign_device', 'ok'),
  rule(
    '§6.1 test: assigned already',
    'test_assign_device',
    'EINVAL',
    (s) => s.device === 'same' || s.device === 'other',
  ),
  rule('§6.1 test: no such device', 'test_assign_device', 'EINVAL', (s) => s.device === 'unknown'),
  rule('§2.5 test: no context', 'test_assign_device', 'EOPNOTSUPP'),
  rule('§6.2 deassign: to quarantine', 'deassign_device', 'ok', (s) => s.domain === 'guest'),
  rule('§6.2 deassign: from quarantine to dom0', 'deassign_device', 'ok', (s) => s.domain === 'dom_io'),
  rule(
    '§6.2 deassign: not its device',
    'deassign_device',
    'ENODEV',
    (s) => s.context && s.domain === 'guest',
  ),
  rule('§6.2 deassign: no context', 'deassign_device', 'EOPNOTSUPP'),

  rule('§6.6 destroy: a guest with a context', 'destroydomain', 'ok', (s) => s.context),
  rule('§6.6 destroy: a guest without one', 'destroydomain', 'ok', (s) => !s.context),
  rule('§6.6 destroy: nobody', 'destroydomain', 'ESRCH'),
  rule('§6.6 destroy: oneself', 'destroydomain', 'EINVAL'),

  rule('§7.1 DMA: a read passes', 'dma', 'ok', (s) => s.is('access', 'read')),
  rule('§7.1 DMA: a write passes', 'dma', 'ok', (s) => s.is('access', 'write')),
  rule('§7.1 DMA: a read faults', 'dma', 'fault', (s) => s.is('access', 'read')),
  rule('§7.1 DMA: a write faults', 'dma', 'fault', (s) => s.is('access', 'write')),
];
