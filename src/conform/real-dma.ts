import { sbdfText } from '../formats/requester.js';
import type { Arguments } from '../program/arguments.js';
import type { Outcome } from '../program/handlers/handler.js';
import { deviceOwner } from '../xen/devices.js';
import { isFree } from '../xen/frames.js';
import { isPageTable, typeCount, typeOf } from '../xen/page-info.js';
import { CannotRun, type RealXen } from './real-xen.js';

/** A word that edu's buffer does not hold by accident. */
const UNTOUCHED = 0x0dd0_c0de;

const FAULT_LINE = /^\[VT-D\]DMAR:|^AMD-Vi: IO_PAGE_FAULT/;

/**
 * Has the real device read or write. A write passed when the word changed; a read when Xen logged no fault. Log lines are
 * put into the model's words: its device and its address in place of the real ones.
 */
export async function realDma(real: RealXen, args: Arguments, model: Outcome): Promise<Outcome> {
  const { agent } = real;
  const { memory } = real.machine;
  if (memory === undefined || real.machine.consoleLines === undefined)
    throw new CannotRun('DMA needs the lab’s edu device');
  const write = args.text('access') === 'write';
  const address = args.address();
  const [frame, offset] = [Math.floor(address / 4096), address % 4096];
  const pdx = real.model.ram.indexOf(frame);
  const known = pdx >= 0;
  if (!known && !isConfined(real, args.text('device')))
    throw new CannotRun(
      'a trusted device at an address where the program’s machine has no memory: the real one may',
    );
  // What nobody has is Xen's to scrub: its words say nothing, and are not ours to write.
  const watched = write && known && !isFree(real.model, pdx) && !isQuarantined(real, args.text('device'));
  const realAddress = known ? (await real.mfn(frame)) * 4096 + offset : address;
  const sbdf = real.device(args.text('device'));
  const word = realAddress - (realAddress % 4);
  const value = args.number('value', 0xdeadbeef);
  const before = memory.read32(word);
  if (watched && model.status === 'ok' && isTableInUse(real, pdx))
    throw new CannotRun('a trusted device writes over a page table: Xen need not survive that');
  if (real.machine.iommu === 'amdvi') {
    // The artefact `amdvi-dma`: what the model's device has written is put where the real one would have.
    if (watched && model.status === 'ok') memory.write32(word, value | 0);
    return model;
  }
  if (watched) memory.write32(word, UNTOUCHED);
  const start = real.machine.consoleLength!();
  const [{ rc }] = await agent.perform([{ call: 'dma', sbdf, write, address: word, value }]);
  if (rc < 0) throw new CannotRun(`device ${args.text('device')} does no DMA: QEMU’s edu is needed`);
  memory.refresh();
  const faults = faultLines(real.machine.consoleLines(start));
  const passed = watched ? memory.read32(word) !== UNTOUCHED : faults.length === 0;
  if (watched) memory.write32(word, passed ? value | 0 : before);
  if (passed && faults.length === 0) return { status: 'ok' };
  const renamed = faults.map((line) => inModelTerms(real, line, args.text('device'), sbdf, word, address));
  return { status: passed ? 'ok' : 'fault', faults: renamed.length === 0 ? [] : [renamed.join('\n')] };
}

/** Whether a device's tables have nothing but what its owner was given, so that what else there is makes no difference. */
function isConfined({ model }: RealXen, name: string): boolean {
  const device = model.spec.devices.findIndex((one) => one.name === name);
  const owner = deviceOwner(model, device);
  return owner !== 0 || model.spec.hwdomMode === 'strict';
}

/** A quarantined device's write, where it passes, ends in a scratch page: nothing changes at the address. */
function isQuarantined({ model }: RealXen, name: string): boolean {
  return (
    deviceOwner(
      model,
      model.spec.devices.findIndex((one) => one.name === name),
    ) === model.domIo
  );
}

/** Whether Xen relies on what a page holds. */
function isTableInUse({ model }: RealXen, pdx: number): boolean {
  const info = model.frame.typeInfo.get(pdx);
  return isPageTable(typeOf(info)) && typeCount(info) > 0;
}

const faultLines = (lines: readonly string[]): string[] => lines.filter((line) => FAULT_LINE.test(line));

function inModelTerms(
  real: RealXen,
  line: string,
  device: string,
  sbdf: number,
  realAddress: number,
  address: number,
): string {
  const page = (byte: number) => (byte - (byte % 4096)).toString(16);
  const realName = sbdfText(sbdf);
  const name = real.model.spec.devices.find((one) => one.name === device)?.address ?? realName;
  const { iommu } = real.model.spec;
  const registers = iommu.kind === 'vtd' ? iommu.units[0]!.registerBase : '';
  return line
    .replace(realName, name)
    .replace(`addr ${page(realAddress)}`, `addr ${page(address)}`)
    .replace(/iommu reg = [0-9a-f]+/, `iommu reg = ${registers}`);
}
