// `npm run bench [-- NAME…]`: figures, each as a rate and where it can be as a ratio against a peer on the same work.
import { auditReport, benchAudit } from './audit.js';
import { benchBuild, buildReport } from './build.js';
import { benchEnable, enableReport } from './enable.js';
import { benchExplain, explainReport } from './explain.js';
import { benchExplore, exploreReport } from './explore.js';
import { benchMachine, machineReport } from './machine.js';
import { benchMemo, memoReport } from './memo.js';
import { benchParse, parseReport } from './parse.js';
import { benchPopulate, populateReport } from './populate.js';
import { benchSearch, searchReport } from './search.js';
import { spinBench } from './spin/spin.js';
import { benchStore, storeReport } from './store.js';
import { benchTimeline, timelineReport } from './timeline.js';
import { benchWalker, walkerReport } from './walker.js';

const BENCHES: Readonly<Record<string, () => Promise<string>>> = {
  search: async () => searchReport(await benchSearch()),
  spin: spinBench,
  memo: async () => memoReport(await benchMemo()),
  build: async () => buildReport(await benchBuild()),
  populate: async () => populateReport(await benchPopulate()),
  enable: async () => enableReport(await benchEnable()),
  store: async () => storeReport(await benchStore()),
  timeline: async () => timelineReport(await benchTimeline()),
  explore: async () => exploreReport(await benchExplore()),
  machine: async () => machineReport(await benchMachine()),
  explain: async () => explainReport(await benchExplain()),
  parse: async () => parseReport(await benchParse()),
  walker: async () => walkerReport(await benchWalker()),
  audit: async () => auditReport(await benchAudit()),
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
  process.stderr.write(
    `no bench is called ${unknown.join(', ')}; there are: ${Object.keys(BENCHES).join(', ')}\n`,
  );
  process.exitCode = 2;
} else {
  for (const name of asked.length > 0 ? asked : Object.keys(BENCHES)) {
    process.stdout.write(`${await BENCHES[name]!()}\n\n`);
  }
}
