import { decimal, type Field, type Layout, naming, type RowsOf } from '../../store/table.js';
import { hostEntryText } from '../host-entry.js';
import type { MachineSpec } from '../machine.js';
import type { Xen } from '../state.js';

/** What the hypervisor's tables are laid by: where, for which machine, and how words and rows are called. */
export interface TablePlan {
  readonly layout: Layout;
  readonly spec: MachineSpec;
  /** Rows that domains have, dom_io's and dom_xen's among them. */
  readonly slots: number;
  readonly frames: number;
  /** What words name, said once, as data: symmetry/ reads it. */
  readonly names: {
    readonly domain: Field;
    readonly frame: Field;
    readonly call: Field;
    readonly device: Field;
    readonly grant: Field;
    readonly handle: Field;
    readonly hostEntry: Field;
  };
  /** What rows are, of tables that have as many: also dom_io and dom_xen, or only those that are ordinary. */
  readonly rows: { readonly slots: RowsOf; readonly domains: RowsOf; readonly calls: RowsOf };
  domainName(slot: number): string;
  frameName(pdx: number): string;
  /** How rows are called of which each domain has so many. */
  ofDomain(rows: number, what: string): (row: number) => string;
}

type Machine = Pick<Xen, 'layout' | 'spec' | 'ram' | 'slots' | 'domainName' | 'frameName'>;

/** The plan of a machine whose RAM is laid and whose domains are numbered. */
export function planTables(xen: Machine): TablePlan {
  const { layout, spec, slots } = xen;
  const { limits } = spec;
  const domainName = (slot: number): string => xen.domainName(slot);
  const frameName = (pdx: number): string => xen.frameName(pdx);
  return {
    layout,
    spec,
    slots,
    frames: xen.ram.frames,
    names: {
      domain: naming('slot', { show: domainName }),
      frame: naming('frame', { show: frameName }),
      call: naming('call', { show: (call) => domainName(Math.floor(call / limits.calls)) }),
      device: naming('device', { show: (row) => spec.devices[row]?.name ?? String(row) }),
      grant: naming('grant', decimal),
      handle: naming('handle', decimal),
      hostEntry: naming('host entry', { show: (entry) => hostEntryText(entry, frameName) }),
    },
    rows: {
      slots: { kind: 'slot', count: slots },
      domains: { kind: 'slot', count: limits.domains },
      calls: { kind: 'call', count: limits.domains * limits.calls },
    },
    domainName,
    frameName,
    ofDomain: (rows, what) => (row) => `${domainName(Math.floor(row / rows))} ${what} ${row % rows}`,
  };
}
