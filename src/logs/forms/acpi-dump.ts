import type { LogUnit } from '../event.js';
import type { EventForm, LineForm } from '../form.js';
import { initReason } from './init-reasons.js';

/** ACPI tables of IOMMUs that people paste beside their logs. What they hold, `dommu audit --acpi` tells. */
const UNITS: Readonly<Record<string, LogUnit>> = { DMAR: 'vtd', IVRS: 'amdvi', IORT: 'smmuv3' };

/** How the signatures look in a hexdump, byte by byte and in words of two. */
const IN_HEX: Readonly<Record<string, readonly string[]>> = {
  DMAR: ['44 4D 41 52 ', '44 4d 41 52 ', '444d 4152 '],
  IVRS: ['49 56 52 53 ', '4956 5253 '],
  IORT: ['49 4F 52 54 ', '49 4f 52 54 ', '494f 5254 '],
};

/** Before the signature there is an offset of zero or nothing: elsewhere these bytes are no table's beginning. */
const AT_ZERO = /^(?:[^0-9a-fx]*0{1,16}[xh]?:?)?\s*$/i;

const table = (
  signature: string,
  texts: readonly string[],
  begins: (before: string) => boolean,
): EventForm => ({
  role: 'event',
  source: 'linux',
  unit: UNITS[signature]!,
  kind: 'init',
  texts,
  printedBy: 'iasl -d, acpidump, xxd, hexdump -C',
  read({ before }, event) {
    if (!begins(before)) return false;
    event.reason = initReason(
      'firmware-table',
      `the ACPI table ${signature}, which describes IOMMUs, is printed here`,
    );
    event.details['ACPI table'] = signature;
  },
});

export const ACPI_DUMP_FORMS: readonly LineForm[] = Object.keys(UNITS).flatMap((signature) => [
  table(signature, [`Signature : "${signature}"`], () => true),
  table(signature, IN_HEX[signature]!, (before) => AT_ZERO.test(before.slice(0, 32)) && before.length <= 32),
]);
