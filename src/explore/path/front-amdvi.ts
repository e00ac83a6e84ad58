import type { Rights } from '../../formats/address.js';
import { rightsText } from '../../formats/address.js';
import { AMDVI_DEVICE_ENTRY, AMDVI_ENTRY_BYTES, deviceRights, deviceRoot } from '../../formats/amdvi.js';
import { DeviceEntryStatus } from '../../formats/amdvi-lookup.js';
import { sbdfText } from '../../formats/requester.js';
import { hex } from '../../text/hex.js';
import type { Here } from '../here.js';
import { bitsBox, type PathBox, placeText } from './box.js';
import { type Front, isUnitOn, registersBox, reservedIn } from './front.js';

/** Bits of a device table entry that count for translation. */
const COUNTING_BITS = 128;

/** The device table of an AMD-Vi unit. (AMD IOMMU spec 3.08 §2.2.2) */
export function amdviFront(there: Here, unit: number, requester: number, need: Rights): Front {
  const { xen } = there;
  const amdvi = xen.amdvis[unit]!;
  const on = isUnitOn(there, unit);
  const status = amdvi.entryStatus(requester);
  const tree = amdvi.selectedTree;
  const outside = on && status === DeviceEntryStatus.OUTSIDE;
  const fields = {
    deviceTable: 'frame of the device table (MMIO offset 0000h)',
    enabled: 'the unit is on (IommuEn)',
  };
  const registers = registersBox(there, unit, fields, {
    state: outside ? 'ended' : 'passed',
    says: outside
      ? `the device table ends before ${sbdfText(requester)}`
      : on
        ? `the device table is in frame ${hex(amdvi.deviceTable)}`
        : 'the unit is off: everything passes',
  });
  if (!on || outside) return { boxes: [registers] };
  const entry = deviceBox(there, amdvi.deviceTable, requester, status, need);
  const boxes = [registers, entry];
  return entry.state === 'ended' || tree === undefined ? { boxes } : { boxes, tree };
}

function deviceBox(there: Here, table: number, requester: number, status: number, need: Rights): PathBox {
  const at = table * 4096 + requester * AMDVI_ENTRY_BYTES;
  const words = there.ramWords(at, AMDVI_DEVICE_ENTRY.words);
  const { now } = words;
  const rights = status === DeviceEntryStatus.IGNORED ? need : deviceRights(now[1]!);
  const denied = status === DeviceEntryStatus.OK && (rights & need) === 0;
  const reserved = reservedIn(AMDVI_DEVICE_ENTRY, now, COUNTING_BITS);
  const mode = (now[0]! >>> 9) & 7;
  const [says, deciding] = ((): [string, readonly string[]] => {
    if (denied) return ['does not permit the access', [need === 1 ? 'read' : 'write']];
    switch (status) {
      case DeviceEntryStatus.IGNORED:
        return ['V is 0: the unit ignores the entry, and everything passes', []];
      case DeviceEntryStatus.ABORTED:
        return ['TV is 0: everything is aborted', ['translationValid']];
      case DeviceEntryStatus.ILLEGAL:
        return ['a reserved bit or mode', reserved.length > 0 ? reserved : ['mode']];
      case DeviceEntryStatus.GUEST:
        return ['guest translation, which is not followed', ['guestTranslation']];
      default: {
        if (mode === 0) return ['mode 0: addresses are not translated', []];
        const root = hex(deviceRoot(now[0]!, now[1]!));
        return [`leads to ${mode} levels of tables, the first in frame ${root}`, []];
      }
    }
  })();
  const passed = !denied && (status === DeviceEntryStatus.OK || status === DeviceEntryStatus.IGNORED);
  return bitsBox(AMDVI_DEVICE_ENTRY, words, {
    id: 'device-entry',
    kind: 'entry',
    title: 'device entry',
    which: sbdfText(requester).slice(5),
    place: `entry ${hex(requester)} of the device table: ${placeText(at)}`,
    mfn: Math.floor(at / 4096),
    chosenBy: 'the requester id',
    rights: rightsText(status === DeviceEntryStatus.IGNORED ? 3 : rights),
    state: passed ? 'passed' : 'ended',
    says,
    deciding,
  });
}
