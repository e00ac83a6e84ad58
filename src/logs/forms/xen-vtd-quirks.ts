import type { LineForm } from '../form.js';
import { noteComplaint, noteIommu, noteOffBecause, noteOther } from '../machine-facts.js';
import { type Also, type Said, saidForms } from './said.js';
import { tableComplaint } from './table-complaint.js';

/** What Xen says of chipsets, graphics and sound devices that VT-d needs special care of (vtd/quirks.c, iommu.c). */

const ALWAYS = 'Xen 4.6 to 4.22';

/** Errata for which Xen leaves VT-d off, and other hardware it treats specially. */
const QUIRKS: readonly Said[] = [
  {
    texts: ['Disabling IOMMU due to Intel {chipset:text}'],
    printedBy: ALWAYS,
    name: 'iommu-off',
    meaning: 'VT-d stays off, as this chipset’s errata make it unusable',
    also(line, _, facts) {
      noteIommu(facts, 'disabled', line.line);
      noteOffBecause(facts, line);
      return undefined;
    },
  },
  {
    texts: ['no CMPXCHG16B support, disabling IOMMU'],
    printedBy: 'Xen 4.20 to 4.22',
    name: 'iommu-off',
    meaning: 'VT-d stays off, as the processor cannot replace an entry of 128 bits at once (CMPXCHG16B)',
    also(line, _, facts) {
      noteIommu(facts, 'disabled', line.line);
      noteOffBecause(facts, line);
      return undefined;
    },
  },
  {
    texts: [
      'passed iommu=no-igfx option; disabling IGD VT-d engine',
      'Passed iommu=no-igfx option. Disabling IGD VT-d engine.',
    ],
    printedBy: 'Xen 4.10 to 4.22',
    name: 'iommu-off-by-choice',
    meaning: 'the unit of the integrated graphics stays off, as iommu=no-igfx asks',
    also: graphicsOff,
  },
  {
    texts: [
      'firmware did not enable IGD for VT properly; disabling IGD VT-d engine',
      'BIOS did not enable IGD for VT properly. Disabling IGD VT-d engine.',
    ],
    printedBy: ALWAYS,
    name: 'firmware-bug',
    meaning: 'firmware did not set the integrated graphics up for translation; its unit stays off',
    also(line, event, facts) {
      noteComplaint(facts, line);
      return graphicsOff(line, event, facts);
    },
  },
  {
    texts: [
      'firmware did not enable IGD for VT properly; crash Xen for security purpose',
      'BIOS did not enable IGD for VT properly, crash Xen for security purpose',
    ],
    printedBy: ALWAYS,
    name: 'panic',
    meaning:
      'Xen stops: firmware did not set the integrated graphics up for translation, and iommu=force or required forbids to leave its unit off',
    also: tableComplaint,
  },
  {
    texts: ['firmware did not enable TLB for sound device; disabling ISOCH VT-d engine'],
    printedBy: 'Xen 4.16 to 4.22',
    name: 'firmware-bug',
    meaning: 'firmware gave the sound device’s unit no TLB; the unit stays off',
    also: tableComplaint,
  },
  {
    texts: ['firmware did not enable TLB for sound device; crash Xen for security purpose'],
    printedBy: 'Xen 4.16 to 4.22',
    name: 'panic',
    meaning:
      'Xen stops: firmware gave the sound device’s unit no TLB, and iommu=force forbids to leave it off',
  },
  {
    texts: ['Recommended TLB entries for ISOCH unit is 16; firmware set {entries:dec}'],
    printedBy: 'Xen 4.16 to 4.22',
    name: 'firmware-bug',
    meaning: 'firmware gave the sound device’s unit fewer TLB entries than is advised',
  },
  {
    texts: ['Cannot access VTISOCHCTRL at this time'],
    printedBy: 'Xen 4.16 to 4.22',
    name: 'workaround',
    meaning: 'whether the sound device’s unit has a TLB cannot be told; it is taken for granted',
  },
  {
    texts: ['Inconsistency between chipset registers and ACPI tables'],
    printedBy: 'Xen 4.16 to 4.22',
    name: 'firmware-bug',
    meaning: 'the chipset and the DMAR table disagree on the unit of the sound device',
    also: tableComplaint,
  },
  {
    texts: ['[VT-D]<quirks.c:{at:dec}: >DMAR: Forcing write-buffer flush'],
    printedBy: `${ALWAYS}, debug builds`,
    name: 'workaround',
    meaning: 'the chipset buffers writes to tables though its unit denies it; Xen flushes the buffer',
  },
  {
    texts: ['snb_vtd_ops_preamble: failed to disable idle handshake'],
    printedBy: `${ALWAYS}, debug builds`,
    name: 'unit-failed',
    meaning: 'integrated graphics could not be woken for a change of its tables (snb_igd_quirk)',
  },
  {
    texts: ['Masked VT-d error signaling on {device:bdf}'],
    printedBy: ALWAYS,
    name: 'workaround',
    meaning: 'the chipset would raise an NMI on faults of its unit; that is masked',
  },
  {
    texts: ['UR signaling on {device:bdf}'],
    printedBy: ALWAYS,
    name: 'workaround',
    meaning: 'the chipset would raise an NMI on unsupported requests; whether that is masked was looked at',
  },
  {
    texts: ['without AER capability?'],
    printedBy: ALWAYS,
    name: 'workaround',
    meaning: 'error signalling of a host bridge could not be masked',
  },
  {
    texts: ['Bogus DMIBAR {address:hex} on {device:bdf}'],
    printedBy: ALWAYS,
    name: 'workaround',
    meaning:
      'the host bridge’s DMI register base is not what it is on the chipset that Xen takes it for; its error signalling stays as it is, which has no effect on VT-d',
  },
  {
    texts: ['Could not map {address:hex} for {device:bdf}'],
    printedBy: ALWAYS,
    name: 'unit-failed',
    meaning: 'registers of the host bridge could not be mapped; error signalling stays as it is',
  },
];

function graphicsOff(...[line, , facts]: Parameters<Also>): undefined {
  noteOther(facts, 'graphics-unit-off', 'the integrated graphics’ unit is off', line.line);
}

export const XEN_VTD_QUIRK_FORMS: readonly LineForm[] = saidForms(
  { source: 'xen', unit: 'vtd', kind: 'init' },
  QUIRKS,
);
