import { type AcpiStructure, numberOf } from '../../formats/acpi/structure.js';
import { bitsOf } from '../../formats/acpi/units.js';
import { counted } from '../../text/count.js';
import { type Paint, printable } from '../../text/diagnostic.js';
import { childText, fieldJson, fieldText, inWords } from './describe-structure.js';
import type { AcpiFinding } from './finding.js';
import type { InputTable } from './read-input.js';

const place = (offset: number): string => `0x${offset.toString(16).padStart(3, '0')}`;

/** Lines of a table: where it was, then its structures and their fields with offsets, as a listing has them. */
export function* tableLines(input: InputTable, paint: Paint): Generator<string> {
  const { table, file, source, place: at } = input;
  const { layout } = table.header;
  const length = table.length === null ? 'of a length that is missing' : `${table.length} bytes`;
  yield paint.bold(printable(`${layout.name}, ${layout.title}, ${length}: ${file}, ${at} (${source})`));
  yield `  ${checksumText(input)}`;
  yield* structureLines(table.header, null, paint);
  for (const structure of table.structures) {
    const segment = hasSegment(structure) ? numberOf(structure, 'segment') : null;
    yield* structureLines(structure, segment, paint);
  }
}

function checksumText({ table }: InputTable): string {
  if (table.checksumRight === null) return 'the checksum cannot be verified: bytes are missing';
  return table.checksumRight ? 'the checksum is right' : 'the checksum is wrong';
}

const hasSegment = ({ layout }: AcpiStructure): boolean =>
  layout.fields.some(({ name }) => name === 'segment');

/** Names of fields stand in a column of this width. */
const NAME_WIDTH = 24;

function* structureLines(structure: AcpiStructure, segment: number | null, paint: Paint): Generator<string> {
  const { layout, offset, length, children } = structure;
  const size = length === null ? 'of a length that is missing' : counted(length, 'byte');
  yield `  ${paint.dim(place(offset))}  ${paint.bold(layout.name)}  ${layout.title}, ${size} ${paint.dim(`(${layout.manual})`)}`;
  for (const field of layout.fields) {
    if (field.name === 'type' || (field.name === 'length' && offset > 0)) continue;
    const text = fieldText(structure, field);
    if (text === null) continue;
    const name = inWords(field.name).padEnd(NAME_WIDTH);
    yield `    ${paint.dim(place(offset + field.at))}  ${name} ${printable(text)}`;
  }
  for (const child of children) {
    yield `    ${paint.dim(place(child.offset))}  ${printable(childText(child, segment))}`;
  }
}

/** Lines of findings. What follows from a mistake is said at the first finding of its kind. */
export function* findingLines(findings: readonly AcpiFinding[], paint: Paint): Generator<string> {
  const said = new Set<string>();
  for (const { severity, code, message, sbdf, table, offset, fix, xen, linux } of findings) {
    const device = sbdf === undefined || message.includes(sbdf) ? '' : ` (${sbdf})`;
    const head = `${paint[severity](severity)}: ${paint.bold(`${table} at ${place(offset)}`)}`;
    yield `${head}: ${printable(message)}${device} ${paint.dim(`[${code}]`)}`;
    const key = `${table} ${code}`;
    if (said.has(key)) continue;
    said.add(key);
    if (fix !== undefined) yield `  change  ${fix}`;
    if (xen !== undefined) yield `  Xen     ${xen}`;
    if (linux !== undefined) yield `  Linux   ${linux}`;
  }
}

/** `2 errors, 1 warning`, or that nothing is wrong. */
export function summary(findings: readonly AcpiFinding[]): string {
  const of = (severity: string) => findings.filter((finding) => finding.severity === severity).length;
  const parts = [
    [of('error'), 'error'],
    [of('warning'), 'warning'],
    [of('info'), 'remark'],
  ] as const;
  const said = parts.filter(([count]) => count > 0).map(([count, what]) => counted(count, what));
  return said.length === 0 ? 'nothing is wrong' : said.join(', ');
}

/** One table as an object for `--json`. */
export function tableJson({ table, file, source, place: at }: InputTable): unknown {
  const { signature, length, complete, checksumRight, header, structures } = table;
  const where = { file, source, place: at };
  const all = structures.map(structureJson);
  return {
    signature,
    length,
    complete,
    checksumRight,
    ...where,
    header: fieldsJson(header),
    structures: all,
  };
}

function structureJson(structure: AcpiStructure): unknown {
  const { layout, type, offset, length, children } = structure;
  const fields = fieldsJson(structure);
  const inner = children.length === 0 ? {} : { structures: children.map(structureJson) };
  return { name: layout.name, type, offset, length, ...fields, ...inner };
}

/** Fields by name, and the bits of flags by theirs. */
function fieldsJson(structure: AcpiStructure): { fields: unknown; bits?: unknown } {
  const { layout } = structure;
  const fields: Record<string, unknown> = {};
  const bits: Record<string, unknown> = {};
  for (const field of layout.fields) {
    if (field.name === 'type' || field.kind === 'reserved') continue;
    fields[field.name] = fieldJson(structure, field);
    if (field.bits !== undefined) bits[field.name] = bitsOf(structure, field.name);
  }
  return Object.keys(bits).length === 0 ? { fields } : { fields, bits };
}
