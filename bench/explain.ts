import { spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLogs } from '../src/cli/log-files.js';
import { explain } from '../src/logs/explain.js';
import { FORMS } from '../src/logs/forms/all.js';
import { Wordings } from '../src/logs/wordings.js';
import { grouped } from '../src/text/count.js';

const MEGABYTES = 256;
const ROUNDS = 3;

/** Lines between two events. */
const LINES_AN_EVENT = 1000;

/** Lines that say nothing of IOMMUs, as logs of dom0 and Xen have them. */
const ORDINARY = [
  'usb 1-1.2: new high-speed USB device number 5 using xhci_hcd',
  'e1000e 0000:00:1f.6 eth0: NIC Link is Up 1000 Mbps Full Duplex, Flow Control: Rx/Tx',
  'EXT4-fs (dm-2): mounted filesystem with ordered data mode. Quota mode: none.',
  'audit: type=1400 audit(1700000000.123:45): apparmor="STATUS" operation="profile_load" name="xl"',
  'pci 0000:03:00.0: reg 0x10: [mem 0xdf200000-0xdf203fff 64bit]',
  'systemd[1]: Started Session 12 of User root.',
  'xen_netback: vif3.0: page allocation failure. order:0, mode:0x20',
  '(XEN) d3v0 Unhandled WRMSR(0x0000000000000034) 0x0 -> 0x0',
  '(XEN) irq.c:380: Dom3 callback via changed to Direct Vector 0xf3',
  'device vif3.0 entered promiscuous mode',
  'xenbr0: port 2(vif3.0) entered blocking state',
  'IPv6: ADDRCONF(NETDEV_CHANGE): vif3.0: link becomes ready',
  'perf: interrupt took too long (2504 > 2500), lowering kernel.perf_event_max_sample_rate',
  'block loop0: the capability attribute has been deprecated.',
];

const EVENTS = [
  '(XEN) [VT-D]DMAR:[DMA Write] Request device [0000:01:00.0] fault addr ADDRESS',
  '(XEN) [VT-D]DMAR: reason 05 - PTE Write access is not set',
  'DMAR: [DMA Read NO_PASID] Request device [00:02.0] fault addr 0xADDRESS [fault reason 0x06] PTE Read access is not set',
  'ath10k_pci 0000:01:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x000d address=0xADDRESS flags=0x0070]',
  '(XEN) smmu: /smmu@fd800000: Unhandled context fault: fsr=0x402, iova=0xADDRESS, fsynr=0xb0001, cb=0',
];

function writeLog(file: string): void {
  const out = openSync(file, 'w');
  let lines = 0;
  for (let bytes = 0; bytes < MEGABYTES * 1e6; ) {
    const batch: string[] = [];
    for (let i = 0; i < LINES_AN_EVENT; i++, lines++) {
      const time = `[${(lines / 800).toFixed(6).padStart(12)}]`;
      const event = EVENTS[(lines / LINES_AN_EVENT) % EVENTS.length];
      const text =
        i === 0 && event !== undefined
          ? event.replace('ADDRESS', (0x8c000 + (lines % 64_000)).toString(16))
          : ORDINARY[(lines * 7 + (lines >> 5)) % ORDINARY.length]!;
      batch.push(`${time} ${text}\n`);
    }
    bytes += writeSync(out, batch.join(''));
  }
}

/** CPU seconds in which GNU grep counts the lines that have a key. */
function cpuSecondsOfGrep(keys: string, log: string): number {
  const script = 'TIMEFORMAT="%U %S"; time lines=$(grep -c -F -f "$1" "$2")';
  const env = { ...process.env, LC_ALL: 'C' };
  const { stderr } = spawnSync('bash', ['-c', script, 'grep', keys, log], { encoding: 'utf8', env });
  const [user, system] = stderr.trim().split(' ').map(Number) as [number, number];
  return user + system;
}

/** What reading a log costs. */
export interface ExplainFigures {
  readonly megabytes: number;
  /** Different keys that are searched for at once. */
  readonly keys: number;
  readonly events: number;
  /** CPU seconds to read and explain the log, and for GNU grep to count the lines that have one of the same keys. */
  readonly seconds: number;
  readonly grepSeconds: number;
  /** Bytes of memory while the log was read. */
  readonly rss: number;
}

export async function benchExplain(): Promise<ExplainFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'dommu-bench-'));
  try {
    const log = join(folder, 'big.log');
    writeLog(log);
    const { keys } = new Wordings(FORMS).triggers;
    const keyFile = join(folder, 'keys');
    writeFileSync(keyFile, `${keys.join('\n')}\n`);
    let seconds = Number.POSITIVE_INFINITY;
    let grepSeconds = Number.POSITIVE_INFINITY;
    let rss = 0;
    let events = 0;
    for (let round = 0; round < ROUNDS; round++) {
      grepSeconds = Math.min(grepSeconds, cpuSecondsOfGrep(keyFile, log));
      const start = process.cpuUsage();
      const explained = await explain(
        openLogs([log], () => false),
        { progress: () => (rss = Math.max(rss, process.memoryUsage.rss())) },
      );
      const { user, system } = process.cpuUsage(start);
      seconds = Math.min(seconds, (user + system) / 1e6);
      events = explained.events.reduce((sum, { count }) => sum + count, 0);
    }
    return { megabytes: MEGABYTES, keys: keys.length, events, seconds, grepSeconds, rss };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function explainReport(figures: ExplainFigures): string {
  const { megabytes, keys, events, seconds, grepSeconds, rss } = figures;
  const rate = megabytes / seconds;
  const grepRate = megabytes / grepSeconds;
  return [
    `explain: a log of ${megabytes} MB with an event in ${LINES_AN_EVENT} lines, ${keys} keys searched for at once`,
    `  explain   ${grouped(rate)} MB a CPU second, ${grouped(events)} events, ${grouped(rss / 2 ** 20)} MiB of memory`,
    `  grep -F   ${grouped(grepRate)} MB a CPU second, which counts the lines with such a key`,
    `  ratio     ${(rate / grepRate).toFixed(2)}`,
  ].join('\n');
}
