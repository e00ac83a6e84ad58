import { DOMCTL, VCPUCONTEXT } from './abi/domctl.js';
import { PTE_TABLE, PTE_WRITABLE, pageTableEntry } from './abi/mmu.js';
import { FLAT_CS, FLAT_SS, VCPU_GUEST_CONTEXT, VGCF_KERNEL_ONLINE } from './abi/vcpu.js';
import { ArgumentArea, type Caller } from './caller.js';
import type { Dom0 } from './dom0.js';
import { guestCodeBytes, MAILBOX } from './guest-code.js';
import type { Argument } from './native.js';
import { PAGE_BYTES } from './process-slots.js';
import { GUEST_CRASHED } from './protocol.js';
import type { Window, Windows } from './windows.js';

/** Pages that a guest has beside its program's: four levels of tables, and one of code, mailbox and arguments. */
export const GUEST_PAGES = 5;

/** Where the guest's one L1 table maps: the third 2 MiB of its address space. */
const GUEST_BASE = 0x40_0000;
const L2_INDEX = GUEST_BASE / 0x20_0000;
/** Last entry of the L1 table: the kernel's page. */
const KERNEL_INDEX = 511;
const KERNEL_ADDRESS = GUEST_BASE + KERNEL_INDEX * PAGE_BYTES;
const MAILBOX_AT = 0x400;
const ARGUMENTS_AT = 0x800;

const TIMEOUT_MS = 3000;
/** How often a guest that is silent is looked after. */
const LOOK_MS = 50;

/** The address at which a guest has the page of a slot. */
export const guestSlotAddress = (slot: number): number => GUEST_BASE + slot * PAGE_BYTES;

/** A PV domain whose own vCPU issues hypercalls. It is paused whenever it has none to issue. */
export class Guest implements Caller {
  readonly area: ArgumentArea;
  readonly slotTable: number;
  private readonly dom0: Dom0;
  private readonly domid: number;
  private readonly windows: Windows;
  private readonly kernel: Window;
  private readonly mailbox: DataView;
  private requests = 0n;

  /**
   * Makes a kernel of {@link GUEST_PAGES} pages of the domain.
   * @throws Error when Xen refuses.
   */
  constructor(dom0: Dom0, windows: Windows, domid: number, mfns: readonly number[]) {
    const [l4, l3, l2, l1, kernel] = mfns as [number, number, number, number, number];
    this.dom0 = dom0;
    this.windows = windows;
    this.domid = domid;
    this.slotTable = l1;
    this.writeTable(l4, 0, pageTableEntry(l3, PTE_TABLE));
    this.writeTable(l3, 0, pageTableEntry(l2, PTE_TABLE));
    this.writeTable(l2, L2_INDEX, pageTableEntry(l1, PTE_TABLE));
    this.writeTable(l1, KERNEL_INDEX, pageTableEntry(kernel, PTE_WRITABLE));
    this.kernel = windows.openOrThrow(kernel, domid);
    new Uint8Array(this.kernel.bytes).fill(0).set(guestCodeBytes());
    this.mailbox = new DataView(this.kernel.bytes, MAILBOX_AT);
    this.area = new ArgumentArea(
      KERNEL_ADDRESS + ARGUMENTS_AT,
      new DataView(this.kernel.bytes, ARGUMENTS_AT),
    );
    this.setRegisters(l4);
  }

  /** @throws Error when the guest does not carry it out in time. */
  hypercall(op: number, ...args: Argument[]): number {
    const { mailbox, dom0, domid } = this;
    const put = (at: number, value: Argument): void =>
      mailbox.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
    put(MAILBOX.op, op);
    for (let i = 0; i < 5; i++) put(MAILBOX.args + 8 * i, args[i] ?? 0);
    this.requests++;
    put(MAILBOX.requested, this.requests);
    dom0.domctl(DOMCTL.unpausedomain, domid);
    try {
      if (!this.awaitAnswer(performance.now() + TIMEOUT_MS, op)) return GUEST_CRASHED;
    } finally {
      dom0.domctl(DOMCTL.pausedomain, domid);
    }
    return Number(mailbox.getBigInt64(MAILBOX.result, true));
  }

  /** Lets go of its memory, so that Xen can take the domain apart. */
  close(): void {
    this.windows.close(this.kernel);
  }

  /** Whether the hypercall came back; it does not when Xen crashes the domain for it. @throws Error when neither happens. */
  private awaitAnswer(deadline: number, op: number): boolean {
    const { dom0, domid } = this;
    for (let look = performance.now() + LOOK_MS; !this.hasAnswered; ) {
      dom0.yield();
      const now = performance.now();
      if (now <= look) continue;
      look = now + LOOK_MS;
      if (dom0.hasShutDown(domid)) return this.hasAnswered;
      if (now > deadline) throw new Error(`the guest in domain ${domid} does not finish hypercall ${op}`);
    }
    return true;
  }

  private get hasAnswered(): boolean {
    return this.mailbox.getBigUint64(MAILBOX.done, true) === this.requests;
  }

  /** Makes a page a table with one entry. */
  private writeTable(mfn: number, index: number, entry: bigint): void {
    const window = this.windows.openOrThrow(mfn, this.domid);
    new BigUint64Array(window.bytes).fill(0n)[index] = entry;
    this.windows.close(window);
  }

  private setRegisters(l4: number): void {
    const context = this.dom0.area.put(VCPU_GUEST_CONTEXT, {
      flags: VGCF_KERNEL_ONLINE,
      rip: KERNEL_ADDRESS,
      rbx: KERNEL_ADDRESS + MAILBOX_AT,
      rsp: KERNEL_ADDRESS + PAGE_BYTES,
      cs: FLAT_CS,
      ss: FLAT_SS,
      rflags: 0x200,
      kernel_ss: FLAT_SS,
      kernel_sp: KERNEL_ADDRESS + PAGE_BYTES,
      cr3: l4 * PAGE_BYTES,
    });
    const { rc } = this.dom0.domctl(DOMCTL.setvcpucontext, this.domid, VCPUCONTEXT, {
      vcpu: 0,
      ctxt: context.address,
    });
    if (rc < 0) throw new Error(`domain ${this.domid} gets no vCPU (errno ${-rc})`);
  }
}
