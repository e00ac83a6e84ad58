import type { ExplainedEvent } from '../src/logs/explain.js';

/** What of an event is compared with the expected result: who, what, where, why, and the likeliest cause. */
export function told(event: ExplainedEvent) {
  const { reason, address, bits } = event;
  return {
    line: event.first.line,
    count: event.count,
    source: event.source,
    unit: event.unit,
    kind: event.kind,
    device: event.device,
    domain: event.domain,
    address: address === null ? null : `0x${address.toString(16)}`,
    access: event.access,
    reason: reason === null ? null : `${reason.name}${reason.code === null ? '' : ` (${reason.code})`}`,
    bits: bits.map(({ name, value }) => `${name}=${value}`).join(' '),
    cause: event.causes[0]?.id ?? null,
  };
}
