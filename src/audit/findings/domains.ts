import { X86_64 } from '../../formats/x86-pte.js';
import type { AuditedDevice, Survey } from '../survey.js';
import { type Finding, listed } from './finding.js';
import { namesOf, whoText } from './reach.js';

/**
 * One domain id with several sets of tables on one unit: the unit tags what it remembers by that number, so a device may
 * be answered from another's tables. (Intel VT-d spec §6.2.1; AMD IOMMU spec §2.2.2, DomainID)
 */
export function domainIdFindings(survey: Survey): Finding[] {
  const tagged = new Map<string, AuditedDevice[]>();
  for (const device of survey.devices) {
    if (device.space === null || device.domainId === null) continue;
    // First-stage translations are tagged by the PASID as well: processes have tables of their own under one id.
    const firstStage = survey.spaces[device.space]!.format === X86_64.name;
    const key = `${device.unit} ${device.domainId} ${firstStage ? `PASID ${device.pasid}` : ''}`;
    const known = tagged.get(key);
    if (known === undefined) tagged.set(key, [device]);
    else known.push(device);
  }
  const findings: Finding[] = [];
  for (const devices of tagged.values()) {
    const spaces = [...new Set(devices.map(({ space }) => space!))];
    if (spaces.length < 2) continue;
    const roots = spaces.map((space) => {
      const { root, levels } = survey.spaces[space]!;
      return `0x${root.toString(16)} (${levels} levels)`;
    });
    findings.push({
      severity: 'error',
      code: 'domain-id-reused',
      message: `${whoText(devices)} have ${spaces.length} different roots under one domain id on unit ${devices[0]!.unit}: ${listed(roots)}. What the unit remembers of one may serve the other.`,
      sbdf: devices[0]!.sbdf,
      devices: namesOf(devices),
    });
  }
  return findings;
}

/**
 * Devices that no IOMMU can keep apart, in different domains. What is told (`--groups`) is believed; without it, functions
 * of one device count as a group, as they do for a device without ACS. (PCIe 6.0 §6.12)
 */
export function groupFindings(survey: Survey, groups: readonly (readonly string[])[] | undefined): Finding[] {
  // What requests with a PASID reach is the function's own affair.
  const functions = survey.devices.filter(({ pasid }) => pasid === null);
  const byName = new Map(functions.map((device) => [device.sbdf, device]));
  const known =
    groups?.map((group) => group.flatMap((sbdf) => byName.get(sbdf) ?? [])) ?? functionsOfOne(functions);
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
        ? 'functions of one device, which may reach each other without the IOMMU unless it has ACS (--groups tells what is a group)'
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
