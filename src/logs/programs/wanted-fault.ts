import { AmdviFault } from '../../formats/amdvi-events.js';
import { SMMU_CB_FSR, SMMU_GFSR } from '../../formats/smmuv2.js';
import { SmmuV3Event } from '../../formats/smmuv3-events.js';
import type { IommuFault } from '../../hardware/iommu.js';
import type { JudgedEvent } from '../causes/cause.js';
import { accessOf, hasBit, natureOf } from '../causes/fault-nature.js';
import type { LogUnit } from '../event.js';

/** The fault of a log as one that the model's units can record. */
export interface WantedFault {
  /** As a program's line `iommu` calls it. */
  readonly iommu: 'vtd' | 'amdvi' | 'smmu' | 'smmuv3';
  readonly write: boolean;
  /** Whether registers that a unit of the model holds tell of the same: unit's reason and direction, not address or device. */
  matches(fault: IommuFault): boolean;
}

/** The status bits that name a kind of fault, by the manual's abbreviation in front of the codec's text. */
const abbreviation = (doc: string): string => doc.slice(0, doc.indexOf(':'));

/** Whether a status register shows the kinds of fault that the event shows, and no other. */
function sameKinds(event: JudgedEvent, layout: typeof SMMU_CB_FSR, register: number): boolean {
  const kinds = layout.fields.filter(({ lo, hi, kind }) => lo === hi && lo <= 8 && kind !== 'reserved');
  return kinds.every(({ lo, doc }) => ((register >>> lo) & 1) === (hasBit(event, abbreviation(doc)) ? 1 : 0));
}

/** Flags that a real unit and the model set alike. PE goes with PR: some units also set it where nothing is mapped. */
const AMDVI_FLAGS: readonly (readonly [name: string, mask: number])[] = [
  ['PR', AmdviFault.PRESENT],
  ['RW', AmdviFault.WRITE],
  ['RZ', AmdviFault.RESERVED],
  ['I', AmdviFault.INTERRUPT],
];

function vtdMatches(event: JudgedEvent, write: boolean): (fault: IommuFault) => boolean {
  // The second line of Xen may be missing in a log: then it was one of the two usual reasons.
  const reason = event.reason?.code ?? (write ? 5 : 6);
  return ({ registers }) => registers.reason === reason;
}

function amdviMatches(event: JudgedEvent): (fault: IommuFault) => boolean {
  const code = event.reason?.code ?? 2;
  return ({ registers }) =>
    registers.code === code &&
    (code !== 2 ||
      AMDVI_FLAGS.every(([name, mask]) => (((registers.flags ?? 0) & mask) !== 0) === hasBit(event, name)));
}

function smmuMatches(event: JudgedEvent): (fault: IommuFault) => boolean {
  const nature = natureOf(event);
  if (nature === 'stream-unknown' || hasBit(event, 'ICF'))
    return ({ registers }) => (registers.cb ?? 0) < 0 && sameKinds(event, SMMU_GFSR, registers.gfsr ?? 0);
  // Xen up to 4.11 printed no FSR: then the model's most common kind is taken.
  if (nature === 'unknown') return ({ registers }) => ((registers.fsr ?? 0) & 2) !== 0;
  return ({ registers }) => (registers.cb ?? -1) >= 0 && sameKinds(event, SMMU_CB_FSR, registers.fsr ?? 0);
}

const IOMMU: Readonly<Partial<Record<LogUnit, WantedFault['iommu']>>> = {
  vtd: 'vtd',
  amdvi: 'amdvi',
  smmuv2: 'smmu',
  smmuv3: 'smmuv3',
};

/** What to look for in the model; undefined where it has no such unit, or the log does not say what happened. */
export function wantedFault(event: JudgedEvent): WantedFault | undefined {
  const iommu = event.unit === null ? undefined : IOMMU[event.unit];
  if (iommu === undefined || event.kind !== 'dma-fault' || natureOf(event) === 'interrupt') return undefined;
  const write = accessOf(event) === 'write';
  const matches = {
    vtd: vtdMatches(event, write),
    amdvi: amdviMatches(event),
    smmu: smmuMatches(event),
    smmuv3: ({ registers }: IommuFault) =>
      registers.event === (event.reason?.code ?? SmmuV3Event.F_TRANSLATION),
  }[iommu];
  return { iommu, write, matches: (fault) => fault.write === write && matches(fault) };
}
