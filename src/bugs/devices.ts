import type { Bug, Inexpressible } from './bug.js';
import { NX_400_REGRESS } from './devices/nx-400-regress.js';
import { NX_AMD_MERGE_FREE } from './devices/nx-amd-merge-free.js';
import { NX_BRIDGE_DID } from './devices/nx-bridge-did.js';
import { NX_CLEANUP_CONT } from './devices/nx-cleanup-cont.js';
import { NX_DID0_CM } from './devices/nx-did0-cm.js';
import { NX_DOMREF_LEAK } from './devices/nx-domref-leak.js';
import { NX_NOGFN } from './devices/nx-nogfn.js';
import { NX_PHANTOM_REAL } from './devices/nx-phantom-real.js';
import { NX_PT_UAF } from './devices/nx-pt-uaf.js';
import { NX_RMRR_REF } from './devices/nx-rmrr-ref.js';
import { NX_SMMU_DEASSIGN } from './devices/nx-smmu-deassign.js';
import { NX_SPLIT_BLANK } from './devices/nx-split-blank.js';
import { NX_SPLIT_PERMS } from './devices/nx-split-perms.js';
import { XSA_207 } from './devices/xsa-207.js';
import { XSA_237 } from './devices/xsa-237.js';
import { XSA_302_306 } from './devices/xsa-302-306.js';
import { XSA_311 } from './devices/xsa-311.js';
import { XSA_347A } from './devices/xsa-347a.js';
import { XSA_378A } from './devices/xsa-378a.js';
import { XSA_378B } from './devices/xsa-378b.js';
import { XSA_378C } from './devices/xsa-378c.js';
import { XSA_386 } from './devices/xsa-386.js';
import { XSA_390 } from './devices/xsa-390.js';
import { XSA_399 } from './devices/xsa-399.js';
import { XSA_400A } from './devices/xsa-400a.js';
import { XSA_400B } from './devices/xsa-400b.js';
import { XSA_400C } from './devices/xsa-400c.js';
import { XSA_410 } from './devices/xsa-410.js';
import { XSA_442 } from './devices/xsa-442.js';
import { XSA_449 } from './devices/xsa-449.js';
import { XSA_450 } from './devices/xsa-450.js';
import { XSA_460 } from './devices/xsa-460.js';

/** IOMMU drivers, devices, reserved regions, death of domains (bug-gallery.md §4). */
export const DEVICE_BUGS: readonly Bug[] = [
  XSA_302_306,
  XSA_378A,
  XSA_378B,
  XSA_378C,
  XSA_386,
  XSA_390,
  XSA_442,
  XSA_449,
  XSA_460,
  NX_CLEANUP_CONT,
  NX_RMRR_REF,
  NX_PT_UAF,
  NX_BRIDGE_DID,
  NX_PHANTOM_REAL,
  XSA_207,
  NX_400_REGRESS,
  XSA_400C,
  XSA_450,
  XSA_410,
  NX_SMMU_DEASSIGN,
  NX_DID0_CM,
  XSA_311,
  XSA_400A,
  XSA_400B,
  XSA_347A,
  NX_SPLIT_BLANK,
  NX_SPLIT_PERMS,
  NX_AMD_MERGE_FREE,
  XSA_399,
  NX_DOMREF_LEAK,
  NX_NOGFN,
  XSA_237,
];

export const DEVICE_BUGS_INEXPRESSIBLE: readonly Inexpressible[] = [
  {
    id: 'NX-IOMMU-SELF',
    class: 'A',
    lacks: 'a PVH hardware domain, the only one that owns IOMMUs’ own functions and whose AMD-Vi tables grow',
  },
  {
    id: 'NX-ITS-MAP',
    class: 'A',
    lacks: 'the ITS of a GICv3, whose doorbell a hardware domain gets as it is made',
  },
  { id: 'NX-UTLB-SHARED', class: 'A', lacks: 'IPMMUs, and several devices under one stream id' },
  { id: 'XSA-409', class: 'A', lacks: 'pools that bound the memory of a domain’s p2m tables' },
  {
    id: 'NX-UNMAP-ALLOC',
    class: 'A',
    lacks: 'walks of AMD-Vi tables for an unmap that make the tables they miss',
  },
  {
    id: 'XSA-445',
    class: 'D',
    lacks:
      'an AMD-Vi unit that goes by the levels of the device table entry and not by those of the tables’ ' +
      'entries',
  },
  { id: 'NX-ATS-ERR', class: 'D', lacks: 'ATS: TLBs in devices, and invalidations that go to them' },
  { id: 'NX-PIRQ-DEATH', class: 'E', lacks: 'interrupts bound to domains' },
  { id: 'XSA-29/212', class: 'E', lacks: 'addresses of hypercall arguments' },
  { id: 'XSA-227', class: 'E', lacks: 'grant mappings at addresses that are no entry’s' },
  { id: 'XSA-134/18/24/232', class: 'E', lacks: 'arguments that cannot be read, and compat layers' },
  { id: 'XSA-382', class: 'E', lacks: 'the buffer that a list of status frames is written to' },
  { id: 'XSA-167', class: 'E', lacks: 'superpages of PV guests' },
  { id: 'XSA-37/109', class: 'E', lacks: 'assertions' },
  { id: 'XSA-116/502', class: 'E', lacks: 'objects of Xen’s own heap' },
  { id: 'XSA-345', class: 'E', lacks: 'Xen’s own page tables' },
  { id: 'XSA-292/294', class: 'E', lacks: 'PCIDs, and CR3 as what flushes a TLB' },
  { id: 'XSA-397/427/430/438/494', class: 'E', lacks: 'shadow page tables, log-dirty memory, the map cache' },
  { id: 'XSA-154/428', class: 'E', lacks: 'attributes of caches' },
  { id: 'XSA-36/33/CVE-2011-1898', class: 'E', lacks: 'interrupt remapping' },
  { id: 'XSA-59', class: 'E', lacks: 'errors that chipsets signal' },
  { id: 'XSA-458/467', class: 'E', lacks: 'interrupt descriptors and their locks' },
  { id: 'XSA-493', class: 'E', lacks: 'errata of TLB maintenance on Arm' },
  { id: 'XSA-437/447', class: 'E', lacks: 'what is in caches' },
  { id: 'XSA-238', class: 'E', lacks: 'ioreq servers' },
  { id: 'XSA-499', class: 'E', lacks: 'XSM hooks' },
  {
    id: 'XSA-383/372/245',
    class: 'E',
    lacks: 'limits of what is made at boot, and scrubbing of memory before it',
  },
  { id: 'XSA-505/343/344/358/359', class: 'E', lacks: 'event channels' },
  { id: 'XSA-243/249/250/251/280', class: 'E', lacks: 'shadow page tables' },
  { id: 'XSA-279', class: 'E', lacks: 'flushes by linear address' },
  {
    id: 'XSA-334/385',
    class: 'E',
    lacks: 'a list of domains that is held while it is read; quotas that overflow',
  },
  { id: 'NX-SRIOV-LOOP', class: 'E', lacks: 'BARs' },
  { id: 'NX-MSI-STALE', class: 'E', lacks: 'MSI capabilities' },
];
