import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/**
 * What axe-core finds wrong on a page as it stands, one element a line; nothing where it is clean. `within` is a selector,
 * for who answers for a part of the page only. The page's own policy lets no script in; the debugger's door is open.
 */
export async function accessibilityProblems(page: Page, within = 'html'): Promise<string[]> {
  await page.evaluate(`if (!('axe' in window)) { ${axe} }`);
  const { violations } = await page.evaluate<AxeResults, string>(
    (selector) =>
      (globalThis as unknown as { axe: { run(where: string): Promise<AxeResults> } }).axe.run(selector),
    within,
  );
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary, html }) =>
      [`${id}: ${help}`, target.join(' '), html.slice(0, 200), failureSummary].join('\n  '),
    ),
  );
}
