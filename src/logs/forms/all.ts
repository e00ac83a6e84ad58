import type { LineForm } from '../form.js';
import { ACPI_DUMP_FORMS } from './acpi-dump.js';
import { AMDVI_INIT } from './amdvi-init.js';
import { ARM_INIT_FORMS } from './arm-init.js';
import { IPMMU_FORMS } from './ipmmu.js';
import { LIBXL_FORMS } from './libxl.js';
import { LINUX_AMDVI } from './linux-amdvi.js';
import { LINUX_DEVICES } from './linux-devices.js';
import { LINUX_GROUP_FORMS } from './linux-groups.js';
import { LINUX_IOMMU_FORMS } from './linux-iommu.js';
import { LINUX_IORT_FORMS } from './linux-iort.js';
import { LINUX_PASSTHROUGH_FORMS } from './linux-passthrough.js';
import { LINUX_VTD_FORMS } from './linux-vtd.js';
import { LINUX_VTD_DMAR_FORMS } from './linux-vtd-dmar.js';
import { LINUX_VTD_INIT_FORMS } from './linux-vtd-init.js';
import { LINUX_VTD_QUEUE_FORMS } from './linux-vtd-queue.js';
import { PCIBACK_FORMS } from './pciback.js';
import { SMMUV2_FORMS } from './smmuv2.js';
import { SMMUV2_INIT_FORMS } from './smmuv2-init.js';
import { SMMUV3_FORMS } from './smmuv3.js';
import { SMMUV3_INIT_FORMS } from './smmuv3-init.js';
import { XEN_AMDVI } from './xen-amdvi.js';
import { XEN_BOOT_FACTS } from './xen-boot-facts.js';
import { XEN_CREATEDOMAIN_FORMS } from './xen-createdomain.js';
import { XEN_GRANT_FORMS } from './xen-grants.js';
import { XEN_INIT_FORMS } from './xen-init.js';
import { XEN_MAPPING_FORMS } from './xen-mappings.js';
import { XEN_MEMORY_FORMS } from './xen-memory.js';
import { XEN_MOVE_FORMS } from './xen-moves.js';
import { XEN_PIRQ_FORMS } from './xen-pirq.js';
import { XEN_VTD_FORMS } from './xen-vtd.js';
import { XEN_VTD_DEVICE_FORMS } from './xen-vtd-devices.js';
import { XEN_VTD_DMAR_FORMS } from './xen-vtd-dmar.js';
import { XEN_VTD_INIT_FORMS } from './xen-vtd-init.js';
import { XEN_VTD_QUEUE_FORMS } from './xen-vtd-queue.js';
import { XEN_VTD_QUIRK_FORMS } from './xen-vtd-quirks.js';
import { XL_FORMS } from './xl.js';

/** Every line that is understood, one family a file. Where two take the same line, the first does. */
export const FORMS: readonly LineForm[] = [
  ...XEN_AMDVI,
  ...LINUX_AMDVI,
  ...AMDVI_INIT,
  ...XEN_VTD_FORMS,
  ...LINUX_VTD_FORMS,
  ...LINUX_VTD_QUEUE_FORMS,
  ...LINUX_VTD_DMAR_FORMS,
  ...LINUX_VTD_INIT_FORMS,
  ...LINUX_IOMMU_FORMS,
  ...XEN_VTD_QUEUE_FORMS,
  ...XEN_VTD_DMAR_FORMS,
  ...XEN_VTD_INIT_FORMS,
  ...XEN_VTD_QUIRK_FORMS,
  ...XEN_VTD_DEVICE_FORMS,
  ...XEN_MOVE_FORMS,
  ...SMMUV2_FORMS,
  ...SMMUV2_INIT_FORMS,
  ...SMMUV3_FORMS,
  ...SMMUV3_INIT_FORMS,
  ...IPMMU_FORMS,
  ...ARM_INIT_FORMS,
  ...LINUX_GROUP_FORMS,
  ...LINUX_IORT_FORMS,
  ...XEN_INIT_FORMS,
  ...XEN_MAPPING_FORMS,
  ...XEN_MEMORY_FORMS,
  ...XEN_GRANT_FORMS,
  ...XEN_CREATEDOMAIN_FORMS,
  ...LIBXL_FORMS,
  ...XL_FORMS,
  ...PCIBACK_FORMS,
  ...LINUX_PASSTHROUGH_FORMS,
  ...XEN_PIRQ_FORMS,
  ...XEN_BOOT_FACTS,
  ...LINUX_DEVICES,
  ...ACPI_DUMP_FORMS,
];
