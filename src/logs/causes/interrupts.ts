import type { Evidence, JudgedEvent } from './cause.js';
import { hasBit, natureOf } from './fault-nature.js';
import { functionOf, history, isXen, lastSaid, option, releaseSaid, where } from './log-world.js';
import { cause, doubts, hints, opposes, shows, supports } from './weigh.js';

/** An AMD device table entry that lets no interrupts of this kind through. (AMD IOMMU spec 3.08 §2.5.9, Type 101b) */
export const isNotAdmitted = ({ kind, reason }: JudgedEvent): boolean =>
  kind === 'interrupt-fault' && reason?.name === 'INVALID_DEVICE_REQUEST';

/** Numbers under which chipsets' own interrupt controllers send, which are no devices of PCI. */
const CHIPSET_SENDERS: readonly (readonly [unit: 'vtd' | 'amdvi', device: RegExp, who: string])[] = [
  ['amdvi', /^0000:00:14\.0$/, 'AMD’s IO-APIC and HPET'],
  ['amdvi', /^[0-9a-f]{4}:[0-9a-f]{2}:00\.1$/, 'IO-APICs of AMD’s host bridges'],
  ['vtd', /^0000:f0:1f\.\d$/, 'the IO-APIC and HPETs of Intel’s chipsets'],
];

/** Who sends interrupts from the event's number, where that is a chipset's own. */
export const chipsetSender = ({ unit, device }: JudgedEvent): string | undefined =>
  CHIPSET_SENDERS.find(([one, number]) => one === unit && number.test(device ?? ''))?.[2];

const isInterrupt = (event: JudgedEvent): boolean => natureOf(event) === 'interrupt';

/** Why an interrupt was refused, in words that hold for VT-d and AMD-Vi. */
type Refusal = 'no-entry' | 'other-requester' | 'old-format' | 'malformed';

/** By VT-d's reasons. (Intel VT-d spec 5.10 §5.1.4.1) */
const VTD: ReadonlyMap<number, Refusal> = new Map([
  [0x20, 'malformed'],
  [0x21, 'no-entry'],
  [0x22, 'no-entry'],
  [0x23, 'malformed'],
  [0x24, 'malformed'],
  [0x25, 'old-format'],
  [0x26, 'other-requester'],
]);

/** Why the unit refused it; undefined where the log does not say. AMD-Vi by flags. (AMD IOMMU spec 3.08 §2.5.3) */
function refusal(event: JudgedEvent): Refusal | undefined {
  if (isNotAdmitted(event)) return undefined;
  if (event.unit === 'vtd') return VTD.get(event.reason?.code ?? -1);
  if (event.unit !== 'amdvi') return undefined;
  if (hasBit(event, 'RZ')) return 'malformed';
  if (!hasBit(event, 'PR')) return 'no-entry';
  return hasBit(event, 'PE') ? 'other-requester' : 'malformed';
}

/** What the unit says, against a cause that it does not name. */
function* otherwise(event: JudgedEvent, expected: Refusal): Generator<Evidence> {
  const why = refusal(event);
  if (why !== undefined && why !== expected)
    yield opposes(`the unit refused it for another reason: ${event.reason?.meaning ?? why}`);
}

const index = ({ details }: JudgedEvent): string =>
  details.index ?? details['interrupt index'] ?? 'of the line';

/** VT-d checks that the one who sends an interrupt is the one that the entry is for. */
export const INTERRUPT_SOURCE = cause({
  id: 'interrupt-source',
  title:
    'the interrupt comes from another requester than the entry is for: a bridge, a phantom function, or a device that forges it',
  prior: 1,
  applies: isInterrupt,
  *weigh(event, world) {
    yield* otherwise(event, 'other-requester');
    if (refusal(event) !== 'other-requester') return;
    yield shows('the unit says that this requester may not send it');
    if (history(event, world).length === 0)
      yield hints(`the log does not know ${event.device ?? 'the requester'} as a device`);
    if ((functionOf(event.device) ?? 0) > 0)
      yield hints('it is a function other than 0: perhaps a phantom one');
  },
  check: (event) =>
    `see with \`lspci -D -t\` what ${event.device ?? 'the requester'} is and what stands behind it, and with \`xl debug-keys V\` (Xen) or /sys/kernel/debug/iommu/intel/ir_translation_struct (Linux) whose entry ${index(event)} is`,
});

/** An interrupt that was taken away from the device, which still sends it. */
export const STALE_INTERRUPT = cause({
  id: 'stale-interrupt',
  title:
    'the device sends an interrupt whose entry is free or switched off: its MSI was set up by an earlier owner or kernel, or its driver has let the entry go',
  prior: 2,
  applies: isInterrupt,
  *weigh(event, world) {
    yield* otherwise(event, 'no-entry');
    if (refusal(event) === 'no-entry')
      yield shows(`entry ${index(event)}: ${event.reason?.meaning ?? 'absent'}`);
    if (chipsetSender(event) !== undefined)
      yield doubts(`${event.device} is the chipset’s own, which no driver sets up and leaves behind`);
    if (isNotAdmitted(event)) yield doubts('no interrupts of the device are admitted at all, old or new');
    const minor = world.edition?.release?.minor;
    if (isXen(event) && event.unit === 'amdvi' && (minor === undefined || minor < 20))
      yield hints(
        `up to 4.19 Xen changes entries of AMD’s tables in steps, so that an interrupt that comes meanwhile meets one that is off (mended in 4.20, b953a99da9); ${releaseSaid(world)}`,
      );
    const given = lastSaid(event, world, /^(?:deassigned|quarantined|assigned|unbound)/);
    if (given !== undefined) yield supports(`the device was ${given.value} before (${where(given)})`);
    const kdump = option(world.facts.linuxCommandLine, /^elfcorehdr=/);
    if (kdump !== undefined)
      yield supports(
        `this is a kernel after a crash (${where(kdump)}): its devices know the entries of the one before`,
      );
  },
  check: (event) =>
    `reset the device when it changes hands (\`lspci -vvs ${event.device ?? 'DEVICE'}\`: MSI must show Enable- then); \`xl debug-keys M\` and \`V\` show which MSIs and entries Xen has for it`,
});

/** Interrupts in the old form go past the table; x2APIC mode and Xen block them. */
export const COMPATIBILITY_INTERRUPT = cause({
  id: 'compatibility-interrupt',
  title:
    'the device or an IO-APIC sends an interrupt in the old form, past the remapping table, which is blocked',
  prior: 1,
  applies: isInterrupt,
  *weigh(event, { facts }) {
    yield* otherwise(event, 'old-format');
    if (refusal(event) === 'old-format')
      yield shows('the unit says that the interrupt had the compatibility format');
    const sender = chipsetSender(event);
    if (sender !== undefined && refusal(event) === 'old-format')
      yield hints(
        `${event.device} is where ${sender} send from: while Linux sets them up (at the start, after sleep) one can be early, which is harmless`,
      );
    const [first] = facts.firmwareComplaints.filter(({ value }) => /io-?apic|hpet/i.test(value));
    if (first !== undefined) yield supports(`“${first.value}” (${where(first)})`);
  },
  check: (event) =>
    isXen(event)
      ? 'look for an IO-APIC or HPET that the firmware’s table leaves out (`dommu audit --acpi` on the DMAR table); a driver must have written the MSI itself instead of asking for it'
      : 'look for an IO-APIC or HPET that the DMAR table leaves out, and for a driver that writes MSI registers itself; `intremap=off` shows whether it is that',
});

/** The remapping table itself is at fault. */
export const INTERRUPT_TABLE = cause({
  id: 'interrupt-table',
  title:
    'the interrupt remapping table or the request is malformed: the unit could not read an entry, or reserved bits are set',
  prior: 0,
  applies: isInterrupt,
  *weigh(event) {
    yield* otherwise(event, 'malformed');
    if (refusal(event) === 'malformed') yield shows(event.reason?.meaning ?? 'the table is at fault');
  },
  check: () =>
    'boot with `intremap=off` (Linux) or `iommu=no-intremap` (Xen) once to see whether devices work without; then look at the firmware’s version and test the memory',
});
