import type { Bug, Inexpressible } from './bug.js';
import { NX_ADDPAGE_RC } from './memory/nx-addpage-rc.js';
import { NX_AMD_PRESENT_BIT } from './memory/nx-amd-present-bit.js';
import { NX_ARM_FREE_BEFORE_FLUSH } from './memory/nx-arm-free-before-flush.js';
import { NX_ARM_LOCALFLUSH } from './memory/nx-arm-localflush.js';
import { NX_ARM_NOFLUSH } from './memory/nx-arm-noflush.js';
import { NX_ARM_SETWAY } from './memory/nx-arm-setway.js';
import { NX_CLAIM_DYING } from './memory/nx-claim-dying.js';
import { NX_DOUBLE_REMOVE } from './memory/nx-double-remove.js';
import { NX_FOREIGN_REF } from './memory/nx-foreign-ref.js';
import { NX_GMFN_OVERLAP } from './memory/nx-gmfn-overlap.js';
import { NX_GMFN_TYPE } from './memory/nx-gmfn-type.js';
import { NX_HWDOM_SYNC } from './memory/nx-hwdom-sync.js';
import { NX_LOGDIRTY_IOMMU } from './memory/nx-logdirty-iommu.js';
import { NX_MULTI_IOMMU_ERR } from './memory/nx-multi-iommu-err.js';
import { NX_NPT_NOSYNC } from './memory/nx-npt-nosync.js';
import { NX_P2M_PERM_NOSYNC } from './memory/nx-p2m-perm-nosync.js';
import { NX_SHARE_FLAGS } from './memory/nx-share-flags.js';
import { XSA_22 } from './memory/xsa-22.js';
import { XSA_27_89_97_125_150 } from './memory/xsa-27-89-97-125-150.js';
import { XSA_30 } from './memory/xsa-30.js';
import { XSA_31_158 } from './memory/xsa-31-158.js';
import { XSA_78 } from './memory/xsa-78.js';
import { XSA_80 } from './memory/xsa-80.js';
import { XSA_92 } from './memory/xsa-92.js';
import { XSA_98 } from './memory/xsa-98.js';
import { XSA_222 } from './memory/xsa-222.js';
import { XSA_275 } from './memory/xsa-275.js';
import { XSA_277 } from './memory/xsa-277.js';
import { XSA_321 } from './memory/xsa-321.js';
import { XSA_346A } from './memory/xsa-346a.js';
import { XSA_346B } from './memory/xsa-346b.js';
import { XSA_388 } from './memory/xsa-388.js';
import { XSA_393 } from './memory/xsa-393.js';
import { XSA_480 } from './memory/xsa-480.js';
import { XSA_507 } from './memory/xsa-507.js';

/** The p2m, memory operations, flushes (bug-gallery.md §3). */
export const MEMORY_BUGS: readonly Bug[] = [
  XSA_78,
  NX_AMD_PRESENT_BIT,
  XSA_275,
  NX_ARM_NOFLUSH,
  NX_NPT_NOSYNC,
  NX_LOGDIRTY_IOMMU,
  NX_SHARE_FLAGS,
  XSA_222,
  NX_FOREIGN_REF,
  NX_ARM_LOCALFLUSH,
  XSA_393,
  NX_ARM_SETWAY,
  NX_MULTI_IOMMU_ERR,
  XSA_321,
  XSA_22,
  XSA_80,
  XSA_346A,
  XSA_346B,
  NX_P2M_PERM_NOSYNC,
  NX_GMFN_TYPE,
  NX_GMFN_OVERLAP,
  NX_DOUBLE_REMOVE,
  XSA_92,
  NX_ADDPAGE_RC,
  NX_HWDOM_SYNC,
  NX_ARM_FREE_BEFORE_FLUSH,
  XSA_480,
  XSA_277,
  NX_CLAIM_DYING,
  XSA_27_89_97_125_150,
  XSA_388,
  XSA_30,
  XSA_31_158,
  XSA_507,
  XSA_98,
];

export const MEMORY_BUGS_INEXPRESSIBLE: readonly Inexpressible[] = [
  {
    id: 'NX-FLUSH-ON-FAIL',
    class: 'B',
    lacks:
      'a range in whose middle a failure is found soon: entries fail only where another table begins, 512 guest frames on',
  },
  {
    id: 'NX-AMD-SHARE',
    class: 'D',
    lacks: 'AMD’s sharing of nested page tables, which no release from 4.11 on has',
  },
  {
    id: 'XSA-246',
    class: 'A',
    lacks: 'a CPU that faults again and again: an access that is to be populated on demand ends at once',
  },
  { id: 'XSA-304', class: 'D', lacks: 'an IOMMU that goes on with a large page when it has been split' },
  {
    id: 'XSA-301',
    class: 'A',
    lacks: 'the highest guest frame that was ever mapped, by which Arm’s lookups are bounded',
  },
  { id: 'XSA-276', class: 'A', lacks: 'ioreq servers and their pages' },
  {
    id: 'XSA-147',
    class: 'C',
    lacks: 'a moment between the last reference of a page and its leaving its domain’s list',
  },
  {
    id: 'XSA-364/100',
    class: 'D',
    lacks: 'the CPU’s data cache, and content of pages that a search could tell',
  },
];
