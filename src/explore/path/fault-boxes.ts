import { amdviEventKind } from '../../formats/amdvi-event-kinds.js';
import { type EntryLayout, nameInWords, readField } from '../../formats/layout.js';
import { SMMU_CB_FSR, SMMU_CB_FSYNR0, SMMU_GFSR, SMMU_GFSYNR0, SMMU_GFSYNR1 } from '../../formats/smmuv2.js';
import { eventKind } from '../../formats/smmuv3-event-kinds.js';
import { VTD_FAULT_RECORD, vtdFaultReason } from '../../formats/vtd-faults.js';
import type { IommuFault } from '../../hardware/iommu.js';
import { hex } from '../../text/hex.js';
import type { MachineSpec } from '../../xen/machine.js';
import { bitsBox, type PathBox } from './box.js';

/** What a unit's fault registers hold of an access that it refused, decoded; they are no state and nobody wrote them. */
export function faultBoxes({ iommu }: MachineSpec, { registers }: IommuFault): readonly PathBox[] {
  const words = (prefix: string, count: number): number[] =>
    Array.from({ length: count }, (_, i) => registers[`${prefix}${i}`] ?? 0);
  switch (iommu.kind) {
    case 'vtd': {
      const { reason = 0 } = registers;
      const meaning = vtdFaultReason(reason)?.meaning ?? 'a reason that the manual does not have';
      return [registerBox('FRCD', VTD_FAULT_RECORD, words('frcd', 4), `reason ${hex(reason)}: ${meaning}`)];
    }
    case 'amdvi': {
      const kind = amdviEventKind(registers.code ?? 0);
      return kind?.layout === undefined
        ? []
        : [registerBox('event log', kind.layout, words('event', 4), `${kind.name}: ${kind.meaning}`)];
    }
    case 'smmu': {
      const { cb = -1, fsr = 0, fsynr0 = 0, gfsr = 0, gfsynr0 = 0, gfsynr1 = 0 } = registers;
      if (cb >= 0) {
        return [
          registerBox(`FSR of bank ${cb}`, SMMU_CB_FSR, [fsr], kindsIn(SMMU_CB_FSR, fsr)),
          registerBox(`FSYNR0 of bank ${cb}`, SMMU_CB_FSYNR0, [fsynr0], kindsIn(SMMU_CB_FSYNR0, fsynr0)),
        ];
      }
      return [
        registerBox('GFSR', SMMU_GFSR, [gfsr], kindsIn(SMMU_GFSR, gfsr)),
        registerBox('GFSYNR0', SMMU_GFSYNR0, [gfsynr0], kindsIn(SMMU_GFSYNR0, gfsynr0)),
        registerBox('GFSYNR1', SMMU_GFSYNR1, [gfsynr1], 'the stream'),
      ];
    }
    case 'smmuv3': {
      const kind = eventKind(registers.event ?? 0);
      return kind === undefined
        ? []
        : [
            registerBox(
              'event',
              kind.layout,
              words('event', kind.layout.words),
              `${kind.name}: ${kind.meaning}`,
            ),
          ];
    }
    default:
      return [];
  }
}

function registerBox(title: string, layout: EntryLayout, words: readonly number[], says: string): PathBox {
  const now = Int32Array.from(words);
  return bitsBox(
    layout,
    { words: undefined, now, was: undefined },
    {
      id: `fault-${title}`,
      kind: 'fault',
      title,
      which: '',
      place: 'register of the unit',
      state: 'ended',
      says,
    },
  );
}

/** The fields that are not zero, in words. */
function kindsIn(layout: EntryLayout, word: number): string {
  const texts = layout.fields.flatMap((field) => {
    const value = readField(field, [word]);
    if (value === 0) return [];
    return field.lo === field.hi
      ? [nameInWords(field.name)]
      : [`${nameInWords(field.name)} ${field.values?.[value] ?? hex(value)}`];
  });
  return texts.join(', ') || 'all zero';
}
