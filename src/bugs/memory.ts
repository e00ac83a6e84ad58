import type { Bug, Inexpressible } from './bug.js';
import { NX_AMD_PRESENT_BIT } from './memory/nx-amd-present-bit.js';
import { NX_ARM_LOCALFLUSH } from './memory/nx-arm-localflush.js';
import { NX_ARM_NOFLUSH } from './memory/nx-arm-noflush.js';
import { NX_ARM_SETWAY } from './memory/nx-arm-setway.js';
import { NX_FOREIGN_REF } from './memory/nx-foreign-ref.js';
import { NX_LOGDIRTY_IOMMU } from './memory/nx-logdirty-iommu.js';
import { NX_MULTI_IOMMU_ERR } from './memory/nx-multi-iommu-err.js';
import { NX_NPT_NOSYNC } from './memory/nx-npt-nosync.js';
import { NX_SHARE_FLAGS } from './memory/nx-share-flags.js';
import { XSA_22 } from './memory/xsa-22.js';
import { XSA_78 } from './memory/xsa-78.js';
import { XSA_222 } from './memory/xsa-222.js';
import { XSA_275 } from './memory/xsa-275.js';
import { XSA_321 } from './memory/xsa-321.js';
import { XSA_393 } from './memory/xsa-393.js';

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
];

export const MEMORY_BUGS_INEXPRESSIBLE: readonly Inexpressible[] = [];
