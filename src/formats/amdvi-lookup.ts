import { R, type Rights, W } from './address.js';
import {
  AMDVI_DEVICES,
  AMDVI_ENTRY_BYTES,
  AMDVI_SHAPES,
  deviceDid,
  deviceGuestTranslation,
  deviceMode,
  deviceReserved,
  deviceRights,
  deviceRoot,
  deviceTranslationValid,
  deviceValid,
} from './amdvi.js';
import type { RootShape } from './radix.js';
import type { WordSource } from './words.js';

/** What a device table entry says. */
export const DeviceEntryStatus = {
  /** Addresses pass through tables, or with mode 0 as they are, with the rights of the entry. */
  OK: 0,
  /** V = 0: the unit ignores the entry, everything passes untranslated. */
  IGNORED: 1,
  /** V = 1 and TV = 0: the walk ends before it begins, everything is aborted. */
  ABORTED: 2,
  /** A reserved bit or mode. */
  ILLEGAL: 3,
  /** Guest (first-stage) translation, which is not followed here. */
  GUEST: 4,
  /** The device table ends before this requester. */
  OUTSIDE: 5,
} as const;

/**
 * Looks devices up in an AMD-Vi device table. Results stand in fields until the next look-up; nothing is allocated.
 * (AMD IOMMU spec 3.08 §2.2.2.)
 */
export class AmdviLookup {
  /** Frame of the root table, or -1 when addresses pass untranslated. */
  root = -1;
  shape: RootShape | undefined;
  /** Domain id that tags the IOTLB; whatever stands there for an aborted device; -1 where none counts. */
  did = -1;
  /** What the entry lets through: IR and IW. */
  rights: Rights = 0;
  private readonly source: WordSource;
  private readonly devices: number;

  /** @param devices entries of the device table. */
  constructor(source: WordSource, devices: number = AMDVI_DEVICES) {
    this.source = source;
    this.devices = devices;
  }

  /** Finds the entry of `requester` in the device table at byte address `table`: a {@link DeviceEntryStatus}. */
  find(table: number, requester: number): number {
    const { source } = this;
    this.root = -1;
    this.shape = undefined;
    this.did = -1;
    this.rights = 0;
    if (requester >= this.devices) return DeviceEntryStatus.OUTSIDE;
    const at = table + requester * AMDVI_ENTRY_BYTES;
    const word0 = source.read32(at);
    if (!deviceValid(word0)) {
      this.rights = R | W;
      return DeviceEntryStatus.IGNORED;
    }
    const word1 = source.read32(at + 4);
    if (deviceReserved(word0, word1, source.read32(at + 12))) return DeviceEntryStatus.ILLEGAL;
    this.did = deviceDid(source.read32(at + 8));
    if (!deviceTranslationValid(word0)) return DeviceEntryStatus.ABORTED;
    if (deviceGuestTranslation(word1)) return DeviceEntryStatus.GUEST;
    this.rights = deviceRights(word1);
    const mode = deviceMode(word0);
    if (mode === 0) return DeviceEntryStatus.OK;
    this.shape = AMDVI_SHAPES[mode];
    if (this.shape === undefined) return DeviceEntryStatus.ILLEGAL;
    this.root = deviceRoot(word0, word1);
    return DeviceEntryStatus.OK;
  }
}
