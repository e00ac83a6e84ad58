import { rightsText } from '../../formats/address.js';
import type { Survey } from '../survey.js';
import type { Finding } from './finding.js';

/** Devices whose addresses pass untranslated, and requesters of which any that is there would. */
export function* passThroughFindings(survey: Survey): Generator<Finding> {
  for (const { sbdf, translation, rights, type, note, problems } of survey.devices) {
    const why = note === '' ? type : `${type}; ${note}`;
    if (translation === 'passthrough') {
      const message = `${sbdf} reaches all memory (${rightsText(rights)}): ${why}.`;
      yield { severity: 'warning', code: 'pass-through', message, sbdf, devices: [sbdf] };
    } else if (translation === 'unknown' && problems.length === 0) {
      const message = `What ${sbdf} reaches is not known: ${why}.`;
      yield { severity: 'info', code: 'not-walked', message, sbdf, devices: [sbdf] };
    }
  }
  yield* alikeFindings(survey);
}

/** Entries that many requesters have and that are no devices: told once, with what would become of a device there. */
function* alikeFindings({ units, devices }: Survey): Generator<Finding> {
  for (const [unit, { others }] of units.entries()) {
    // A table that translates nothing protects from nothing; beside devices that are, firmware may know of no others.
    const protects = devices.some((device) => device.unit === unit && device.translation !== 'passthrough');
    for (const { count, type, note, translation } of others) {
      if (translation !== 'passthrough' && translation !== 'unknown') continue;
      const who = count === 1 ? '1 requester of unit' : `${count} requesters of unit`;
      const entry =
        count === 1 ? 'that is not listed has an entry' : 'that are not listed have the same entry';
      const what = translation === 'passthrough' ? 'reaches all memory' : 'reaches nobody knows what';
      const why = note === '' ? type : note;
      const message = `${who} ${unit} ${entry}; a device there ${what}: ${why}.`;
      const bad = translation === 'passthrough' && !protects;
      const code = translation === 'passthrough' ? 'pass-through' : 'not-walked';
      yield { severity: bad ? 'warning' : 'info', code, message, devices: [] };
    }
  }
}
