import { deviceOwner } from '../../xen/devices.js';
import { hasIommu, isConstructed, mirrors, sharesP2m } from '../../xen/iommu-map.js';
import { isUntranslatedHwdom } from '../../xen/rule.js';
import type { Here } from '../here.js';
import type { Value } from '../value.js';
import { type DomainLabel, domainLabel } from './domain-label.js';
import { machineRows } from './machine-index.js';
import { countsOf, type SignCounts } from './marks.js';

/** How a domain's devices are translated, in a word: what it was declared to be, and what it is. */
export type ContextKind = 'none' | 'untranslated' | 'shared' | 'split' | 'filled at boot';

/** A domain: what it is, and its IOMMU context. */
export interface DomainSummary extends DomainLabel {
  readonly kind: Value;
  readonly life: Value;
  readonly translated: boolean;
  readonly context: ContextKind;
  /** What that means for it, in a sentence. */
  readonly meaning: string;
  readonly status: Value;
  readonly share: Value;
  readonly needSync: Value;
  /** CDF_iommu of createdomain. */
  readonly declared: Value;
  readonly iommuRoot: Value;
  readonly p2mRoot: Value | undefined;
  readonly totPages: Value;
  readonly maxPages: Value;
  readonly crashed: Value | undefined;
  /** Devices that it owns. */
  readonly devices: readonly string[];
  readonly entries: number;
  readonly total: number;
  readonly counts: SignCounts;
}

/** The domains that there are. */
export function domains(here: Here): readonly DomainSummary[] {
  const { slots, domains: rows } = machineRows(here);
  return slots.map((slot) => summaryOf(here, slot, rows[slot]!.length, countsOf(rows[slot]!)));
}

function summaryOf(
  here: Here,
  slot: number,
  entries: number,
  counted: { readonly total: number; readonly counts: SignCounts },
): DomainSummary {
  const { xen } = here;
  const field = (name: string): Value => here.field('domain', slot, name);
  const context = contextOf(here, slot);
  return {
    ...domainLabel(here, slot),
    kind: field('kind'),
    life: field('life'),
    translated: xen.isTranslated(slot),
    context,
    meaning: meaningOf(here, slot, context),
    status: field('iommuStatus'),
    share: field('share'),
    needSync: field('needSync'),
    declared: field('cdfIommu'),
    iommuRoot: field('iommuRoot'),
    p2mRoot: xen.isTranslated(slot) ? field('p2mRoot') : undefined,
    totPages: field('totPages'),
    maxPages: field('maxPages'),
    crashed: xen.domain.crashed.get(slot) === 0 ? undefined : field('crashed'),
    devices: xen.spec.devices.flatMap(({ name }, device) =>
      deviceOwner(xen, device) === slot ? [name] : [],
    ),
    entries,
    ...counted,
  };
}

function contextOf({ xen }: Here, slot: number): ContextKind {
  if (!xen.iommuOn || !hasIommu(xen, slot)) return 'none';
  if (xen.isHardwareDomain(slot) && isUntranslatedHwdom(xen, slot) && xen.spec.hwdomMode === 'passthrough')
    return 'untranslated';
  if (sharesP2m(xen, slot)) return 'shared';
  return mirrors(xen, slot) ? 'split' : 'filled at boot';
}

function meaningOf({ xen }: Here, slot: number, context: ContextKind): string {
  switch (context) {
    case 'none':
      return xen.profile.iommuContext === 'at-first-assignment'
        ? 'No context: this Xen builds one when the first device is assigned.'
        : 'No context was declared when the domain was created, so it can never have a device.';
    case 'untranslated':
      return 'dom0’s devices are not translated (dom0-iommu=passthrough).';
    case 'shared':
      return 'The IOMMU walks the domain’s own p2m: one table, and the same root for both.';
    case 'filled at boot':
      return 'Tables of its own that boot filled and that follow nothing: dom0 is not strict, its devices may use all but Xen’s own frames.';
    case 'split': {
      const what = xen.isTranslated(slot)
        ? 'mirror the p2m, entry by entry'
        : 'map its own pages of type writable, and what it was granted';
      return isConstructed(xen, slot)
        ? `Tables of its own that ${what}.`
        : `Tables of its own that are being built; then they ${what}.`;
    }
  }
}
