import type { ExplainedEvent } from '../logs/explain.js';
import { hex } from '../text/hex.js';

const UNITS: Readonly<Record<string, string>> = {
  vtd: 'VT-d',
  amdvi: 'AMD-Vi',
  smmuv2: 'SMMUv2',
  smmuv3: 'SMMUv3',
  ipmmu: 'IPMMU',
};

/** Who says it: `Xen VT-d`, `Linux`. */
export function speaker({ source, unit }: ExplainedEvent): string {
  return `${source === 'xen' ? 'Xen' : 'Linux'}${unit === null ? '' : ` ${UNITS[unit]}`}`;
}

/** What happened, as one would tell it. */
export function eventSentence({
  kind,
  device,
  domain,
  address,
  access,
  reason,
  addresses,
}: ExplainedEvent): string {
  const owner = domain === null ? '' : ` of domain ${domain}`;
  const who = device === null ? `a device${owner}` : `${device}${owner}`;
  const meaning = reason === null ? 'the log does not say why' : reason.meaning;
  if (kind === 'dma-fault') {
    const did = access === 'read' ? 'read' : access === 'write' ? 'write to' : 'access';
    const where = address === null ? 'memory' : hex(address);
    return `${who} could not ${did} ${where}${addresses === null ? '' : ' and others'}: ${meaning}`;
  }
  if (kind === 'interrupt-fault') return `an interrupt of ${who} was refused: ${meaning}`;
  if (device !== null) return `${who}: ${meaning}`;
  return domain === null ? meaning : `domain ${domain}: ${meaning}`;
}
