import { rightsText } from '../../src/formats/address.js';
import { type PageData, type PageDevice, RANGE_NUMBERS } from '../../src/report/audit-page-data.js';
import { addressText } from './words.js';

/** Devices that the table names, and ranges of each; `--csv` and `--json` have all. */
const DEVICES_SHOWN = 2000;
const RANGES_SHOWN = 16;

/** What the picture shows as a table, for whoever cannot see it. */
export function tableInWords({ devices, spaces }: PageData): HTMLElement {
  const table = document.createElement('table');
  table.append(
    rowOf('th', ['device', 'domain id', 'translation', 'reaches (device addresses, memory, rights)']),
  );
  for (const device of devices.slice(0, DEVICES_SHOWN)) {
    const id = device.domainId === null ? 'none' : String(device.domainId);
    table.append(rowOf('td', [device.sbdf, id, device.translation, reachOf(device, spaces)]));
  }
  const left = devices.length - DEVICES_SHOWN;
  if (left > 0) table.append(rowOf('td', [`and ${left} more devices`, '', '', '']));
  return table;
}

function rowOf(kind: 'th' | 'td', texts: readonly string[]): HTMLElement {
  const row = document.createElement('tr');
  for (const text of texts) {
    const cell = document.createElement(kind);
    if (kind === 'th') cell.scope = 'col';
    cell.textContent = text;
    row.append(cell);
  }
  return row;
}

function reachOf(device: PageDevice, spaces: PageData['spaces']): string {
  const { translation, rights, space, note } = device;
  if (translation === 'passthrough') return `all memory, ${rightsText(rights)}`;
  if (space === null) return note === '' ? 'nothing' : note;
  const flat = spaces[space]!;
  const lines: string[] = [];
  for (let at = 0; at < flat.length && lines.length < RANGES_SHOWN; at += RANGE_NUMBERS) {
    const [start, end, frame, allowed] = flat.slice(at, at + RANGE_NUMBERS) as [
      number,
      number,
      number,
      number,
    ];
    const target = frame < 0 ? 'as an earlier range' : addressText(frame);
    if ((allowed & rights) !== 0) {
      lines.push(
        `${addressText(start)} up to ${addressText(end)}: ${target}, ${rightsText(allowed & rights)}`,
      );
    }
  }
  const left = flat.length / RANGE_NUMBERS - lines.length;
  if (left > 0) lines.push(`and ${left} more ranges`);
  return lines.length === 0 ? 'nothing' : lines.join('\n');
}
