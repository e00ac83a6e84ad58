import type { Bug, Inexpressible } from './bug.js';
import { NX_400_REGRESS } from './devices/nx-400-regress.js';
import { NX_AMD_MERGE_FREE } from './devices/nx-amd-merge-free.js';
import { NX_BRIDGE_DID } from './devices/nx-bridge-did.js';
import { NX_CLEANUP_CONT } from './devices/nx-cleanup-cont.js';
import { NX_DID0_CM } from './devices/nx-did0-cm.js';
import { NX_PHANTOM_REAL } from './devices/nx-phantom-real.js';
import { NX_PT_UAF } from './devices/nx-pt-uaf.js';
import { NX_RMRR_REF } from './devices/nx-rmrr-ref.js';
import { NX_SMMU_DEASSIGN } from './devices/nx-smmu-deassign.js';
import { NX_SPLIT_BLANK } from './devices/nx-split-blank.js';
import { NX_SPLIT_PERMS } from './devices/nx-split-perms.js';
import { XSA_207 } from './devices/xsa-207.js';
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
];

export const DEVICE_BUGS_INEXPRESSIBLE: readonly Inexpressible[] = [
];
