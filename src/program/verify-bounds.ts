import type { SearchOptions } from '../check/result.js';
import { counted, grouped } from '../text/count.js';
import type { VerifyBounds } from './verify.js';
import type { SaidSettings } from './verify-options.js';

/** The bounds that settings say. */
export function boundsOf(options: SaidSettings & { readonly memo?: boolean }): VerifyBounds {
  const { pages, levels, refs, handles, vaSlots, entries, hotplug, selfGrants, failures, memory } = options;
  return {
    pages,
    levels,
    refs,
    handles,
    vaSlots,
    entries,
    hotplug,
    selfGrants,
    memory,
    failures,
    ...(options.failuresWithin === undefined ? {} : { failuresWithin: options.failuresWithin }),
    operations: options.with,
    onlyOperations: options.only === true,
    destroy: options.destroy === true,
    steps: options.steps === true,
    deviceMappings: options.deviceMappings === true,
    partialUnmaps: options.partialUnmaps === true,
    merge: options.merge,
    memo: options.memo !== false,
    search: {
      maxStates: options.maxStates,
      maxDepth: options.maxDepth,
      maxMemory: options.maxMemory,
      maxSeconds: options.timeout,
      deeper: options.first === true ? 0 : options.deeper,
    },
  };
}

/** How a search goes about it, as settings say. */
export const searchOptionsOf = ({
  hash,
  symmetry,
  fair,
}: SaidSettings): Pick<SearchOptions, 'hash' | 'symmetries' | 'fairness'> => ({
  hash,
  symmetries: symmetry,
  fairness: fair === 'none' ? 'none' : 'weak',
});

/** The bounds for people. */
export function boundsText(bounds: VerifyBounds, ofConfigs: boolean): string {
  const { failures = 0, failuresWithin, operations = [], onlyOperations = false } = bounds;
  const within = failuresWithin === undefined ? '' : ` within ${counted(failuresWithin, 'try', 'tries')}`;
  return [
    ...(ofConfigs ? [`${counted(bounds.pages, 'page')} a guest`] : []),
    ...(onlyOperations ? ['nothing else but'] : alphabetTexts(bounds)),
    ...(failures > 0 ? [`${counted(failures, 'failure')}${within}`] : []),
    ...operations,
    ...searchTexts(bounds.search),
  ].join(', ');
}

function alphabetTexts(bounds: VerifyBounds): string[] {
  return [
    `levels ${bounds.levels.join(' ') || 'none'}`,
    counted(bounds.refs, 'grant ref'),
    counted(bounds.handles, 'handle'),
    counted(bounds.vaSlots, 'va'),
    `${counted(bounds.entries, 'entry', 'entries')} a page`,
    bounds.hotplug ? 'hotplug' : 'no hotplug',
    bounds.selfGrants ? 'self-grants' : 'no self-grants',
    ...(bounds.memory === false ? ['no pages given or taken'] : []),
    ...(bounds.destroy ? ['deaths'] : []),
    ...(bounds.steps ? ['step by step'] : []),
    ...(bounds.deviceMappings ? ['device mappings'] : []),
    ...(bounds.partialUnmaps ? ['partial unmaps'] : []),
  ];
}

function searchTexts({
  maxStates = Infinity,
  maxDepth = Infinity,
  ...rest
}: VerifyBounds['search']): string[] {
  const { maxMemory = Infinity, maxSeconds = Infinity, deeper = Infinity } = rest;
  return [
    `≤ ${grouped(maxStates)} states`,
    `depth ${Number.isFinite(maxDepth) ? grouped(maxDepth) : 'any'}`,
    `${grouped(maxMemory / 2 ** 20)} MiB`,
    `${grouped(maxSeconds)} s`,
    deeper === 0 ? 'first violation only' : `${deeper} deeper than a violation`,
  ];
}
