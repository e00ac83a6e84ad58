// npx tsx examples/other-model/search.ts [PAGES] [promotes-at-once|releases-at-once]
import { search } from '../../src/check/search.js';
import { changeLines, changesSince } from '../../src/store/changes.js';
import { MiniHypervisor } from './mini.js';

const [pages = '2', mistake = ''] = process.argv.slice(2);
const model = new MiniHypervisor(Number(pages), {
  promotesAtOnce: mistake === 'promotes-at-once',
  releasesAtOnce: mistake === 'releases-at-once',
});
const result = await search(model, { bounds: { deeper: 0 } });

console.log(
  `${result.stop}: ${result.states} states, ${result.transitions} transitions, depth ${result.depth}`,
);
for (const { property, message, actions } of result.violations) {
  console.log(`\n${property} is broken: ${message}`);
  for (const action of actions) {
    const before = model.state.mark();
    model.perform(action);
    console.log(`  ${model.actions[action]!.name}`);
    for (const line of changeLines(changesSince(model.layout, before, () => []))) console.log(`    ${line}`);
  }
}
process.exitCode = result.violations.length > 0 ? 1 : 0;
