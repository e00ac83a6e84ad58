import type { EventReason } from '../event.js';

/** What one name of the vocabulary of `init` events says. */
export interface InitReason {
  /** Whether it is a complaint: the command's exit code and its colours depend on it. */
  readonly wrong: boolean;
  /** One sentence in our words, without a full stop. */
  readonly meaning: string;
}

/**
 * The reasons of `init` events of every unit: what an IOMMU, its driver or the firmware's table says while devices are set
 * up or moved. The names are stable: scripts go by them, so that a new line gets an old name where one fits.
 */
export const INIT_REASONS = {
  // All is well, or nobody asked for more.
  'iommu-on': { wrong: false, meaning: 'the IOMMU translates what devices access' },
  'iommu-off-by-choice': { wrong: false, meaning: 'the IOMMU was switched off by an option' },
  mode: { wrong: false, meaning: 'how devices of the host are translated was said' },
  'feature-on': { wrong: false, meaning: 'a feature of the IOMMU is used' },
  'feature-off': { wrong: false, meaning: 'a feature of the IOMMU is absent or not used' },
  capabilities: { wrong: false, meaning: 'what a unit can do was said' },
  'unit-found': { wrong: false, meaning: 'an IOMMU was found' },
  rmrr: { wrong: false, meaning: 'firmware names memory that a device must go on reaching (RMRR)' },
  ivmd: { wrong: false, meaning: 'firmware names memory that a device must go on reaching (IVMD)' },
  'firmware-table': { wrong: false, meaning: 'a table of the firmware that describes IOMMUs is printed' },
  workaround: { wrong: false, meaning: 'a known fault of this hardware is worked around' },
  'device-added': { wrong: false, meaning: 'a device was put under the IOMMU or given to a domain' },
  'device-removed': { wrong: false, meaning: 'a device was taken from a domain' },
  'device-ignored': { wrong: false, meaning: 'a device is left out of translation on purpose' },
  // Something is wrong.
  'iommu-off': { wrong: true, meaning: 'the IOMMU is off, so that no device can be passed through safely' },
  'feature-refused': { wrong: true, meaning: 'a feature that was asked for or expected cannot be used' },
  'option-invalid': { wrong: true, meaning: 'an option of the command line is wrong or cannot be followed' },
  'firmware-bug': { wrong: true, meaning: 'the firmware’s table of IOMMUs or regions is wrong' },
  'rmrr-invalid': {
    wrong: true,
    meaning: 'a reserved region of the firmware makes no sense or lies in memory in use',
  },
  'rmrr-refused': {
    wrong: true,
    meaning: 'a device was refused because of a reserved region of the firmware',
  },
  'rmrr-failed': { wrong: true, meaning: 'a reserved region of the firmware could not be mapped' },
  'unit-failed': { wrong: true, meaning: 'a unit could not be set up, or did not do what it was told' },
  'device-unknown': { wrong: true, meaning: 'a device was named that is not there or has no IOMMU' },
  'device-failed': { wrong: true, meaning: 'a device could not be set up, moved or taken back' },
  'device-exposed': { wrong: true, meaning: 'a device may reach more than it should' },
  'map-failed': { wrong: true, meaning: 'memory could not be mapped for or unmapped from a device' },
  'out-of-domain-ids': { wrong: true, meaning: 'the unit has no domain id left' },
  'out-of-memory': { wrong: true, meaning: 'there was no memory for tables of the IOMMU' },
  'interrupts-exposed': { wrong: true, meaning: 'interrupts of devices are not remapped' },
  panic: { wrong: true, meaning: 'the hypervisor or kernel stopped' },
} as const satisfies Readonly<Record<string, InitReason>>;

export type InitReasonName = keyof typeof INIT_REASONS;

/** Whether a reason's name is a complaint of the vocabulary; false for names of other kinds of events. */
export function isComplaint(name: string): boolean {
  return Object.hasOwn(INIT_REASONS, name) && INIT_REASONS[name as InitReasonName].wrong;
}

/** The reason of an `init` event: a name of the vocabulary, with a meaning of its own where the line says more. */
export function initReason(
  name: InitReasonName,
  meaning: string = INIT_REASONS[name].meaning,
  manual: string | null = null,
): EventReason {
  return { code: null, name, meaning, manual };
}
