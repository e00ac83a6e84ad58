import { type Call, type PagesResult, PROTOCOL_VERSION, type Results } from '../lab/agent/protocol.js';
import type { PhysicalMemory } from '../lab/machine-api.js';
import { bootMachine } from '../program/build.js';
import { deviceAccess } from '../program/device-access.js';
import { completeMachine, type MachineDeclaration } from '../program/program.js';
import { assignDevice, deassignDevice, testAssignDevice } from '../xen/device-domctl.js';
import { createDomain } from '../xen/domain.js';
import { destroyDomain } from '../xen/domain-death.js';
import type { Edition } from '../xen/editions/edition.js';
import { faultLines } from '../xen/fault-lines.js';
import { clearGrantEntry } from '../xen/grant-entry.js';
import { mapGrantRef } from '../xen/grant-map.js';
import { unmapAndReplace, unmapGrantRef, WHERE_MAPPED } from '../xen/grant-unmap.js';
import { vaEntry } from '../xen/host-entry.js';
import { decreaseReservation, memoryExchange, populatePhysmap, setMaxPages } from '../xen/memory.js';
import { entryHigh, entryLow, mmuUpdate, pinTable, unpinTable, updateVaMapping } from '../xen/page-table.js';
import type { Xen } from '../xen/state.js';
import type { Judge } from './lockstep.js';
import { simulatedPlace, simulateEntry, simulateGrantOp } from './simulated-grants.fixture.js';

/** Frames of the simulated machine, far from those that programs use. */
const RAM = { first: 0x4000, last: 0x40ff };
const XEN_HEAP = { first: 0x3000, last: 0x30ff };

const DEVICES = ['0000:00:04.0', '0000:00:05.0', '0000:00:02.0', '0000:00:03.0'];
const REQUESTERS = [0x20, 0x28, 0x10, 0x18];

/** What calls on a domain that does not exist answer, where that is not -ESRCH. */
const NOBODY: Readonly<Partial<Record<Call['call'], PagesResult>>> = {
  populate_physmap: { rc: 0, mfns: [] },
  decrease_reservation: { rc: -22, mfns: [] },
  memory_exchange: { rc: -3, mfns: [] },
};

/**
 * A machine that answers as a real one would, made of the model: other frames, other handles, behind the agent’s calls.
 * It proves nothing about Xen; it shows that adapter and comparison work, and find what differs between two editions.
 */
export class SimulatedMachine {
  private readonly mode: MachineDeclaration['dom0Mode'];
  private readonly edition: Edition;
  private xen: Xen;
  private log: string[] = [];
  /** Frames that stand for the page tables behind virtual pages, by domid. */
  private slotTables = new Map<number, number>();
  /** Requests that the agent has answered. */
  requests = 0;

  constructor(edition: Edition, mode: MachineDeclaration['dom0Mode'] = 'relaxed') {
    this.edition = edition;
    this.mode = mode;
    this.xen = this.boot();
  }

  private boot(): Xen {
    const machine = completeMachine({
      ram: [RAM],
      xenHeap: XEN_HEAP,
      dom0Mode: this.mode,
      dom0Pages: 32,
      devices: DEVICES.map((address, i) => ({ name: `d${i}`, address })),
      limits: { domains: 8, handles: 64, grant_frames: 4 },
    });
    const xen = bootMachine(machine, this.edition.profile);
    // As many pages as dom0 likes: programs ask it for some that stand for what nobody has.
    for (let pdx = 0; pdx < xen.ram.frames; pdx++) decreaseReservation(xen, 0, pdx, -1);
    return xen;
  }

  judge(edition: Edition = this.edition): Judge {
    const memory: PhysicalMemory = {
      read32: (pa) => this.xen.ram.read32(pa),
      write32: (pa, value) => this.xen.ram.write32(pa, value | 0),
      zeroPage: (pa) => {
        for (let offset = 0; offset < 4096; offset += 4) this.xen.ram.write32(pa + offset, 0);
      },
      refresh: () => {},
    };
    const agent = {
      hello: {
        hello: 'dommu-agent' as const,
        protocol: PROTOCOL_VERSION,
        version: '0',
        xen: { major: 4, minor: 17, extra: '.0' },
        slots: 8,
      },
      perform: async (calls: readonly Call[]) => {
        this.requests++;
        return calls.map((call) => this.perform(call));
      },
      close: async () => {},
    };
    return {
      machine: {
        agent: agent as unknown as Judge['machine']['agent'],
        memory,
        rootTable: this.xen.vtd!.rootTable * 4096,
        consoleLength: () => this.log.length,
        consoleLines: (start) => this.log.slice(start),
      },
      edition,
      iommu: 'vtd',
      dom0Mode: this.mode,
      edus: REQUESTERS.slice(0, 2),
      nics: REQUESTERS.slice(2),
      hvm: false,
    };
  }

  private perform(call: Call): Results[Call['call']] {
    const { xen } = this;
    const slot = 'domid' in call ? xen.slotOf(call.domid) : -1;
    if ('domid' in call && slot < 0 && call.call !== 'createdomain') return NOBODY[call.call] ?? { rc: -3 };
    const pdx = (mfn: number) => xen.ram.indexOf(mfn);
    const device = (sbdf: number) => REQUESTERS.indexOf(sbdf);
    switch (call.call) {
      case 'reset':
        this.xen = this.boot();
        this.slotTables.clear();
        return { rc: 0 };
      case 'createdomain': {
        const rc = createDomain(xen, call.domid === 0 ? -1 : call.domid, { ...call, directMapped: false });
        if (rc < 0) return { rc, domid: 0, slotTable: -1, ownPages: [] };
        const slotTable = XEN_HEAP.last - rc;
        this.slotTables.set(rc, slotTable);
        return { rc: 0, domid: rc, slotTable, ownPages: [slotTable] };
      }
      case 'populate_physmap': {
        const mfns: number[] = [];
        for (let i = 0; i < call.count; i++) {
          const got = populatePhysmap(xen, slot, call.gfn + i);
          if (got < 0) break;
          mfns.push(xen.ram.frameAt(got));
        }
        return { rc: 0, mfns };
      }
      case 'decrease_reservation':
        return { rc: decreaseReservation(xen, slot, pdx(call.frame), call.frame) };
      case 'destroydomain':
        return { rc: destroyDomain(xen, 0, slot) };
      case 'max_mem':
        return { rc: setMaxPages(xen, slot, call.pages) };
      case 'memory_exchange': {
        const got = memoryExchange(xen, slot, pdx(call.frame));
        return { rc: Math.min(got, 0), mfns: got < 0 ? [] : [xen.ram.frameAt(got)] };
      }
      case 'mmuext_op':
        return {
          rc:
            call.command === 4
              ? unpinTable(xen, slot, pdx(call.mfn))
              : pinTable(xen, slot, pdx(call.mfn), call.command + 1),
        };
      case 'mmu_update': {
        const entry = BigInt(`0x${call.entry}`);
        const words = [Number(entry & 0xffff_ffffn) | 0, Number(entry >> 32n)] as const;
        return { rc: mmuUpdate(xen, slot, pdx(call.mfn), call.index, ...words) };
      }
      case 'update_va_mapping': {
        const of = xen.slotOf(call.of);
        const page = call.mfn < 0 ? -1 : pdx(call.mfn);
        const rc = updateVaMapping(xen, slot, call.slot, page, call.writable, of);
        const table = this.slotTables.get(call.domid);
        if (rc === 0 && table !== undefined) {
          const at = table * 4096 + call.slot * 8;
          xen.ram.write32(at, page < 0 ? 0 : entryLow(xen, page, call.writable));
          xen.ram.write32(at + 4, page < 0 ? 0 : entryHigh(xen, page));
        }
        return { rc };
      }
      case 'assign_device':
        return { rc: assignDevice(xen, 0, slot, device(call.sbdf), call.flags) };
      case 'test_assign_device':
        return { rc: testAssignDevice(xen, 0, slot, device(call.sbdf), call.flags) };
      case 'deassign_device':
        return { rc: deassignDevice(xen, 0, slot, device(call.sbdf)) };
      case 'grant':
        simulateEntry(xen, slot, call);
        return { rc: 0 };
      case 'end_grant':
        return { rc: clearGrantEntry(xen, slot, call.ref) ? 0 : -16 };
      case 'map_grant_ref': {
        const { granter, ref, flags, gfn } = call;
        const place = simulatedPlace(xen, call);
        const handle = mapGrantRef(xen, slot, xen.slotOf(granter), ref, flags, gfn, place);
        return { rc: 0, status: Math.min(handle, 0), handle: handle + 1000, busAddress: 0 };
      }
      case 'unmap_grant_ref': {
        const clear = (call.host ? 2 : 0) | (call.device ? 1 : 0);
        const [handle, place] = [call.handle - 1000, simulatedPlace(xen, call)];
        const status = unmapGrantRef(xen, slot, handle, clear, call.busAddress, WHERE_MAPPED, place);
        return { rc: 0, status, handle: call.handle, busAddress: 0 };
      }
      case 'unmap_and_replace': {
        const [handle, place] = [call.handle - 1000, simulatedPlace(xen, call)];
        const status = unmapAndReplace(xen, slot, handle, place, vaEntry(call.with));
        return { rc: 0, status, handle: call.handle, busAddress: 0 };
      }
      case 'grant_table_op':
        return simulateGrantOp(xen, slot, call);
      case 'dma': {
        const index = device(call.sbdf);
        const passed = deviceAccess(xen, index, call.address, call.write, 0x1234_5678);
        if (!passed) this.log.push(...faultLines(xen, index, xen.unitOf(index)!.lastFault()));
        return { rc: 0, value: 0 };
      }
      default:
        throw new Error(`the simulated machine knows no ${call.call}`);
    }
  }
}
