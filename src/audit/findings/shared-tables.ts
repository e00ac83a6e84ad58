import { PAGE_SIZE } from '../../formats/address.js';
import type { AuditedDevice, Survey } from '../survey.js';
import { bytesText, type Finding, listed } from './finding.js';
import { namesOf, usersOfSpaces, whoText } from './reach.js';

/** Pairs of sets of tables that are told. */
const PAIRS_AT_MOST = 4000;

/** Tables that two sets of tables have in common; the first few by name. */
interface Shared {
  readonly pair: readonly [number, number];
  readonly frames: number[];
  total: number;
}

/** Tables that serve several domain ids: what is mapped for one is mapped for the other. */
export function* sharedTableFindings(survey: Survey): Generator<Finding> {
  const usersOf = usersOfSpaces(survey);
  yield* sharedRoots(survey, usersOf);
  const { pairs, untold } = sharedBelowRoots(survey, usersOf);
  const whoOf = new Map<number, string>();
  const who = (space: number): string => {
    const text = whoOf.get(space) ?? whoText(usersOf[space]!);
    whoOf.set(space, text);
    return text;
  };
  for (const {
    pair: [one, other],
    frames,
    total,
  } of pairs) {
    const tables = frames.map((frame) => bytesText(frame * PAGE_SIZE, (frame + 1) * PAGE_SIZE));
    yield {
      severity: 'error',
      code: 'tables-shared',
      message: `${who(one)} and ${who(other)} have different roots and share the tables at ${listed(tables, total)}: a mapping made there for one is a mapping for the other.`,
      sbdf: usersOf[one]![0]!.sbdf,
      devices: namesOf(usersOf[one]!, usersOf[other]!),
    };
  }
  if (!untold) return;
  const message = `More than ${PAIRS_AT_MOST} pairs of roots have tables in common; the others are not told.`;
  yield { severity: 'error', code: 'tables-shared', message, devices: [] };
}

/**
 * One root under several domain ids of one unit: the devices are in one domain, whatever their numbers say. Nested tables
 * are left out, for guests' own tables have an id each above one second stage.
 */
function* sharedRoots(survey: Survey, usersOf: readonly (readonly AuditedDevice[])[]): Generator<Finding> {
  for (const [index, users] of usersOf.entries()) {
    const idsOf = new Map<number, Set<number>>();
    for (const { unit, domainId, type } of users) {
      if (domainId === null || type.startsWith('nested')) continue;
      const ids = idsOf.get(unit);
      if (ids === undefined) idsOf.set(unit, new Set([domainId]));
      else ids.add(domainId);
    }
    for (const [unit, ids] of idsOf) {
      if (ids.size < 2) continue;
      const devices = users.filter((device) => device.unit === unit);
      const root = survey.spaces[index]!.root;
      const shown = listed([...ids].slice(0, 8).map(String), ids.size);
      yield {
        severity: 'warning',
        code: 'tables-shared',
        message: `${devices.length} devices of unit ${unit} have one root, 0x${root.toString(16)}, under the domain ids ${shown}: they reach the same memory.`,
        sbdf: devices[0]!.sbdf,
        devices: namesOf(devices),
      };
    }
  }
}

function sharedBelowRoots(survey: Survey, usersOf: readonly (readonly AuditedDevice[])[]) {
  const owner = new Map<number, number>();
  const pairs = new Map<number, Shared>();
  let untold = false;
  for (const [index, space] of survey.spaces.entries()) {
    if (usersOf[index]!.length === 0) continue;
    for (const frame of space.tables) {
      const first = owner.get(frame);
      if (first === undefined) {
        owner.set(frame, index);
        continue;
      }
      const key = first * survey.spaces.length + index;
      let known = pairs.get(key);
      if (known === undefined) {
        if (pairs.size >= PAIRS_AT_MOST) {
          untold = true;
          continue;
        }
        known = { pair: [first, index], frames: [], total: 0 };
        pairs.set(key, known);
      }
      known.total++;
      if (known.frames.length < 8) known.frames.push(frame);
    }
  }
  return { pairs: pairs.values(), untold };
}
