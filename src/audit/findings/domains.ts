import { PAGE_SIZE, rightsText } from '../../formats/address.js';
import type { AuditedDevice, Survey } from '../survey.js';
import { bytesText, type Finding, listed } from './finding.js';
import { namesOf, usersOfSpaces, whoText } from './reach.js';

/** Devices whose addresses pass untranslated, and requesters of which any that is there would. */
export function passThroughFindings(survey: Survey): Finding[] {
  return [...passingDevices(survey), ...passingOthers(survey)];
}

function passingOthers({ units, devices }: Survey): Finding[] {
  return units.flatMap(({ others }, unit) => {
    // A table that translates nothing protects from nothing; beside devices that are, firmware may know of no others.
    const protects = devices.some((device) => device.unit === unit && device.translation !== 'passthrough');
    return others
      .filter(({ translation }) => translation === 'passthrough')
      .map(({ count, type, note }) => ({
        severity: protects ? ('info' as const) : ('warning' as const),
        code: 'pass-through' as const,
        message: `${count} requesters of unit ${unit} that are not listed have one entry, with which a device reaches all memory: ${
          note === '' ? type : note
        }.`,
        devices: [],
      }));
  });
}

function passingDevices(survey: Survey): Finding[] {
  return survey.devices
    .filter(({ translation }) => translation === 'passthrough')
    .map((device) => ({
      severity: 'warning' as const,
      code: 'pass-through' as const,
      message: `${device.sbdf} reaches all memory (${rightsText(device.rights)}): ${device.type}${
        device.note === '' ? '' : `; ${device.note}`
      }.`,
      sbdf: device.sbdf,
      devices: [device.sbdf],
    }));
}

/**
 * One domain id with several sets of tables on one unit: the unit tags what it remembers by that number, so a device may
 * be answered from another's tables. (Intel VT-d spec §6.2.1; AMD IOMMU spec §2.2.2, DomainID)
 */
export function domainIdFindings(survey: Survey): Finding[] {
  const tagged = new Map<string, AuditedDevice[]>();
  for (const device of survey.devices) {
    if (device.space === null || device.domainId === null) continue;
    const key = `${device.unit} ${device.domainId}`;
    const known = tagged.get(key);
    if (known === undefined) tagged.set(key, [device]);
    else known.push(device);
  }
  const findings: Finding[] = [];
  for (const devices of tagged.values()) {
    const spaces = [...new Set(devices.map(({ space }) => space!))];
    if (spaces.length < 2) continue;
    const roots = spaces.map((space) => `0x${survey.spaces[space]!.root.toString(16)}`);
    findings.push({
      severity: 'error',
      code: 'domain-id-reused',
      message: `${whoText(devices)} have ${spaces.length} different roots under one domain id: ${listed(roots)}. What the unit remembers of one may serve the other.`,
      sbdf: devices[0]!.sbdf,
      devices: namesOf(devices),
    });
  }
  return findings;
}

/** Tables that stand below the roots of different domain ids: what is mapped for one is mapped for the other. */
export function sharedTableFindings(survey: Survey): Finding[] {
  const owner = new Map<number, number>();
  const shared = new Map<
    string,
    { readonly pair: readonly [number, number]; readonly frames: number[]; total: number }
  >();
  for (const [index, space] of survey.spaces.entries()) {
    for (const frame of space.tables) {
      const first = owner.get(frame);
      if (first === undefined) owner.set(frame, index);
      else {
        const key = `${first} ${index}`;
        let known = shared.get(key);
        if (known === undefined) {
          known = { pair: [first, index], frames: [], total: 0 };
          shared.set(key, known);
        }
        known.total++;
        if (known.frames.length < 8) known.frames.push(frame);
      }
    }
  }
  const usersOf = usersOfSpaces(survey);
  return [...shared.values()].flatMap(({ pair, frames, total }) => {
    const [one = [], other = []] = pair.map((space) => usersOf[space]!);
    if (one.length === 0 || other.length === 0) return [];
    const tables = frames.map((frame) => bytesText(frame * PAGE_SIZE, (frame + 1) * PAGE_SIZE));
    return {
      severity: 'error' as const,
      code: 'tables-shared' as const,
      message: `${whoText(one)} and ${whoText(other)} have different roots and share the tables at ${listed(tables, total)}: a mapping made there for one is a mapping for the other.`,
      sbdf: one[0]!.sbdf,
      devices: namesOf([...one, ...other]),
    };
  });
}

/**
 * Devices that no IOMMU can keep apart, in different domains. What is told (`--groups`) is believed; without it, functions
 * of one device count as a group, as they do for a device without ACS. (PCIe 6.0 §6.12)
 */
export function groupFindings(survey: Survey, groups: readonly (readonly string[])[] | undefined): Finding[] {
  const byName = new Map(survey.devices.map((device) => [device.sbdf, device]));
  const known =
    groups?.map((group) => group.flatMap((sbdf) => byName.get(sbdf) ?? [])) ?? functionsOfOne(survey.devices);
  return known.flatMap((devices) => {
    const domains = new Map<string, AuditedDevice[]>();
    for (const device of devices) {
      if (device.translation === 'blocked') continue;
      const domain = device.space === null ? device.translation : String(device.space);
      const same = domains.get(domain);
      if (same === undefined) domains.set(domain, [device]);
      else same.push(device);
    }
    if (domains.size < 2) return [];
    const parts = [...domains.values()].map((part) => whoText(part));
    const why =
      groups === undefined
        ? 'functions of one device, which may reach each other without the IOMMU unless it has ACS'
        : 'one group';
    return {
      severity: groups === undefined ? ('warning' as const) : ('error' as const),
      code: 'group-split' as const,
      message: `${listed(parts)} are in different domains, and are ${why}.`,
      sbdf: devices[0]!.sbdf,
      devices: namesOf(devices),
    };
  });
}

function functionsOfOne(devices: readonly AuditedDevice[]): AuditedDevice[][] {
  const bySlot = new Map<string, AuditedDevice[]>();
  for (const device of devices) {
    if (!/^[0-9a-f]{4}:/.test(device.sbdf)) continue;
    const slot = device.sbdf.slice(0, -2);
    const same = bySlot.get(slot);
    if (same === undefined) bySlot.set(slot, [device]);
    else same.push(device);
  }
  return [...bySlot.values()].filter(({ length }) => length > 1);
}
