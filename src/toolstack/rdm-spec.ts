import { didYouMean } from '../text/suggest.js';
import type { ToolstackBehaviours } from './behaviours.js';
import type { RdmPolicy, SpecProblem } from './pci-spec.js';

/** `rdm = "strategy=host,policy=relaxed"`: how reserved device memory is kept free in an HVM guest. */
export interface Rdm {
  readonly strategy: 'ignore' | 'host';
  readonly policy: RdmPolicy;
}

export const NO_RDM: Rdm = { strategy: 'ignore', policy: 'strict' };

const VALUES: Readonly<Record<string, readonly string[]>> = {
  strategy: ['host'],
  policy: ['strict', 'relaxed'],
};

export function parseRdm(
  text: string,
  { rdmPolicy }: Pick<ToolstackBehaviours, 'rdmPolicy'>,
): { rdm: Rdm; problems: SpecProblem[] } {
  let rdm = NO_RDM;
  const problems: SpecProblem[] = [];
  let index = 0;
  for (const item of text.split(',')) {
    const equals = item.indexOf('=');
    const key = equals < 0 ? item : item.slice(0, equals);
    const value = equals < 0 ? '' : item.slice(equals + 1);
    const values = VALUES[key];
    if (values === undefined) {
      const message = `unknown option \`${key}\` of rdm, ${didYouMean(key, Object.keys(VALUES))}`;
      problems.push({ severity: 'error', code: 'rdm-option', message, index, length: key.length });
    } else if (!values.includes(value)) {
      const message = `${key} of rdm: expected ${values.join(' or ')}, found \`${value}\``;
      problems.push({ severity: 'error', code: 'rdm-option', message, index, length: item.length });
    } else {
      rdm = { ...rdm, [key]: value };
      if (key === 'policy' && rdmPolicy === 'drops-rdm') {
        const message = 'xl of this release drops the whole rdm setting when it has policy= in it';
        const hint = 'set rdm_policy= for each device in pci= instead';
        const place = { index, length: item.length };
        problems.push({ severity: 'warning', code: 'rdm-dropped', message, ...place, hint });
      }
    }
    index += item.length + 1;
  }
  const dropped = problems.some((problem) => problem.code === 'rdm-dropped');
  return { rdm: dropped ? NO_RDM : rdm, problems };
}
