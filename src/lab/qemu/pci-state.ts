import type { Qmp } from '../../qemu/qmp.js';
import { DEVICES } from './machine-shape.js';

/** Configuration registers of the devices that QEMU does not save: `edu` has no state of its own to migrate. */
export interface PciState {
  readonly registers: readonly { readonly slot: number; readonly offset: number; readonly value: number }[];
}

/** COMMAND and STATUS; cache line size; BAR 0; the interrupt line. */
const SAVED_OFFSETS = [0x10, 0x0c, 0x3c, 0x04];

const CONFIG_ADDRESS = 0xcf8;
const CONFIG_DATA = 0xcfc;
const ENABLE = 0x80000000;

/** Of a machine that is stopped. */
export async function readPciState(qmp: Qmp): Promise<PciState> {
  const registers: PciState['registers'][number][] = [];
  await keepingAddress(qmp, async () => {
    for (const { slot, offset } of unsaved()) {
      await qmp.writePort32(CONFIG_ADDRESS, configAddress(slot, offset));
      registers.push({ slot, offset, value: await qmp.readPort32(CONFIG_DATA) });
    }
  });
  return { registers };
}

/** Into a machine that is stopped. */
export async function writePciState(qmp: Qmp, { registers }: PciState): Promise<void> {
  await keepingAddress(qmp, async () => {
    for (const { slot, offset, value } of registers) {
      await qmp.writePort32(CONFIG_ADDRESS, configAddress(slot, offset));
      await qmp.writePort32(CONFIG_DATA, value);
    }
  });
}

function unsaved(): { slot: number; offset: number }[] {
  const slots = DEVICES.filter(({ kind }) => kind === 'edu').map(({ slot }) => slot);
  return slots.flatMap((slot) => SAVED_OFFSETS.map((offset) => ({ slot, offset })));
}

function configAddress(slot: number, offset: number): number {
  return (ENABLE | (slot << 11) | offset) >>> 0;
}

/** The guest may have been stopped between writing the address and using it. */
async function keepingAddress(qmp: Qmp, body: () => Promise<void>): Promise<void> {
  const address = await qmp.readPort32(CONFIG_ADDRESS);
  await body();
  await qmp.writePort32(CONFIG_ADDRESS, address);
}
