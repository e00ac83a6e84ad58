import type { LogFacts } from '../facts.js';
import type { EventForm, FactForm, LineForm } from '../form.js';
import { deviceName, linuxSpeaker } from '../smmu-unit.js';
import { decimal } from '../values.js';
import { initReason } from './init-reasons.js';

/** Groups of devices that Linux cannot part: drivers/iommu/iommu.c, whatever the IOMMU. */

/** What is noted of a device; its group is a number. */
const inGroup = (facts: LogFacts, device: string, group: string, line: number): void =>
  facts.of(facts.devices, device, { value: `IOMMU group ${group}`, line });

const JOINED: readonly FactForm[] = [
  {
    role: 'fact',
    texts: ['Adding to iommu group {group:dec}'],
    printedBy: 'Linux since 5.3',
    read({ before, fields, line }, facts) {
      const speaker = linuxSpeaker(before);
      if (speaker !== null) inGroup(facts, deviceName(speaker.device), fields.group!, line);
    },
  },
  {
    role: 'fact',
    texts: ['iommu: Adding device {device:place} to group {group:dec}'],
    printedBy: 'Linux 3.18 to 5.2',
    read({ fields, line }, facts) {
      inGroup(facts, deviceName(fields.device!), fields.group!, line);
    },
  },
];

const REFUSED: EventForm = {
  role: 'event',
  source: 'linux',
  unit: null,
  kind: 'init',
  texts: [
    'Failed to add to iommu group {group:dec}: {rc:dec}',
    'iommu: Failed to add device {device:place} to group {group:dec}: {rc:dec}',
  ],
  printedBy: 'Linux',
  read({ before, fields }, event) {
    const device = fields.device ?? linuxSpeaker(before)?.device;
    if (device !== undefined) event.device = deviceName(device);
    event.details.group = fields.group!;
    event.details.rc = String(decimal(fields.rc));
    event.reason = initReason('device-failed', 'a device could not be added to its group of devices');
    return undefined;
  },
};

export const LINUX_GROUP_FORMS: readonly LineForm[] = [...JOINED, REFUSED];
