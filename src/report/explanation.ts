import type { ExplainedEvent, Explanation } from '../logs/explain.js';
import type { Occurrence } from '../logs/group.js';
import type { ProgramAnswer } from '../logs/programs.js';
import { hex } from '../text/hex.js';

const hexOrNull = (value: bigint | null): string | null => (value === null ? null : hex(value));

const occurrence = ({ line, text, time, file }: Occurrence) => ({ line, text, time, file });

/** An event in `--json`: the contract of docs/explain.md. Unknown fields are null. */
export function eventJson(event: ExplainedEvent, answer?: ProgramAnswer) {
  const { reason, level, addresses, bits } = event;
  return {
    first: occurrence(event.first),
    last: occurrence(event.last),
    count: event.count,
    suppressed: event.suppressed,
    source: event.source,
    unit: event.unit,
    kind: event.kind,
    wrong: event.wrong,
    device: event.device,
    domain: event.domain,
    address: hexOrNull(event.address),
    addresses: addresses === null ? null : { lowest: hex(addresses.lowest), highest: hex(addresses.highest) },
    access: event.access,
    reason:
      reason === null
        ? null
        : { code: reason.code, name: reason.name, meaning: reason.meaning, manual: reason.manual },
    bits: bits.map(({ name, value, meaning }) => ({ name, value, meaning })),
    level:
      level === null ? null : { name: level.name, entry: hexOrNull(level.entry), problem: level.problem },
    details: { ...event.details },
    more: [...event.more],
    causes: event.causes.map((cause) => ({
      id: cause.id,
      title: cause.title,
      for: [...cause.for],
      against: [...cause.against],
      check: cause.check,
    })),
    ...(answer === undefined ? {} : { program: programJson(answer) }),
  };
}

function programJson({ shown, without }: ProgramAnswer) {
  return {
    text: shown?.text ?? null,
    cause: shown?.cause ?? null,
    edition: shown?.edition ?? null,
    steps: shown?.steps ?? null,
    lines: shown?.lines ?? null,
    without,
  };
}

/** What the logs say of the machine as a whole. */
export function machineJson({ world, editionFrom }: Explanation) {
  const { facts, edition } = world;
  return {
    xen: facts.xen?.value ?? null,
    linux: facts.linux?.value ?? null,
    iommu: facts.iommu?.value ?? null,
    iommuOffBecause: facts.iommuOffBecause?.value ?? null,
    dom0Mode: facts.dom0Mode?.value ?? null,
    edition: edition?.name ?? null,
    editionFrom,
  };
}
