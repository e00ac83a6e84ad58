import { DEVICE_SCOPES } from '../../formats/acpi/dmar.js';
import { itsIdentifiers } from '../../formats/acpi/iort.js';
import {
  type AcpiField,
  type AcpiStructure,
  addressOf,
  numberOf,
  sizeOfField,
  textOf,
} from '../../formats/acpi/structure.js';
import { readField } from '../../formats/layout.js';
import { sbdfText } from '../../formats/requester.js';
import { hex } from '../../text/hex.js';
import { scopeOf } from './device-scope.js';

/** Bytes of a field of any length that a line shows. */
const BYTES_SHOWN = 32;

/** `includePciAll` as "include pci all". */
export const inWords = (name: string): string =>
  name.replace(/[A-Z]|[0-9]+$/g, (part) => (/[A-Z]/.test(part) ? ` ${part.toLowerCase()}` : part));

/** A field's value for people; null when there is nothing to show: reserved fields that are zero, and what has no bytes. */
export function fieldText(structure: AcpiStructure, field: AcpiField): string | null {
  const size = sizeOfField(structure, field);
  const { kind, name } = field;
  if (size === 0) return null;
  const at = structure.offset + field.at;
  if (kind === 'text') {
    const text = textOf(structure, name);
    return text === null ? 'missing' : JSON.stringify(text);
  }
  if (kind === 'bytes') {
    const shown = Math.min(size, BYTES_SHOWN);
    if (!structure.bytes.has(at, shown)) return 'missing';
    const bytes = [...structure.bytes.bytes.subarray(at, at + shown)];
    const more = size > shown ? ` and ${size - shown} more` : '';
    return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ') + more;
  }
  const value = structure.bytes.big(at, size);
  if (kind === 'reserved') return value === null || value === 0n ? null : `${hex(value)} (reserved)`;
  if (value === null) return 'missing';
  if (size < field.size) return `${hex(value)} (cut off)`;
  if (kind === 'requester') return sbdfText(Number(value));
  const text = kind === 'number' ? String(value) : hex(value);
  const called = field.values?.[Number(value)];
  return `${text}${called === undefined ? '' : ` (${called})`}${bitsText(structure, field)}`;
}

/** ` (interrupt remapping, x2apic opt out)`: the bits that are set, numbers with their values. */
function bitsText(structure: AcpiStructure, field: AcpiField): string {
  const value = field.bits === undefined ? null : numberOf(structure, field.name);
  if (value === null) return '';
  const words = [value | 0];
  const texts = field.bits!.flatMap((bit) => {
    const of = readField(bit, words);
    if (of === 0) return [];
    if (bit.kind === 'reserved') return [`reserved bits ${hex(of)}`];
    return [bit.kind === 'number' ? `${inWords(bit.name)} ${of}` : inWords(bit.name)];
  });
  return texts.length === 0 ? '' : ` (${texts.join(', ')})`;
}

/** A structure within another in one line: what it names, then its other fields. */
export function childText(child: AcpiStructure, segment: number | null): string {
  const { layout } = child;
  if (DEVICE_SCOPES.includes(layout)) {
    const { text, enumerationId } = scopeOf(child, segment);
    const id = enumerationId === null || enumerationId === 0 ? '' : `, enumeration id ${enumerationId}`;
    return /I\/O APIC|HPET/.test(text) ? text : `${text}${id}`;
  }
  const fields = layout.fields.flatMap((field) => {
    if (field.name === 'type' || field.name === 'length') return [];
    const text = fieldText(child, field);
    return text === null ? [] : [`${inWords(field.name)} ${text}`];
  });
  return fields.length === 0 ? layout.name : `${layout.name}: ${fields.join(', ')}`;
}

/** A value as JSON has it: addresses as 0x-hex, requester ids as PCI addresses, what is missing as null. */
export function fieldJson(structure: AcpiStructure, field: AcpiField): unknown {
  const size = sizeOfField(structure, field);
  const at = structure.offset + field.at;
  if (field.kind === 'text') return textOf(structure, field.name);
  if (field.kind === 'bytes') {
    if (field.name === 'identifiers') return itsIdentifiers(structure);
    return structure.bytes.has(at, size) ? [...structure.bytes.bytes.subarray(at, at + size)] : null;
  }
  if (field.kind === 'address' || field.size > 6) {
    const value = addressOf(structure, field.name);
    return value === null ? null : hex(value);
  }
  const value = numberOf(structure, field.name);
  return value !== null && field.kind === 'requester' ? sbdfText(value) : value;
}
