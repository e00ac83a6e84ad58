import { typeCount } from '../page-info.js';
import type { Xen } from '../state.js';
import { Step } from './steps.js';

/**
 * Whether a hypercall is between giving a page its new type and telling the IOMMU: until then the old rights stay, and
 * nobody relies on the new type yet, unless somebody else has taken it meanwhile.
 */
export function isChangingType(xen: Xen, pdx: number): boolean {
  const { step, page } = xen.call;
  const rows = xen.spec.limits.domains * xen.spec.limits.calls;
  for (let call = 0; call < rows; call++) {
    const at = step.get(call);
    if ((at === Step.type_flush || at === Step.type_iommu) && page.get(call) === pdx + 1) {
      return typeCount(xen.frame.typeInfo.get(pdx)) === 1;
    }
  }
  return false;
}
