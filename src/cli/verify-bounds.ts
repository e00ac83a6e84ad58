import { type Bug, boundsOf as boundsOfBug } from '../bugs/bug.js';
import type { VerifyBounds } from '../program/verify.js';
import { counted, grouped } from '../text/count.js';
import type { VerifyOptions } from './verify.js';

/** Options whose names are other than those of the bounds. */
const OPTION_OF: Readonly<Record<string, string>> = {
  operations: 'with',
  onlyOperations: 'only',
  maxSeconds: 'timeout',
};

/** The bounds that the options say. */
export function boundsOf(options: VerifyOptions): VerifyBounds {
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
    memo: options.memo,
    search: {
      maxStates: options.maxStates,
      maxDepth: options.maxDepth,
      maxMemory: options.maxMemory,
      maxSeconds: options.timeout,
      deeper: options.first === true ? 0 : options.deeper,
    },
  };
}

/**
 * The bounds of the search for a bug: its own, but for what the command line says itself.
 * @param isGiven whether the command line has an option.
 */
export function boundsForBug(
  bug: Bug,
  options: VerifyOptions,
  isGiven: (option: string) => boolean,
): VerifyBounds {
  const { search: asked, ...alphabet } = boundsOf(options);
  const { search, ...own } = boundsOfBug(bug);
  const given = (bounds: object) =>
    Object.fromEntries(Object.entries(bounds).filter(([name]) => isGiven(OPTION_OF[name] ?? name)));
  // A bug's search is bounded by its states; what it leaves open is as for every search.
  const first = options.first === true ? { deeper: 0 } : {};
  return {
    ...own,
    merge: options.merge,
    memo: options.memo,
    ...given(alphabet),
    search: { ...asked, ...search, ...given(asked), ...first },
  };
}

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
    `levels ${bounds.levels.join(' ')}`,
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

/** The bounds by the names of their options; null is no bound. */
export function boundsJson(bounds: VerifyBounds, options: VerifyOptions): unknown {
  const { pages, levels, refs, handles, vaSlots, entries, hotplug, selfGrants, search } = bounds;
  const {
    destroy = false,
    steps = false,
    failures = 0,
    deviceMappings = false,
    partialUnmaps = false,
  } = bounds;
  const { memory = true, failuresWithin = null, operations = [], onlyOperations = false } = bounds;
  const { hash, symmetry, merge, workers, fair, first = false } = options;
  return {
    ...{ pages, levels, refs, handles, vaSlots, entries, hotplug, selfGrants, memory },
    ...{ destroy, steps, failures, failuresWithin, deviceMappings, partialUnmaps },
    ...{ with: operations, only: onlyOperations },
    ...{ maxStates: search.maxStates, maxDepth: search.maxDepth, maxMemory: search.maxMemory },
    ...{ timeout: search.maxSeconds, deeper: search.deeper, first, hash, symmetry, merge, workers, fair },
  };
}
